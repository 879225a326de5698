"""Which photographs and clips a run of `defgan edit` is given: files, folders with all below them, and patterns."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from defgan.datasets.scan import is_photograph, scan
from defgan.editing.image_file import is_edit
from defgan.editing.video.clip import READ, is_edited_clip
from defgan.records import Skipped

NO_PHOTOGRAPHS = "no photographs here"


@dataclass(frozen=True)
class Given:
    """A photograph that was given."""

    path: Path
    below: Path  # its folder, from the nearest folder that holds everything that was given
    reject: str = ""  # why it cannot be edited, where that is known before it is read


def find_photographs(arguments: Sequence[str]) -> tuple[list[Given], Skipped]:
    """Every photograph once, in the order of the arguments, and what lies beside them in folders and patterns.

    What is an edit already is left out, unless it is named as a file. What is not there, or holds no photographs, is
    among the photographs with the reason for which it is rejected.
    """
    skipped, found, folders = Skipped(), dict[str, tuple[Path, str]](), []
    for text in arguments:
        folders.append(os.path.abspath(_folder(text)))
        empty = True
        for path, reject in _listed(text, skipped):
            empty = False
            if not reject and path != Path(text) and (is_edit(path) or is_edited_clip(path)):
                skipped.add("an edit already; name it by itself to edit it again", str(path))
                continue
            folder = os.path.dirname(os.path.abspath(path))
            folders.append(folder)
            found.setdefault(os.path.join(os.path.realpath(folder), path.name), (path, reject))
        if empty:
            there = os.path.lexists(text) or glob.has_magic(text)
            found.setdefault(os.path.abspath(text), (Path(text), NO_PHOTOGRAPHS if there else "no such file"))
    shared = os.path.commonpath(folders)
    return [
        Given(path, Path(os.path.relpath(os.path.dirname(os.path.abspath(path)), shared)), reject)
        for path, reject in found.values()
    ], skipped


def _folder(text: str) -> str:
    """The folder that an argument stands for; of a pattern the part before its first wildcard."""
    if os.path.isdir(text):
        return text
    if os.path.lexists(text) or not glob.has_magic(text):
        return os.path.dirname(text)
    parts = Path(text).parts
    plain = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return os.path.join("", *parts[:plain])


def _listed(text: str, skipped: Skipped) -> Iterator[tuple[Path, str]]:
    """The photographs of one argument, with a reason for each that is rejected; sorted by name."""
    if os.path.isdir(text):
        for name, reject in sorted(scan(Path(text), skipped, READ)):
            yield Path(text, name), reject
    elif os.path.lexists(text):
        yield Path(text), ""
    elif glob.has_magic(text):
        for path in map(Path, sorted(glob.glob(text, recursive=True))):
            if is_photograph(path.name, READ):
                if not path.is_dir():
                    yield path, ""
            elif path.is_file():
                skipped.add(f"no photograph by its name ({path.suffix.lower() or 'no suffix'})", str(path))
