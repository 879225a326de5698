"""The true images and the true motion of the planned edits. Only of the embedded corpus can they be known."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from defgan.evaluation.edits import Edits, read_aligned
from defgan.files import existing

TRUTH = "truth"
"""The name of the true images where they are measured like the edits of a method."""


@dataclass(frozen=True)
class Truth:
    """The true images and motion of M edits."""

    images: np.ndarray  # uint8 M×H×W×3, black where not known
    known: np.ndarray  # bool (M,)
    # Backward flow from the input, in crop pixels, NaN where no skin is seen in both: float16 M×H×W×2. None: not known.
    motion: np.ndarray | None = None


def read_truth(directory: str | Path, plan: pd.DataFrame) -> Truth:
    """The truth of the plan's edits; raises MissingInputError where it is not there or that of another plan."""
    directory = Path(directory)
    roles = json.loads(existing(directory / "truth.json").read_text(encoding="utf-8"))["known"]
    existing(directory / "true.npy")
    images, motion = (read_aligned(directory / f"{name}.npy", len(plan)) for name in ("true", "motion"))
    return Truth(images, plan["role"].isin(roles).to_numpy(), motion)


def truth_as_edits(truth: Truth, plan: pd.DataFrame) -> tuple[Edits, Truth]:
    """The known true images as if a method had made them: what a perfect edit scores. Their own truth is not known."""
    known = np.flatnonzero(truth.known)
    images = truth.images[known]
    edits = Edits(plan.iloc[known].reset_index(drop=True), images, deformed=None, mask=None, offsets=None)
    return edits, Truth(images, np.zeros(len(known), bool))
