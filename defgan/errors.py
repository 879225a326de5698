"""The exceptions that mean "the input is wrong", not "the program is wrong", and how they are shown."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class UserError(Exception):
    """Bad input. The message is one line: what was wrong, which file or key, and what to do."""


class MissingInputError(UserError):
    """Something that an earlier step of the pipeline makes is missing, or was made from other inputs.

    The message names the file and what is wrong with it. Who runs the pipeline adds how to make it.
    """


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """A UserError ends in one line that begins with `name`, and exit code 1."""
    try:
        yield
    except UserError as error:
        Console(stderr=True).print(f"[red]{name}:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None
