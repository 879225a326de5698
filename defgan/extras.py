"""How to install what is optional: the extras of `pyproject.toml`."""

import importlib.metadata
import re


def how_to_install(extra: str) -> str:
    """The commands that install an extra, as the end of an error's message: in the project's folder, and elsewhere.

    The project is in no package index: outside its folder, pip can install only the packages that the extra names.
    """
    needed = (re.fullmatch(rf"([^;]+?)\s*;.*extra == ['\"]{extra}['\"].*", text) for text in _requirements())
    packages = " ".join(f"'{found[1]}'" for found in needed if found)
    elsewhere = f"; in another environment: python -m pip install {packages}" if packages else ""
    return f"in the project's folder: .uv/bin/uv sync --frozen --inexact --extra {extra}{elsewhere}"


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires("defgan") or []
    except importlib.metadata.PackageNotFoundError:  # the code is used without being installed
        return []
