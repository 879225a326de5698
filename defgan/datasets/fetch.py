"""Downloads data sets that anybody may have, and unpacks them: whole or not at all."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from defgan.datasets.scan import is_photograph
from defgan.downloads import download, file_digest
from defgan.errors import UserError
from defgan.files import atomic_directory, atomic_file

CHECKSUMS = "SHA256SUMS.json"
"""In a fetched data set's folder: the checksums of its archives when they were first fetched."""


@dataclass(frozen=True)
class Remote:
    """A zip of photographs."""

    url: str
    folder: str  # where its photographs go


@dataclass(frozen=True)
class Recipe:
    """A data set as it is published."""

    name: str
    licence: str
    citation: str
    files: tuple[Remote, ...]


RECIPES = MappingProxyType(
    {
        # figshare gives no SHA-256: that of the first download is recorded, and later downloads must have the same.
        "london": Recipe(
            name="london",
            licence="CC BY 4.0",
            citation="DeBruine, L. & Jones, B. (2017). Face Research Lab London Set (version 5). figshare."
            " https://doi.org/10.6084/m9.figshare.5047666.v5",
            files=(
                Remote("https://figshare.com/ndownloader/files/8541961", "neutral"),
                Remote("https://figshare.com/ndownloader/files/8541964", "smiling"),
            ),
        )
    }
)


def fetch(recipe: Recipe, directory: Path) -> Iterator[str]:
    """Download and unpack a data set into `directory`/NAME; yields a sentence for each step. Raises UserError."""
    home = directory / recipe.name
    home.mkdir(parents=True, exist_ok=True)
    checksums = home / CHECKSUMS
    known = json.loads(checksums.read_text(encoding="utf-8")) if checksums.is_file() else {}
    for remote in recipe.files:
        folder = home / remote.folder
        if folder.is_dir():
            yield f"{folder}: already there"
            continue
        archive = home / f"{remote.folder}.zip"
        download(remote.url, archive)
        actual, expected = file_digest(archive), known.get(remote.folder)
        if expected is None:
            yield f"{archive}: the publisher gives no SHA-256; {actual} is recorded in {checksums} for later downloads"
        elif actual != expected:
            archive.unlink()
            raise UserError(
                f"{archive}: SHA-256 is {actual}, expected {expected}; the file at {remote.url} has changed and is not"
                " kept. Try again, or look on the publisher's page"
            )
        known[remote.folder] = actual
        with atomic_file(checksums) as temporary:
            temporary.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        count = unpack(archive, folder)
        archive.unlink()
        yield f"{folder}: {count} photographs"
    with atomic_file(home / "CITATION.txt") as temporary:
        temporary.write_text(f"{recipe.citation}\n{recipe.licence}\n", encoding="utf-8")
    yield f"{home}: {recipe.licence}; cite: {recipe.citation}"


def unpack(archive: Path, folder: Path) -> int:
    """Unpack the photographs of a zip, without its folders, into `folder`; returns their number. Raises UserError."""
    count = 0
    try:
        with zipfile.ZipFile(archive) as content, atomic_directory(folder) as temporary:
            for info in content.infolist():
                # Only the last part of the path counts: nothing is written outside the folder.
                name = Path(info.filename).name
                if info.is_dir() or "__MACOSX" in info.filename or not is_photograph(name):
                    continue
                with content.open(info) as source, (temporary / name).open("xb") as file:
                    shutil.copyfileobj(source, file)
                count += 1
            if not count:
                raise UserError(f"{archive}: no photographs in this zip; delete it and run again")
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{archive}: cannot be unpacked: {error}; delete it and run again") from None
    return count
