"""The figures, one file each. To add one is to add a file here; docs/extending.md does it step by step.

A file is named after its figure: `fig_04` holds fig_04_expressions. It holds one `base.Figure`, called FIGURE.
"""

import pkgutil
from difflib import get_close_matches
from importlib import import_module

from defgan.errors import UserError
from defgan.report.figures.base import Figure


def modules() -> list[str]:
    """The names of the files that hold a figure, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")


def load(module: str) -> Figure:
    """The figure of one file; no other figure's file is loaded."""
    return import_module(f"{__name__}.{module}").FIGURE


def every() -> list[Figure]:
    """All figures, by name."""
    return sorted(map(load, modules()), key=lambda figure: figure.name)


def get(name: str) -> Figure:
    """One figure by its name or its file's: fig_04_expressions or fig_04. Raises UserError for another name."""
    candidates = [module for module in modules() if name == module or name.startswith(f"{module}_")]
    for figure in map(load, candidates):
        if name in (figure.name, candidates[0]):
            return figure
    names = [figure.name for figure in every()]
    near = get_close_matches(name, names, n=3, cutoff=0.4) or names
    raise UserError(f"{name}: no such figure; did you mean {', '.join(near)}?")
