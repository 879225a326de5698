"""The methods by name, one file each; `defgan.methods.registry` lists them."""

import importlib
import importlib.util
from functools import cache

from defgan.errors import UserError
from defgan.methods.base import Method


@cache
def get(name: str) -> Method:
    """The method of a name; only its own file is loaded. Raises UserError for a name without a method."""
    module = f"{__name__}.{name}"
    found = importlib.import_module(module) if importlib.util.find_spec(module) else None
    if not hasattr(found, "METHOD"):
        raise UserError(f"{name}: no such method; defgan/methods/registry.py lists them")
    return found.METHOD
