"""DefGAN. `from defgan import Editor` edits photographs; torch is imported only with the first use of `Editor`."""

import importlib


def __getattr__(name: str) -> object:
    if name == "Editor":
        return importlib.import_module("defgan.editing.editor").Editor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
