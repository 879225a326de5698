"""Which files of a folder, with all folders in it, or of a zip are photographs."""

import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import takewhile
from pathlib import Path

from defgan.datasets.names import expression_of, subject_of
from defgan.errors import UserError
from defgan.records import LARGEST_MEMBER, Record, Skipped

IMAGE_SUFFIXES = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm"),
        *(".ppm", ".tga", ".tif", ".tiff", ".webp"),
    }
)
MASKS = "CelebAMask-HQ-mask-anno"
_BY_OPENFACE = "written by OpenFace, no photograph of the data set"
_SHADOWS = {
    "openface": _BY_OPENFACE,
    MASKS.lower(): "a mask, no photograph",
    "__macosx": "macOS's notes on a file, no photograph",
    "@eadir": "a thumbnail, no photograph of its own",
    "$recycle.bin": "deleted",
}
"""Folders, in lower case, whose images other programs made, and why these are no input."""


def printable(name: str) -> str:
    """A path that any table can hold: bytes that are not UTF-8 are written as %E9."""
    return "".join(f"%{ord(sign) - 0xDC00:02X}" if "\udc80" <= sign <= "\udcff" else sign for sign in name)


def is_photograph(name: str, more: Collection[str] = ()) -> bool:
    """Whether a file is a photograph by its name; `more`: other suffixes that count as well, such as those of clips."""
    return os.path.splitext(name)[1].lower() in {*IMAGE_SUFFIXES, *more} and not os.path.basename(name).startswith(".")


def is_zip(path: Path) -> bool:
    """Whether a path is a zip by its name; a folder may have such a name, too."""
    return path.suffix.lower() == ".zip" and not path.is_dir()


def why_no_input(folder: str, files: Collection[str]) -> str:
    """Why the images of a folder, named and with these files in it, are no input; "" where they are.

    Known tools write images beside what they read: crops of the same people, drawings on them, masks, thumbnails.
    """
    name = folder.lower()
    if name in _SHADOWS:
        return _SHADOWS[name]
    by_openface = (
        name.endswith("_aligned") and any(re.match("(face|frame)_det_", file) for file in files),
        name.startswith(("processed", "openface")) and any(file.endswith("_of_details.txt") for file in files),
    )
    if any(by_openface):
        return _BY_OPENFACE
    return "prepared faces, no photographs" if {"faces.parquet", "pixels.npy"} <= {*files} else ""


def scan(directory: Path, skipped: Skipped, more: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Every photograph of a tree, unsorted: its path in the directory, and why it is rejected, "" if it is not.

    Links are followed, but not into a directory that they lie in. A directory that cannot be read is rejected as one
    input, since its content is unknown. Other files go to `skipped`; `more` are suffixes as of `is_photograph`. Raises
    UserError where there is no such folder.
    """
    if not directory.is_dir():
        raise UserError(f"{directory}: no such folder; put photographs there, or set data.<role>.path to their folder")
    stack = [("", (_identity(directory),), "")]
    while stack:
        relative, above, no_input = stack.pop()
        try:
            with os.scandir(directory / relative) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield f"{relative}/", f"unreadable folder: {error.strerror}"
            continue
        if relative and not no_input:
            no_input = why_no_input(os.path.basename(relative), [entry.name for entry in found])
        for entry in found:
            name = os.path.join(relative, entry.name)
            try:
                inner = entry.is_dir()
            except OSError:  # a link that leads to itself
                inner = False
            if inner and entry.name.startswith("."):
                skipped.add("hidden folder", printable(name))
            elif inner:
                identity = _identity(entry)
                if identity not in above:
                    stack.append((name, (*above, identity), no_input))
                elif not no_input:
                    yield f"{name}/", "a link to a folder that contains it"
            elif reason := _why_skipped(name, no_input, more):
                skipped.add(reason, printable(name))
            elif not no_input:
                yield name, ""


def scan_zip(path: Path, skipped: Skipped) -> Iterator[tuple[str, str, str]]:
    """Every photograph of a zip: its path, its member's name, and why it is rejected, "" if it is not.

    Other files go to `skipped`. Raises UserError where there is no such file, or where it is no zip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; put the zip there, or set data.<role>.path to it") from None
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as a zip: {' '.join(str(error).split())}; download it again") from None
    files = defaultdict(list)
    for member in members:
        folder, _, name = member.filename.replace("\\", "/").rpartition("/")
        files[folder].append(name)
    seen: set[str] = set()
    for member in members:
        source = member.filename.replace("\\", "/")
        folders = source.split("/")[:-1]
        above = ("/".join(folders[: depth + 1]) for depth in range(len(folders)))
        no_input = next(filter(None, (why_no_input(each.split("/")[-1], files.get(each, ())) for each in above)), "")
        if reason := _why_skipped(source, no_input):
            skipped.add(reason, printable(source))
        elif source in seen:
            skipped.add("the same name again in the zip", printable(source))
        elif not no_input:
            seen.add(source)
            reject = ""
            if source.startswith("/") or ".." in folders:
                reject = "outside the data set's folder"
            elif member.flag_bits & 1:
                reject = "unreadable image: the zip asks for a password"
            elif member.file_size > LARGEST_MEMBER:
                reject = f"unreadable image: {member.file_size} bytes are too many for a photograph"
            yield source, member.filename, reject


def _why_skipped(name: str, no_input: str, more: Collection[str] = ()) -> str:
    """Why a file is skipped; "" for a photograph, and for the tables and texts of tools, which others may read."""
    if is_photograph(name, more) or no_input:
        return no_input if is_photograph(name, more) else ""
    if os.path.basename(name).startswith("."):
        return "hidden file"
    return f"no photograph by its name ({os.path.splitext(name)[1].lower() or 'no suffix'})"


def _identity(place: os.DirEntry | Path) -> tuple[int, int]:
    status = place.stat()
    return status.st_dev, status.st_ino


def photographs(place: Path, skipped: Skipped) -> list[Record]:
    """A record of every photograph of a folder or zip, by path; its path says the subject, and perhaps the expression.

    Raises UserError where there are none.
    """
    if is_zip(place):
        found = [(name, str(place), member, reject) for name, member, reject in scan_zip(place, skipped)]
    else:
        found = [(name, os.path.join(place, name), "", reject) for name, reject in scan(place, skipped)]
    # A zip has its own name as a folder around all; that is nobody's.
    top = len(_common_folder([name for name, *_ in found])) if is_zip(place) else 0
    records = []
    for name, file, member, reject in found:
        source = printable(name)
        subject = subject_of(printable(name[top:]))
        records.append(Record(source, file, subject, expression_of(source), member=member, reject=reject))
    if not records:
        others = f"; skipped: {skipped}" if skipped.counts else ""
        raise UserError(
            f"{place}: no photographs in this {'zip' if is_zip(place) else 'folder'}"
            f" ({', '.join(sorted(IMAGE_SUFFIXES))}); put some there, or set data.<role>.path to their folder{others}"
        )
    return sorted(records, key=lambda record: record.source)


def _common_folder(names: list[str]) -> str:
    """The folders in which all of the names lie, with the slash at their end; "" where there are none."""
    ends = [name.split("/")[:-1] for name in (min(names, default=""), max(names, default=""))]  # share what all share
    return "".join(f"{own}/" for own, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*ends, strict=False)))


def holds(place: Path, pattern: str) -> bool:
    """Whether a folder, or a zip, has a photograph whose path the regular expression fits anywhere."""
    wanted, skipped = re.compile(pattern, re.IGNORECASE), Skipped()
    try:
        found = scan_zip(place, skipped) if is_zip(place) else scan(place, skipped)
        return any(wanted.search(name[0]) for name in found)
    except UserError:  # reading it will say what is wrong
        return False
