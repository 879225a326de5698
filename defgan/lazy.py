"""Modules that are imported when they are first used.

What only reads a method's description, such as params and figures, must not wait for torch.
"""

from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for a module; its attributes are those of the module, which the first of them imports.

    It is not in `sys.modules`, unlike a module of importlib's LazyLoader. Some libraries look at all modules
    there, which would import the lazy ones in the middle of another import.
    """

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
