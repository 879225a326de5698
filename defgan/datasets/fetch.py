"""Fetching data sets whose licence lets anybody have them: whole or not at all, and on from where it was cut off."""

import hashlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.progress import Progress

from defgan.datasets.scan import is_photograph
from defgan.errors import UserError
from defgan.files import atomic_directory, atomic_file

BLOCK = 1 << 20
CHECKSUMS = "SHA256SUMS.json"
"""Beside a fetched data set: the checksums of its files as they were first fetched."""


@dataclass(frozen=True)
class Remote:
    """A zip of photographs to be fetched."""

    url: str
    folder: str  # where its photographs go
    sha256: str | None = None  # None where the publisher gives none: recorded on first use, and held to ever after


@dataclass(frozen=True)
class Recipe:
    """A data set as it is published."""

    name: str
    licence: str
    citation: str
    files: tuple[Remote, ...]


RECIPES = MappingProxyType(
    {
        # figshare publishes MD5 sums, on a page that is not part of the files; a SHA-256 nobody gives.
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
    """Fetch and unpack a data set into `directory`/NAME; yields a sentence for each step. Raises UserError."""
    home = directory / recipe.name
    home.mkdir(parents=True, exist_ok=True)
    checksums = home / CHECKSUMS
    known = json.loads(checksums.read_text()) if checksums.is_file() else {}
    for remote in recipe.files:
        folder = home / remote.folder
        if folder.is_dir():
            yield f"{folder}: there already"
            continue
        archive = home / f"{remote.folder}.zip"
        download(remote.url, archive)
        actual = _sha256(archive)
        expected = remote.sha256 or known.get(remote.folder)
        if expected and actual != expected:
            archive.unlink()
            raise UserError(
                f"{archive}: SHA-256 is {actual}, expected {expected}; what {remote.url} sends is not what it was:"
                " it is deleted. Try again, or look at the publisher's page"
            )
        if expected is None:
            yield f"{archive}: the publisher gives no SHA-256; {actual} is recorded in {checksums} and held to"
        known[remote.folder] = actual
        with atomic_file(checksums) as temporary:
            temporary.write_text(json.dumps(known, indent=2) + "\n")
        count = unpack(archive, folder)
        archive.unlink()
        yield f"{folder}: {count} photographs"
    with atomic_file(home / "CITATION.txt") as temporary:
        temporary.write_text(f"{recipe.citation}\n{recipe.licence}\n")
    yield f"{home}: {recipe.licence}; cite: {recipe.citation}"


def download(url: str, destination: Path) -> None:
    """A file by HTTP; what an earlier call has got of it is not fetched again where the server can go on."""
    part = destination.with_name(f".{destination.stem}.partial{destination.suffix}")
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
            have = have if goes_on else 0
            length = response.headers.get("Content-Length")
            total = have + int(length) if length else None
            with part.open("ab" if goes_on else "wb") as file, Progress(transient=True) as progress:
                bar = progress.add_task(f"Fetching {destination.name}", total=total, completed=have)
                while block := response.read(BLOCK):
                    file.write(block)
                    progress.advance(bar, len(block))
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise UserError(f"{url}: {error}; look at the publisher's page") from None
        # All of it is here already: the last call was cut off between the end of the download and its renaming.
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"{url}: {error}; run again: what has arrived is kept in {part}") from None
    else:
        if total is not None and part.stat().st_size < total:
            raise UserError(f"{url}: the connection ended early; run again: what has arrived is kept in {part}")
    os.replace(part, destination)


def unpack(archive: Path, folder: Path) -> int:
    """The photographs of a zip, flat, into a folder that appears when all are there; their number. Raises UserError."""
    count = 0
    try:
        with zipfile.ZipFile(archive) as content, atomic_directory(folder) as temporary:
            for info in content.infolist():
                # By the last part of its name only: whatever path the zip gives, nothing is written elsewhere.
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
