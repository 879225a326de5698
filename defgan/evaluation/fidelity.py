"""AU fidelity: are the action units that were asked for those that an independent reader finds in the edit?

The reader is `defgan.faces.blendshapes`, never the critic that a model was trained against: that one can be pleased by
patterns that are no expression.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.progress import track

from defgan.faces.action_units import Reader, Reading
from defgan.faces.alignment import apply
from defgan.faces.table import POINT_COLUMNS, Faces
from defgan.facs import AU_NAMES

READER = "MediaPipe blendshapes"
"""What the reader is called in tables."""
ASKED = tuple(f"asked_{name}" for name in AU_NAMES)
READ = tuple(f"read_{name}" for name in AU_NAMES)
PRESENT = tuple(f"present_{name}" for name in AU_NAMES)
"""Columns of the table of measurements: the wanted units y, those found in the edit, and those of the input, x."""


def read_edits_aus(make_reader: Callable[[], Reader], images: np.ndarray, inputs: Faces, threads: int) -> np.ndarray:
    """The AUs that a reader finds in crops, uint8 M×H×W×3, float32 M×17 in [0, 1]; NaN where it finds no face.

    Eyes and nose stay where they are in an edit: the points of its input, aligned with the crops, hold for it.
    """
    points = inputs.frame[list(POINT_COLUMNS)].to_numpy(np.float64).reshape(-1, 5, 2)
    found = np.full((len(images), len(AU_NAMES)), np.nan, np.float32)
    points = [apply(transform, five) for transform, five in zip(inputs.crop_transforms(), points, strict=True)]
    own = threading.local()  # a reader for each thread: one takes one face at a time

    def read(image: np.ndarray, five: np.ndarray) -> Reading:
        return own.reader([np.array(image)], [five], [])[0]

    with ThreadPoolExecutor(threads, initializer=lambda: setattr(own, "reader", make_reader())) as pool:
        readings = pool.map(read, images, points)
        for row, reading in enumerate(track(readings, "AUs of the edits", total=len(images))):
            if reading.aus is not None:
                found[row] = reading.aus
    return found


def icc_3_1(ratings: np.ndarray) -> float:
    """ICC(3,1) of n targets rated by k judges, shape n×k: two-way mixed, consistency, single rating.

    Shrout and Fleiss (1979): (BMS − EMS) / (BMS + (k − 1) EMS). NaN where the ratings do not differ at all.
    """
    n, k = ratings.shape
    if n < 2:
        return np.nan
    centred = ratings - ratings.mean()
    targets, judges = centred.mean(1), centred.mean(0)
    between = k * (targets**2).sum() / (n - 1)
    error = ((centred - targets[:, None] - judges) ** 2).sum() / ((n - 1) * (k - 1))
    total = between + (k - 1) * error
    return float((between - error) / total) if total > 1e-12 else np.nan


def fidelity(table: pd.DataFrame) -> pd.DataFrame:
    """Per AU, of rows with `ASKED` and `READ`: `error`, mean |read − asked|, `icc`, and `images` with a reading."""
    asked, read = table[list(ASKED)].to_numpy(np.float64), table[list(READ)].to_numpy(np.float64)
    known = ~np.isnan(read).any(1)
    asked, read = asked[known], read[known]
    error = np.abs(read - asked).mean(0) if known.any() else np.full(len(AU_NAMES), np.nan)
    icc = [icc_3_1(np.stack(pair, axis=1)) for pair in zip(asked.T, read.T, strict=True)]
    return pd.DataFrame({"au": AU_NAMES, "error": error, "icc": icc, "images": int(known.sum())})


class Line(NamedTuple):
    """A least-squares line through the responses within each sweep; NaN where nothing was asked."""

    slope: float  # 1: what is asked is what is read
    r2: float  # share of the response's variance within the sweeps that the line explains
    points: int


def line(asked: np.ndarray, response: np.ndarray, sweeps: pd.Series | np.ndarray) -> Line:
    """Response to a control, both (N,), about each sweep's own mean; `sweeps` (N,) says which sweep a point is of."""
    known = ~np.isnan(response)
    points = pd.DataFrame({"asked": asked[known], "response": response[known], "sweep": np.asarray(sweeps)[known]})
    centred = points[["asked", "response"]] - points.groupby("sweep")[["asked", "response"]].transform("mean")
    x, y = centred["asked"].to_numpy(np.float64), centred["response"].to_numpy(np.float64)
    if not (x**2).sum() > 1e-12:
        return Line(np.nan, np.nan, len(x))
    slope = (x @ y) / (x @ x)
    varies = (y @ y) > 1e-12
    return Line(float(slope), float(1 - ((y - slope * x) ** 2).sum() / (y @ y)) if varies else np.nan, len(x))


def alpha_response(table: pd.DataFrame) -> Line:
    """Response to α in sweeps of expressions (one face, one expression, several α).

    The response is the reading projected on the direction that is asked for, d = y(α = 1) − y(α = 0), in units of it:
    Σ_k read_k d_k / Σ_k d_k².
    """
    if table.empty:
        return Line(np.nan, np.nan, 0)
    sweeps = table["image_id"] + table["expression"]
    responses = pd.Series(np.nan, table.index)
    for _, rows in table.groupby(sweeps):
        rows = rows.sort_values("alpha")
        asked, read = rows[list(ASKED)].to_numpy(np.float64), rows[list(READ)].to_numpy(np.float64)
        direction = asked[-1] - asked[0]
        if (direction**2).sum() > 0:
            responses[rows.index] = read @ direction / (direction @ direction)
    return line(table["alpha"].to_numpy(np.float64), responses.to_numpy(), sweeps)


def cross_talk(table: pd.DataFrame) -> pd.DataFrame:
    """Single-AU sweeps (`expression` names the AU, `alpha` is its intensity) to a long table of slopes.

    One row per asked and read AU: `asked`, `read`, `slope` (change of the reading per unit asked), `r2`, `points`.
    """
    rows = []
    for asked in AU_NAMES:
        own = table[table["expression"] == asked]
        for read in AU_NAMES if len(own) else ():
            found = line(own[f"asked_{asked}"].to_numpy(np.float64), own[f"read_{read}"].to_numpy(), own["image_id"])
            rows.append({"asked": asked, "read": read, **found._asdict()})
    return pd.DataFrame(rows, columns=["asked", "read", *Line._fields])
