"""What imports what, read from the source: for the tests of the house."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from defgan.methods.registry import NAMES
from tests.conftest import ROOT

ALL_STAGES = ROOT / "stages/common.py"
"""Wraps every stage: params, whose values DVC watches, the one-line error and MLflow's record. It decides no output."""


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if not _is_type_checking(child):
            yield child
            yield from _walk(child)


@cache
def parsed(path: Path) -> ast.Module:
    """A file's syntax tree; nobody changes it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported_names(path: Path, lazy: bool = True) -> frozenset[str]:
    """Names of the modules that a file imports, wherever in it; `lazy`: those of `LazyModule` too."""
    names: set[str] = set()
    for node in _walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            if "__name__" in ast.unparse(node):  # a package that loads its own modules by their names
                package = ".".join(path.parent.relative_to(ROOT).parts)
                names |= {f"{package}.{file.stem}" for file in path.parent.glob("*.py")}
        elif lazy and isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "LazyModule":
            names.add(node.args[0].value)
    return frozenset(names)


@cache
def files_of(name: str) -> frozenset[Path]:
    """The files that importing a module of the repository runs, its packages' among them; none of other modules."""
    found, parts = set(), name.split(".")
    for length in range(1, len(parts) + 1):
        module = ROOT.joinpath(*parts[:length])
        found |= {file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()}
    return frozenset(
        file for file in found if file.relative_to(ROOT).parts[0] in ("defgan", "stages", "tools", "benchmarks")
    )


def imported_files(path: Path, lazy: bool = True) -> set[Path]:
    """Files of the repository that a file imports, directly or not, but those that `stages/common.py` alone imports."""
    found, waiting = set(), [path]
    while waiting:
        for name in imported_names(waiting.pop(), lazy):
            new = files_of(name) - found - {ALL_STAGES, path}
            found |= new
            waiting += new
    return found


def stage_files(script: Path, argument: str = "") -> set[str]:
    """Files of the repository that a stage runs, empty ones left out, relative to its root.

    A stage that is told a method's name runs that method: its file, and what it loads when it is used. Others only read
    the methods' descriptions.
    """
    found = {script} | imported_files(script, lazy=False)
    if ROOT / "defgan/methods/__init__.py" in found and argument in NAMES:
        own = ROOT / f"defgan/methods/{argument}.py"
        found |= {own, *imported_files(own)}
    if ROOT / "defgan/methods/registry.py" in found:
        for name in NAMES:
            own = ROOT / f"defgan/methods/{name}.py"
            found |= {own, *imported_files(own, lazy=False)}
    return {str(file.relative_to(ROOT)) for file in found if file.stat().st_size}
