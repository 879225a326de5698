"""The target AUs y of a face from what a user asks for: an expression, single AUs, a strength."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from defgan.errors import UserError
from defgan.facs import AU_NAMES, PRESETS, find_action_unit, preset

NEUTRAL = "neutral"


@dataclass(frozen=True)
class Target:
    """A checked target; `make_target` makes it."""

    expression: str | None = None  # a name in PRESETS
    aus: Mapping[str, float] = field(default_factory=dict)  # by name; these replace the expression's
    strength: float = 1.0  # α in [0, 1]: y = x + α (goal − x)
    relative: bool = False  # values are added to the present AUs

    def vector(self, x: np.ndarray) -> np.ndarray:
        """y for a face with AUs x, both float32 of shape (17,) in [0, 1]."""
        goal = x.astype(np.float64)
        if self.expression is not None:
            goal = preset(self.expression) + (x if self.relative else 0)
        for name, value in self.aus.items():
            index = AU_NAMES.index(name)
            goal[index] = value + (x[index] if self.relative else 0)
        return np.clip(x + self.strength * (goal - x), 0, 1).astype(np.float32)

    @property
    def label(self) -> str:
        """A short name for file names: the expression, or the AUs."""
        return self.expression or "-".join(self.aus)


def make_target(
    expression: str | None = None,
    aus: Mapping[str, float] | None = None,
    strength: float = 1.0,
    relative: bool = False,
) -> Target:
    """A checked target. The names in `aus` may be plain words, such as "smile".

    Raises UserError for unknown names and values out of range.
    """
    if expression is None and not aus:
        raise UserError(f"nothing to edit; name an expression ({', '.join(PRESETS)}) or action units (AU12=1)")
    if expression is not None and expression not in PRESETS:
        near = difflib.get_close_matches(expression.lower(), PRESETS, n=1, cutoff=0.0)[0]
        raise UserError(f"{expression}: no such expression; the nearest is {near}; all: {', '.join(PRESETS)}")
    if not 0 <= strength <= 1:
        raise UserError(f"strength {strength:g} is out of range; it is in [0, 1]")
    named: dict[str, float] = {}
    lowest = -1 if relative else 0
    for word, value in (aus or {}).items():
        name = find_action_unit(word)
        if not lowest <= value <= 1:
            raise UserError(f"{word}={value:g} is out of range; intensities are in [0, 1], relative values in [-1, 1]")
        if name in named:
            raise UserError(f"{word}: {name} is named twice")
        named[name] = float(value)
    return Target(expression, named, strength, relative)


def parse_aus(texts: Iterable[str]) -> dict[str, float]:
    """Values by word from texts such as `AU12=0.6` and `smile=1`; raises UserError for other texts."""
    aus: dict[str, float] = {}
    for text in texts:
        word, _, number = text.partition("=")
        word = word.strip()
        if word in aus:
            raise UserError(f"{word} is given twice")
        try:
            aus[word] = float(number)
        except ValueError:
            raise UserError(f"{text}: expected a name and a number, such as {word or 'AU12'}=0.6") from None
    return aus
