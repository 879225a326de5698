"""Downloads: whole or not at all, checked, and continued where an earlier attempt was cut off."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from rich.progress import Progress

from defgan.errors import UserError

_BLOCK = 1 << 20


def download(url: str, destination: Path) -> None:
    """A file by HTTP to `destination`. A second call continues where the first was cut off, if the server can.

    Raises UserError where the file cannot be had; what has arrived is kept beside `destination`.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f".{destination.stem}.partial{destination.suffix}")
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            continues = response.status == http.HTTPStatus.PARTIAL_CONTENT
            have = have if continues else 0
            length = response.headers.get("Content-Length")
            total = have + int(length) if length else None
            with part.open("ab" if continues else "wb") as file, Progress(transient=True) as progress:
                bar = progress.add_task(f"Downloading {destination.name}", total=total, completed=have)
                while block := response.read(_BLOCK):
                    file.write(block)
                    progress.advance(bar, len(block))
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise UserError(
                f"{destination}: cannot be downloaded from {url} ({error}); look on the publisher's page"
            ) from None
        # All of it is here already: the last call was cut off between the end of the download and its renaming.
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"{destination}: cannot be downloaded from {url} ({error}); run again: what has arrived is kept in {part}"
        ) from None
    else:
        if total is not None and part.stat().st_size < total:
            raise UserError(
                f"{destination}: the connection to {url} ended early; run again: what has arrived is kept in {part}"
            )
    os.replace(part, destination)


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
