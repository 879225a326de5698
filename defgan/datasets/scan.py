"""Which files of a directory tree are photographs."""

import os
from collections.abc import Iterator
from pathlib import Path

from defgan.errors import UserError
from defgan.records import Record, Skipped

IMAGE_SUFFIXES = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm"),
        *(".ppm", ".tga", ".tif", ".tiff", ".webp"),
    }
)


def printable(name: str) -> str:
    """A path that any table can hold: bytes that are not UTF-8 are written as %E9."""
    return "".join(f"%{ord(sign) - 0xDC00:02X}" if "\udc80" <= sign <= "\udcff" else sign for sign in name)


def is_photograph(name: str) -> bool:
    """Whether a file is a photograph by its name."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not os.path.basename(name).startswith(".")


def scan(directory: Path, skipped: Skipped) -> Iterator[tuple[str, str]]:
    """Every photograph of a tree, unsorted: its path in the directory, and why it is rejected, "" if it is not.

    Links are followed, but not into a directory that they lie in. A directory that cannot be read is rejected as one
    input, since its content is unknown. Other files go to `skipped`. Raises UserError where there is no such folder.
    """
    if not directory.is_dir():
        raise UserError(f"{directory}: no such folder; put photographs there, or set data.<role>.path to their folder")
    stack = [("", (_identity(directory),))]
    while stack:
        relative, above = stack.pop()
        try:
            with os.scandir(directory / relative) as entries:
                found = list(entries)
        except OSError as error:
            yield f"{relative}/", f"unreadable folder: {error.strerror}"
            continue
        for entry in found:
            name = os.path.join(relative, entry.name)
            try:
                inner = entry.is_dir()
            except OSError:  # a link that leads to itself
                inner = False
            if inner and not entry.name.startswith("."):
                identity = _identity(entry)
                if identity in above:
                    yield f"{name}/", "a link to a folder that contains it"
                else:
                    stack.append((name, (*above, identity)))
            elif not inner and is_photograph(name):
                yield name, ""
            elif not inner:
                suffix = os.path.splitext(name)[1].lower()
                skipped.add(f"no photograph by its name ({suffix or 'no suffix'})", printable(name))
            else:
                skipped.add("hidden folder", printable(name))


def _identity(place: os.DirEntry | Path) -> tuple[int, int]:
    status = place.stat()
    return status.st_dev, status.st_ino


def photographs(directory: Path, skipped: Skipped) -> list[Record]:
    """A record of every photograph of a tree, by path; the subject is its first folder, or its name at the top.

    Raises UserError where there are none.
    """
    records = []
    for name, reject in scan(directory, skipped):
        source = printable(name)
        head, slash, _ = source.partition("/")
        subject = head if slash else os.path.splitext(source)[0]
        records.append(Record(source, os.path.join(directory, name), subject, reject=reject))
    if not records:
        raise UserError(
            f"{directory}: no photographs in this folder ({', '.join(sorted(IMAGE_SUFFIXES))});"
            " put some there, or set data.<role>.path to their folder"
        )
    return sorted(records, key=lambda record: record.source)
