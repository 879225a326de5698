"""The exceptions that mean "the input is wrong", not "the program is wrong", and how they are shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import category

from rich.console import Console
from rich.markup import escape


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


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """A UserError ends in one line that begins with `name`, and exit code 1."""
    try:
        yield
    except UserError as error:
        Console(stderr=True).print(
            f"[red]{name}:[/red] {escape(one_line(str(error)))}", highlight=False, soft_wrap=True
        )
        raise SystemExit(1) from None
