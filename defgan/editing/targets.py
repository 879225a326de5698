"""The target AUs y of a face from what a user asks for: an expression, single AUs, a strength."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from defgan.editing.words import Expressions, find_expression, unknown_expression
from defgan.errors import UserError
from defgan.facs import AU_NAMES, PRESETS, au_vector, find_action_unit

NEUTRAL = "neutral"
STRONGEST = 1.5
"""Largest strength. Above 1 it exaggerates: what lies between the present AUs and the goal is lengthened."""
HIGHEST = 1.0
"""Largest intensity of an AU in y: the networks were taught none above it."""


class SeenFace(Protocol):
    """What a target needs of a face (`defgan.editing.face_finder.Face`)."""

    number: int
    x: np.ndarray


@dataclass(frozen=True)
class Target:
    """A checked target; `make_target` makes it."""

    expression: str | None = None  # a name in `expressions`
    aus: Mapping[str, float] = field(default_factory=dict)  # by name; these replace the expression's
    strength: float = 1.0  # α in [0, STRONGEST]: y = x + α (goal − x)
    relative: bool = False  # values are added to the present AUs
    expressions: Expressions = field(default_factory=lambda: PRESETS)

    def vector(self, x: np.ndarray) -> np.ndarray:
        """y for a face with AUs x, both float32 of shape (17,) in [0, HIGHEST]."""
        goal = x.astype(np.float64)
        if self.expression is not None:
            goal = au_vector(self.expressions[self.expression]) + (x if self.relative else 0)
        for name, value in self.aus.items():
            index = AU_NAMES.index(name)
            goal[index] = value + (x[index] if self.relative else 0)
        return np.clip(x + self.strength * (goal - x), 0, HIGHEST).astype(np.float32)

    def of(self, face: SeenFace) -> np.ndarray:
        """y for a face, float32 (17,)."""
        return self.vector(face.x)

    @property
    def label(self) -> str:
        """A short name for file names: the expression, or the AUs."""
        return self.expression or "-".join(self.aus)


@dataclass(frozen=True)
class GroupTarget:
    """A target for each of several faces of a photograph, by the faces' numbers."""

    targets: Mapping[int, Target]
    strength: float = 1.0  # share of each target's own strength

    def of(self, face: SeenFace) -> np.ndarray:
        """y for one of the numbered faces, float32 (17,)."""
        own = self.targets[face.number]
        goal = own.vector(face.x)
        return face.x + np.float32(self.strength) * (goal - face.x)

    @property
    def label(self) -> str:
        """A short name for file names, such as `1-happy-3-surprise`."""
        return "-".join(f"{number}-{target.label}" for number, target in sorted(self.targets.items()))


def check_strength(strength: float) -> None:
    """Raises UserError where a strength is not in [0, STRONGEST]."""
    if not 0 <= strength <= STRONGEST:
        raise UserError(
            f"strength {strength:g} is out of range; it is in [0, {STRONGEST:g}]. Above 1 it exaggerates,"
            f" but no action unit exceeds {HIGHEST:g}, the most that the networks were taught"
        )


def make_target(
    expression: str | None = None,
    aus: Mapping[str, float] | None = None,
    strength: float = 1.0,
    relative: bool = False,
    expressions: Expressions = PRESETS,
) -> Target:
    """A checked target.

    Args:
        expression: a name in `expressions` or a synonym, in any case. A word for a single AU, such as "squint", asks
            for that AU at its peak.
        aus: intensities; the names may be plain words, such as "smile".
        strength: α in [0, STRONGEST].
        relative: the values are added to the present AUs.
        expressions: see `defgan.editing.words.read_expressions`.

    Raises:
        UserError: an unknown name, or a value out of range.
    """
    if expression is None and not aus:
        raise UserError(f"nothing to edit; name an expression ({', '.join(expressions)}) or action units (AU12=1)")
    check_strength(strength)
    named: dict[str, float] = {}
    name = None
    if expression is not None:
        name = find_expression(expression, expressions)
        if name is None:
            try:
                named[find_action_unit(expression)] = 1.0
            except UserError:
                raise unknown_expression(expression, expressions) from None
    lowest = -1 if relative else 0
    for word, value in (aus or {}).items():
        unit = find_action_unit(word)
        if not lowest <= value <= 1:
            raise UserError(f"{word}={value:g} is out of range; intensities are in [0, 1], relative values in [-1, 1]")
        if unit in named:
            raise UserError(f"{word}: {unit} is named twice")
        named[unit] = float(value)
    return Target(name, named, strength, relative, expressions)


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


def parse_faces(
    texts: Iterable[str], strength: float = 1.0, relative: bool = False, expressions: Expressions = PRESETS
) -> GroupTarget | None:
    """Targets by face from texts such as `1=happy` and `3=surprise`; None where no text has a `=`.

    Raises UserError for other texts beside them, and for a face that is given twice.
    """
    texts = list(texts)
    if not any("=" in text for text in texts):
        return None
    targets: dict[int, Target] = {}
    for text in texts:
        number, equals, word = (part.strip() for part in text.partition("="))
        if not equals or not number.isdecimal() or int(number) < 1 or not word:
            raise UserError(f"--face {text}: expected the number of a face and an expression, such as 1=happy")
        if int(number) in targets:
            raise UserError(f"--face {text}: face {number} is given twice")
        targets[int(number)] = make_target(word, None, strength, relative, expressions)
    return GroupTarget(targets)
