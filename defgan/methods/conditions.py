"""What a method is told of a face (x) and of a target (y): AU intensities, or the label of an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from defgan.facs import AU_NAMES, RAFD_EXPRESSIONS

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor


class Condition(Protocol):
    """A vector of n components."""

    names: tuple[str, ...]
    """Of the components."""
    target_noise: float
    """Half-width of the uniform noise that is added to a target in training."""

    def usable(self, frame: pd.DataFrame) -> np.ndarray:
        """Which rows of a faces table can be learnt from, bool (N,)."""

    def of(self, frame: pd.DataFrame) -> np.ndarray:
        """The condition of each row of a faces table (x) or of a plan (y), float32 N×n."""

    def error(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """How far predictions are off, both N×n, one number per image, (N,)."""


class ActionUnits:
    """Intensities of the 17 AUs in [0, 1]."""

    names = AU_NAMES
    target_noise = 0.1  # as the reference code of GANimation adds

    def usable(self, frame: pd.DataFrame) -> np.ndarray:
        """All rows."""
        return np.ones(len(frame), bool)

    def of(self, frame: pd.DataFrame) -> np.ndarray:
        """The AU columns, N×17."""
        return np.array(frame[list(AU_NAMES)], np.float32)  # a copy: pandas hands out read-only views

    def error(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """The mean absolute error."""
        return (predicted - wanted).abs().mean(dim=1)


class ExpressionLabels:
    """One-hot labels of RaFD's eight expressions."""

    names = RAFD_EXPRESSIONS
    target_noise = 0.0

    def usable(self, frame: pd.DataFrame) -> np.ndarray:
        """The rows whose expression is known."""
        return frame["expression"].isin(RAFD_EXPRESSIONS).to_numpy()

    def of(self, frame: pd.DataFrame) -> np.ndarray:
        """Labels, N×8; a plan's α mixes them with neutral; zeros where the expression is not known."""
        labels = frame["expression"].to_numpy()[:, None] == np.array(RAFD_EXPRESSIONS)
        if "alpha" not in frame:
            return labels.astype(np.float32)
        alpha = frame["alpha"].to_numpy()[:, None]
        return (alpha * labels + (1 - alpha) * (np.array(RAFD_EXPRESSIONS) == "neutral")).astype(np.float32)

    def error(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """1 where the most likely expression is a wrong one, else 0."""
        return (predicted.argmax(dim=1) != wanted.argmax(dim=1)).float()


ACTION_UNITS = ActionUnits()
EXPRESSION_LABELS = ExpressionLabels()
