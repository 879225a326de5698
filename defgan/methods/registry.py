"""The methods in the order of the tables. A method is one file beside this one and its name in `NAMES`.

docs/extending.md adds one step by step. What runs a single method takes `defgan.methods.get` and does not read
this file: a new method trains none of the others again.
"""

from defgan.methods import get
from defgan.methods.base import Method

NAMES: tuple[str, ...] = (
    "copy",
    "ganimation",
    "defgan",
    "stargan",
    "ganimation_supervised",
    "defgan_supervised",
)
"""In the order of the tables: baselines first."""


def every() -> tuple[Method, ...]:
    """All methods, in the order of the tables."""
    return tuple(map(get, NAMES))


def trained() -> tuple[Method, ...]:
    """Those that learn, in the order of the tables."""
    return tuple(method for method in every() if method.trained)


def shown_faces() -> tuple[Method, ...]:
    """Those that learn from prepared faces, without the truth, in the order of the tables."""
    return tuple(method for method in trained() if not method.supervised)


def shown_pairs() -> tuple[Method, ...]:
    """Those that learn from rendered pairs, in the order of the tables."""
    return tuple(method for method in trained() if method.supervised)


def told_aus() -> tuple[Method, ...]:
    """Those of which single AUs can be asked, in the order of the figures.

    The paper's own method comes first, and what trains without the truth before what is shown it.
    """
    told = [method for method in reversed(every()) if method.told_aus]
    return tuple(sorted(told, key=lambda method: method.supervised))
