"""What the AU estimator sees in edits of rendered people, and in their true images, by the tone of the skin.

On photographs a weak response can be the estimator's fault. Here the true images show how it reads a perfect edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from defgan.editing.assessment import RESPONSE
from defgan.errors import UserError
from defgan.evaluation.intervals import draw_people, percentiles
from defgan.facs import EXPRESSIONS
from tools.calibrate import SKIN

if TYPE_CHECKING:
    from defgan.editing.face_finder import Face, FaceFinder
    from defgan.pairs import Pairs

TRUTH = "true image"
ALL = "all"
"""Stands for the mean of the six expressions."""
_SCALE = 2
"""The detector of faces sees crops enlarged by so much."""


class Readings:
    """The AU estimator's readings of rendered people.

    Args:
        find: finds and reads faces.
        pairs: image 0 of each scene is the input, the next ones show `EXPRESSIONS`.
    """

    def __init__(self, find: FaceFinder, pairs: Pairs):
        self._find, self._pairs = find, pairs
        self._faces = [self._face(image) for image in pairs.images[:, 0]]

    def observe(
        self, name: str, edits: Sequence[np.ndarray], progress: Callable[[Iterable, str, int], Iterable]
    ) -> pd.DataFrame:
        """Of the people whose faces are found: columns method, expression, person, tone, moved, asked.

        The sums of the last two make the response: `assessment.response`. A face that is lost has not moved.

        Args:
            name: the method's.
            edits: images of all people, uint8 N×S×S×3, for each of `EXPRESSIONS`; what follows is not read.
            progress: wraps items: what they are, and how many.
        """
        rows = []
        for k, expression in enumerate(progress(EXPRESSIONS, f"{name}: AUs", len(EXPRESSIONS))):
            asked = self._pairs.aus[:, 1 + k] - self._pairs.aus[:, 0]
            for person, (face, image) in enumerate(zip(self._faces, edits[k], strict=True)):
                if face is None:
                    continue
                read = self._find.estimate_aus(_enlarged(image), face.points).aus
                moved = 0.0 if read is None else float(((read - face.x) * asked[person]).sum())
                tone = self._pairs.tone[person]
                rows.append((name, expression, person, tone, moved, float((asked[person] ** 2).sum())))
        return pd.DataFrame(rows, columns=["method", "expression", "person", "tone", "moved", "asked"])

    def _face(self, image: np.ndarray) -> Face | None:
        try:
            return self._find(_enlarged(image), "largest")[0]
        except UserError:
            return None


def _enlarged(image: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.resize(image, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)


def by_skin(observed: pd.DataFrame) -> pd.DataFrame:
    """The response by band of `SKIN`, with 95 % intervals by the bootstrap over its people.

    Columns: method, tone, luminance, expression (one of the six, or `ALL`), measure, value, low, high, n (people).
    """
    rows = []
    for method, own in observed.groupby("method", sort=False):
        for tone, (least, most) in SKIN.items():
            band = own[(own["tone"] >= least) & (own["tone"] < most)]
            if band.empty:
                continue
            moved, asked = (
                band.pivot(index="person", columns="expression", values=column)[list(EXPRESSIONS)].to_numpy()
                for column in ("moved", "asked")
            )
            # The first row is the estimate, the others are resamples.
            weights = np.concatenate([np.ones((1, len(moved)), np.int64), draw_people(np.arange(len(moved)))])
            values = (weights @ moved) / (weights @ asked)
            values = np.column_stack([values.mean(axis=1), values])
            head = (method, tone, f"{least:g} to {most:g}")
            for expression, each in zip((ALL, *EXPRESSIONS), values.T, strict=True):
                interval = percentiles(each[1:]) if len(moved) > 1 else (np.nan, np.nan)
                rows.append((*head, expression, RESPONSE, each[0], *interval, len(moved)))
    names = ["method", "tone", "luminance", "expression", "measure", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names)


def lines(table: pd.DataFrame) -> Sequence[str]:
    """The mean of the six expressions in words, a line for each method."""
    mean = table[table["expression"] == ALL]
    bands = mean.assign(
        words=[
            f"{row.tone} skin {row.value:.2f} ({row.low:.2f} to {row.high:.2f}, n {row.n})" for row in mean.itertuples()
        ]
    )
    return [f"{method}: {RESPONSE}: {', '.join(own['words'])}" for method, own in bands.groupby("method", sort=False)]
