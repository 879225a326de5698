"""What the AU estimator and the identity embedder see in edits of rendered people, and in their true images.

On photographs a weak response, or a large distance to the input, can be the fault of what measures it. Here the true
images show how a perfect edit is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from defgan.editing.assessment import DISTANCE, RESPONSE
from defgan.editing.groups import ALL, resampled
from defgan.editing.people import chip, embed
from defgan.errors import UserError
from defgan.evaluation.identity import distances
from defgan.facs import EXPRESSIONS
from tools.calibrate import SKIN

if TYPE_CHECKING:
    from torch import Tensor

    from defgan.editing.face_finder import Face, FaceFinder
    from defgan.pairs import Pairs

TRUTH = "true image"
_SCALE = 2
"""Crops are enlarged by this factor before a face is looked for in them."""


class Readings:
    """Readings of rendered people.

    Args:
        find: finds faces and estimates AUs.
        pairs: image 0 of each scene is the input, the next ones show `EXPRESSIONS`.

    Raises:
        UserError: nobody's face is found.
    """

    def __init__(self, find: FaceFinder, pairs: Pairs):
        self._find, self._pairs = find, pairs
        faces = {person: self._face(image) for person, image in enumerate(pairs.images[:, 0])}
        self._faces = {person: face for person, face in faces.items() if face is not None}
        if not self._faces:
            raise UserError("no face found in any of the rendered people; render more of them with --people")
        self._inputs = self._embedded(pairs.images[:, 0])

    def observe(
        self, name: str, edits: Sequence[np.ndarray], progress: Callable[[Iterable, str, int], Iterable]
    ) -> pd.DataFrame:
        """Of the people whose faces are found: columns method, expression, person, tone, moved, asked, distance.

        The sums of `moved` and `asked` make the response: `assessment.response`. A face that is lost has not moved.
        `distance` is that of the embeddings of edit and input.

        Args:
            name: the method's.
            edits: images of all people, uint8 N×S×S×3, for each of `EXPRESSIONS`; what follows is not read.
            progress: wraps items: what they are, and how many.
        """
        rows = []
        for k, expression in enumerate(progress(EXPRESSIONS, f"{name}: AUs", len(EXPRESSIONS))):
            asked = self._pairs.aus[:, 1 + k] - self._pairs.aus[:, 0]
            far = distances(self._embedded(edits[k]), self._inputs)
            for (person, face), distance in zip(self._faces.items(), far, strict=True):
                read = self._find.estimate_aus(_enlarged(edits[k][person]), face.points).aus
                moved = 0.0 if read is None else float(((read - face.x) * asked[person]).sum())
                sums = (moved, float((asked[person] ** 2).sum()))
                rows.append((name, expression, person, self._pairs.tone[person], *sums, distance))
        return pd.DataFrame(rows, columns=["method", "expression", "person", "tone", "moved", "asked", "distance"])

    def _embedded(self, images: np.ndarray) -> Tensor:
        """The embeddings of the people whose faces are found; `images` are of all, uint8 N×S×S×3."""
        return embed([chip(_enlarged(images[person]), face.points) for person, face in self._faces.items()])

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
            head = (method, tone, f"{least:g} to {most:g}")
            for expression, *estimate in resampled(moved, asked, EXPRESSIONS):
                rows.append((*head, expression, RESPONSE, *estimate, len(moved)))
    names = ["method", "tone", "luminance", "expression", "measure", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names)


def identity(observed: pd.DataFrame) -> pd.DataFrame:
    """The mean identity distance by method and expression, and over all: columns as of `assess_renders.summarise`."""
    rows = []
    for method, own in observed.groupby("method", sort=False):
        for expression, each in ((ALL, own), *own.groupby("expression", sort=False)):
            edit = "the six expressions" if expression == ALL else expression
            rows.append((method, edit, DISTANCE, each["distance"].mean(), len(each)))
    return pd.DataFrame(rows, columns=["method", "edit", "measure", "value", "n"])


def lines(table: pd.DataFrame) -> Sequence[str]:
    """The mean of the six expressions in words, a line for each method."""
    mean = table[table["expression"] == ALL]
    bands = mean.assign(
        words=[
            f"{row.tone} skin {row.value:.2f} ({row.low:.2f} to {row.high:.2f}, n {row.n})" for row in mean.itertuples()
        ]
    )
    return [f"{method}: {RESPONSE}: {', '.join(own['words'])}" for method, own in bands.groupby("method", sort=False)]
