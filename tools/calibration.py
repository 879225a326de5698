"""Fits the `blendshapes` estimator's linear map to faces whose AUs are known.

Two ridge regressions are averaged, one on geometry and blendshape scores, one on appearance. On renders appearance is
the better half. On photographs geometry is, because their wrinkles are not painted. So both count.
"""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from defgan.faces.au_estimators.blendshapes import NETWORK, Calibration, soft_floor
from defgan.facs import AU_NAMES, N_AUS
from defgan.weight_files import WEIGHTS

GEOMETRY = 101
"""How many measurements of `FaceMesh`, the first, are geometry and scores; the others are appearance."""
PENALTY = {"geometry": 300.0, "appearance": 5000.0}
"""Of the ridge regressions, for standardised measurements of 12,000 faces."""
APPEARANCE_SHARE = {"AU06": 0.15}
"""Weight of the regression on appearance, where it is not one half.

Painted crow's feet give AU06 away on renders and mean nothing on photographs: at one half, a smile of the London set
raises AU06 by 0.02 only. So this one number was chosen by looking at photographs.
"""


def fit(measured: np.ndarray, aus: np.ndarray, subject: np.ndarray) -> Calibration:
    """The linear map of measurements N×K to true AUs N×17; `subject` (N,) keeps people together in cross-validation.

    A regression predicts too little spread. Each unit gets the slope and the offset with which the cross-validated
    predictions have the mean and the standard deviation of the truth.
    """
    weights = np.zeros((N_AUS, measured.shape[1]))
    offsets = np.zeros(N_AUS)
    predicted = np.zeros(aus.shape)
    appearance = np.array([APPEARANCE_SHARE.get(name, 0.5) for name in AU_NAMES])
    parts = {"geometry": (slice(0, GEOMETRY), 1 - appearance), "appearance": (slice(GEOMETRY, None), appearance)}
    for name, (part, share) in parts.items():
        regression = make_pipeline(StandardScaler(), Ridge(PENALTY[name]))
        values = measured[:, part].astype(np.float64)
        predicted += cross_val_predict(regression, values, aus, groups=subject, cv=GroupKFold(3)) * share
        regression.fit(values, aus)
        scaler, ridge = regression[0], regression[1]
        weights[:, part] = ridge.coef_ / scaler.scale_ * share[:, None]
        offsets += (ridge.intercept_ - ridge.coef_ @ (scaler.mean_ / scaler.scale_)) * share
    for i in range(N_AUS):
        slope, shift = _match(predicted[:, i], aus[:, i])
        weights[i] *= slope
        offsets[i] = offsets[i] * slope + shift
    return Calibration(weights, offsets)


def _match(predicted: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Slope and offset with which the floored predictions have the mean and the standard deviation of the truth."""

    def mismatch(line: np.ndarray) -> list[float]:
        floored = soft_floor(np.exp(line[0]) * predicted + line[1]).clip(0, 1)
        return [floored.mean() - true.mean(), floored.std() - true.std()]

    slope = true.std() / predicted.std()
    found = least_squares(mismatch, [np.log(slope), true.mean() - slope * predicted.mean()])
    return float(np.exp(found.x[0])), float(found.x[1])


def save_calibration(path: Path, calibration: Calibration, command: str, faces: dict[str, int]) -> None:
    """Write the JSON that `load_calibration` reads, weights to five significant digits.

    `command` made it, `faces` says of which faces: both are noted in the file.
    """
    units = {
        name: {
            "offset": _short(offset),
            "geometry": [_short(value) for value in weights[:GEOMETRY]],
            "appearance": [_short(value) for value in weights[GEOMETRY:]],
        }
        for name, weights, offset in zip(AU_NAMES, calibration.weights, calibration.offsets, strict=True)
    }
    about = {
        "command": command,
        "network_sha256": WEIGHTS[NETWORK].sha256,
        "corpus": faces,
        "penalty": PENALTY,
        "appearance_share": APPEARANCE_SHARE,
    }
    lines = [f'"{name}": {json.dumps(unit, separators=(",", ":"))}' for name, unit in units.items()]
    heading = json.dumps(about, indent=1)[:-2]
    path.write_text(heading + ',\n "action_units": {\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")


def _short(value: float) -> float:
    return float(f"{value:.5g}")
