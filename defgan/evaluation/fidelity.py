"""AU fidelity: does an independent AU estimator predict the target AUs y on the edit?

The estimator is `blendshapes`, never the discriminator's AU head, against which the method was trained: a method can
satisfy that head with patterns that are no expression.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from rich.progress import track

from defgan.agreement import icc_3_1
from defgan.alignment import POINT_COLUMNS, apply
from defgan.facs import AU_NAMES

if TYPE_CHECKING:
    from defgan.faces.au_estimators.base import AUEstimator, AUPrediction
    from defgan.faces.table import Faces

ESTIMATOR = "MediaPipe blendshapes"
"""The estimator's name in tables."""
ASKED = tuple(f"asked_{name}" for name in AU_NAMES)
PREDICTED = tuple(f"predicted_{name}" for name in AU_NAMES)
PRESENT = tuple(f"present_{name}" for name in AU_NAMES)
"""Columns of the table of measurements: the target AUs y, those predicted on the edit, and those of the input, x."""


def predict_aus(
    make_estimator: Callable[[], AUEstimator], images: np.ndarray, inputs: Faces, threads: int
) -> np.ndarray:
    """The AUs that an estimator predicts on edits, uint8 M×H×W×3: float32 M×17 in [0, 1], NaN where it finds no face.

    The five points of each input, aligned like its crop, are also taken for the edit: eyes and nose do not move.
    """
    points = inputs.frame[list(POINT_COLUMNS)].to_numpy(np.float64).reshape(-1, 5, 2)
    points = [apply(transform, five) for transform, five in zip(inputs.crop_transforms(), points, strict=True)]
    predicted = np.full((len(images), len(AU_NAMES)), np.nan, np.float32)
    own = threading.local()  # an estimator for each thread: one takes one face at a time

    def predict(image: np.ndarray, five: np.ndarray) -> AUPrediction:
        return own.estimator([np.array(image)], [five], [])[0]

    with ThreadPoolExecutor(threads, initializer=lambda: setattr(own, "estimator", make_estimator())) as pool:
        predictions = pool.map(predict, images, points)
        for row, prediction in enumerate(track(predictions, "AUs of the edits", total=len(images))):
            if prediction.aus is not None:
                predicted[row] = prediction.aus
    return predicted


def fidelity(table: pd.DataFrame) -> pd.DataFrame:
    """Per AU, of rows with `ASKED` and `PREDICTED`: `error`, mean |predicted − asked|, `icc`, and `images` counted."""
    asked, predicted = table[list(ASKED)].to_numpy(np.float64), table[list(PREDICTED)].to_numpy(np.float64)
    known = ~np.isnan(predicted).any(1)
    asked, predicted = asked[known], predicted[known]
    error = np.abs(predicted - asked).mean(0) if known.any() else np.full(len(AU_NAMES), np.nan)
    icc = [icc_3_1(np.stack(pair, axis=1)) for pair in zip(asked.T, predicted.T, strict=True)]
    return pd.DataFrame({"au": AU_NAMES, "error": error, "icc": icc, "images": int(known.sum())})


class Line(NamedTuple):
    """A least-squares line through the responses within each sweep; NaN where nothing was asked."""

    slope: float  # 1: the prediction rises by as much as was asked
    r2: float  # share of the response's variance within the sweeps that the line explains
    points: int


def line(asked: np.ndarray, response: np.ndarray, sweeps: pd.Series | np.ndarray) -> Line:
    """Response to a control, both (N,), about each sweep's own mean; `sweeps` (N,) names the sweep of each point."""
    known = ~np.isnan(response)
    # Called for each pair of AUs: pandas' groupby takes a hundred times as long.
    codes, _ = pd.factorize(np.asarray(sweeps)[known])
    counts = np.bincount(codes)
    x, y = (
        values - (np.bincount(codes, values) / counts)[codes]
        for values in (np.asarray(asked, np.float64)[known], np.asarray(response, np.float64)[known])
    )
    if not (x**2).sum() > 1e-12:
        return Line(np.nan, np.nan, len(x))
    slope = (x @ y) / (x @ x)
    varies = (y @ y) > 1e-12
    return Line(float(slope), float(1 - ((y - slope * x) ** 2).sum() / (y @ y)) if varies else np.nan, len(x))


def alpha_response(table: pd.DataFrame) -> Line:
    """Response to α in sweeps of expressions (one face, one expression, several α).

    The response is the prediction projected on the asked-for direction d = y(α = 1) − y(α = 0), in units of d:
    Σ_k predicted_k d_k / Σ_k d_k².
    """
    if table.empty:
        return Line(np.nan, np.nan, 0)
    sweeps = table["image_id"] + table["expression"]
    responses = pd.Series(np.nan, table.index)
    for _, rows in table.groupby(sweeps):
        rows = rows.sort_values("alpha")
        asked, predicted = rows[list(ASKED)].to_numpy(np.float64), rows[list(PREDICTED)].to_numpy(np.float64)
        direction = asked[-1] - asked[0]
        if (direction**2).sum() > 0:
            responses[rows.index] = predicted @ direction / (direction @ direction)
    return line(table["alpha"].to_numpy(np.float64), responses.to_numpy(), sweeps)


def cross_talk(table: pd.DataFrame) -> pd.DataFrame:
    """Single-AU sweeps (`expression` names the AU, `alpha` is its intensity) to a long table of slopes.

    One row per asked and predicted AU: `asked`, `predicted`, `slope` (change of the prediction per unit asked), `r2`,
    `points`.
    """
    rows = []
    for asked in AU_NAMES:
        own = table[table["expression"] == asked]
        for predicted in AU_NAMES if len(own) else ():
            response = own[f"predicted_{predicted}"].to_numpy()
            found = line(own[f"asked_{asked}"].to_numpy(np.float64), response, own["image_id"])
            rows.append({"asked": asked, "predicted": predicted, **found._asdict()})
    return pd.DataFrame(rows, columns=["asked", "predicted", *Line._fields])
