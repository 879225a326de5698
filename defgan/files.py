"""Files and directories on disk: written whole or not at all, and read where they must be there.

A kill in the middle of writing never leaves a file that looks whole. What it leaves, the next writer overwrites.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from defgan.errors import MissingInputError

_LONGEST = 255  # bytes of a file's name


def existing(path: str | Path) -> Path:
    """The path of a file that an earlier step of the pipeline makes; raises MissingInputError where it is not there."""
    path = Path(path)
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file")
    return path


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed to `path`.

    On an exception the temporary file is removed and `path` keeps its old content.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix is kept: writers such as numpy and Pillow choose the format by it.
    name = f".{path.stem}.partial{path.suffix}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".{hashlib.sha256(os.fsencode(name)).hexdigest()}.partial{path.suffix}"
    temporary = path.with_name(name)
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a temporary directory beside `path`; on success it takes the place of `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Wait while another process works on the same state: of two experiments one would delete what the other kept."""
    import fcntl  # here, not above: it is POSIX's, and whoever only reads files need not have it

    state.parent.mkdir(parents=True, exist_ok=True)
    with state.with_name(f".{state.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
