"""The exceptions that mean "the input is wrong", not "the program is wrong", and how they are shown."""

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import category

from rich.console import Console
from rich.markup import escape

_FULL_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "requested and",  # NumPy: "9 requested and 0 written"
    "database or disk is full",
)
"""Libraries that pass on the system's words without its code, or say it in their own."""


class UserError(Exception):
    """Bad input. The message is one line: what was wrong, which file or key, and what to do."""


class MissingInputError(UserError):
    """Something that an earlier step of the pipeline makes is missing, or was made from other inputs.

    The message names the file and what is wrong with it. Who runs the pipeline adds how to make it.
    """


def one_line(text: str) -> str:
    """A text as one line of any terminal: names of files may hold line breaks, and bytes that are no letters."""
    return "".join(_visible(sign) if category(sign) in ("Cc", "Cs", "Zl", "Zp") else sign for sign in text)


def _visible(sign: str) -> str:
    return f"%{ord(sign) - 0xDC00:02X}" if "\udc80" <= sign <= "\udcff" else ascii(sign)[1:-1]


def _full_disk(error: BaseException | None) -> str:
    """What an exception, or the one behind it, says of a disk, quota or limit of file sizes that is full; else ""."""
    while error is not None:
        said = " ".join(str(error).split())
        if getattr(error, "errno", None) in _FULL_CODES or any(words in said for words in _FULL_WORDS):
            return said
        error = error.__cause__ or error.__context__
    return ""


def _stop(name: str, message: str) -> None:
    Console(stderr=True).print(f"[red]{name}:[/red] {escape(one_line(message))}", highlight=False, soft_wrap=True)
    raise SystemExit(1) from None


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """A UserError or a full disk ends in one line that begins with `name`, and exit code 1.

    What a terminal's encoding cannot show is escaped: no command fails for what it prints.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except UserError as error:
        _stop(name, str(error))
    except Exception as error:
        if said := _full_disk(error):
            _stop(name, f"the disk is full, or a quota or limit is reached ({said}); make room and run it again")
        raise
