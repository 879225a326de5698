"""Text that participants typed, made safe for Markdown pages and CSV tables."""

import html
import re
import unicodedata

_LONGEST = 2000


def one_line(text: object) -> str:
    """The text on one line, without control characters, cut after 2,000 characters."""
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in str(text))
    return re.sub(r"\s+", " ", plain).strip()[:_LONGEST]


def for_markdown(text: object) -> str:
    """The text as a cell of a Markdown table; none of it acts as Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~:/.@-])", r"\\\1", html.escape(one_line(text), quote=False))


def for_csv(text: object) -> str:
    """The text as a CSV cell; no spreadsheet takes it for a formula."""
    plain = one_line(text)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain
