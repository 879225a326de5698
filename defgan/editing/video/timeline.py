"""The target AUs over time: from when to when, with what easing, or by the rows of a curve."""

import csv
from bisect import bisect_right
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from defgan.editing.targets import Target, make_target
from defgan.editing.video import EASE
from defgan.editing.words import Expressions
from defgan.errors import UserError
from defgan.facs import AU_NAMES, PRESETS

FOLLOWED = ("AU25", "AU26", "AU45")
"""Units of speech and blinks. An expression sets their level, around which they move on as in the clip: else the mouth
of a person who speaks would stand still. A unit that the user names is set as it is told."""
_FULL = 0.2
"""Strength from which on an edit shows fully. Below it fades: at strength 0 the networks still change a little."""
_FOLLOWED = np.array([AU_NAMES.index(name) for name in FOLLOWED])


def vector(target: Target, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The target AUs of a moment, float32 (17,) in [0, 1].

    `x`: the present AUs (17,); `rest`: their level in the clip, (17,), around which `FOLLOWED` move.
    """
    y = target.vector(x)
    if target.expression is None or target.relative:
        return y
    level = x.copy()
    level[_FOLLOWED] = rest[_FOLLOWED]
    follows = [index for index in _FOLLOWED if AU_NAMES[index] not in target.aus]
    y[follows] = np.clip(target.vector(level)[follows] + x[follows] - rest[follows], 0, 1)
    return y


class Course(Protocol):
    """Target AUs over time.

    `end`: seconds after which a clip is cut, inf where it is not; `said`: where the AUs come from, for the note in the
    file.
    """

    end: float
    said: str

    def vector(self, time: float, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """The target AUs at a time; the rest as of the function `vector`."""
        ...

    def presence(self, time: float) -> float:
        """How much of the edit shows at a time, in [0, 1]; 0: the frame stays as it is."""
        ...


@dataclass(frozen=True)
class Timeline:
    """A `Course` of targets at rising times, in seconds; between two of them the AUs pass smoothly."""

    times: tuple[float, ...]
    targets: tuple[Target, ...]
    end = np.inf
    said = ""

    def _between(self, time: float) -> tuple[Target, Target, float]:
        after = bisect_right(self.times, time)
        if after in (0, len(self.times)):
            target = self.targets[max(after - 1, 0)]
            return target, target, 0.0
        start, end = self.times[after - 1 : after + 1]
        share = (time - start) / (end - start)
        return self.targets[after - 1], self.targets[after], share * share * (3 - 2 * share)

    def vector(self, time: float, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Course`."""
        before, after, share = self._between(time)
        if share == 0:
            return vector(before, x, rest)
        return ((1 - share) * vector(before, x, rest) + share * vector(after, x, rest)).astype(np.float32)

    def presence(self, time: float) -> float:
        """See `Course`."""
        before, after, share = self._between(time)
        return min(1.0, ((1 - share) * before.strength + share * after.strength) / _FULL)


def steady(target: Target, start: float | None = None, end: float | None = None, ease: float = EASE) -> Timeline:
    """One target from `start` to `end`, seconds; None: from the first frame, to the last.

    Raises UserError where the times are no stretch of time.
    """
    first = 0.0 if start is None else start
    if first < 0 or ease < 0 or (end is not None and end <= first):
        raise UserError(f"--from {first:g} --to {end} --ease {ease:g}: no stretch of time; give seconds, the end last")
    ease = min(ease, (end - first) / 2) if end is not None else ease
    nothing = replace(target, strength=0.0)
    points: dict[float, Target] = {}
    if start is not None:
        points |= {start: nothing, start + max(ease, 1e-6): target}
    if end is not None:
        points |= {end - max(ease, 1e-6): target, end: nothing}
    points = dict(sorted((points or {0.0: target}).items()))
    return Timeline(tuple(points), tuple(points.values()))


def read_keyframes(path: Path, expressions: Expressions = PRESETS) -> Timeline:
    """A curve from a CSV file, with one row for each moment.

    Columns: `time`, seconds, rising; `expression` and `strength`, either may be missing or empty; any others are AUs by
    name or plain word, where an empty cell leaves the unit as it is. A row that names nothing is the unedited face.

    Raises UserError, with the row, where that is not so.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows, columns = list(reader), [name.strip() for name in reader.fieldnames or []]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    if "time" not in columns or not rows:
        raise UserError(f"{path}: needs a column `time` and a row for each moment; found columns {', '.join(columns)}")
    times, targets = [], []
    for number, row in enumerate(rows, start=2):
        cells = {(name or "").strip(): (text or "").strip() for name, text in row.items() if isinstance(text, str)}
        try:
            time, strength = float(cells.pop("time", "")), float(cells.pop("strength", "") or 1)
            expression = cells.pop("expression", "") or None
            aus = {name: float(text) for name, text in cells.items() if text}
            if not np.isfinite(time) or (times and time <= times[-1]):
                raise UserError(f"time {time:g} does not rise")
            nothing = expression is None and not aus
            targets.append(
                Target(strength=0.0) if nothing else make_target(expression, aus, strength, expressions=expressions)
            )
            times.append(time)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}") from None
        except UserError as error:
            raise UserError(f"{path}, line {number}: {error}") from None
    return Timeline(tuple(times), tuple(targets))
