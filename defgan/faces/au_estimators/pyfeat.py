"""AUs from Py-Feat (Cheong et al., 2023), an optional package: `uv sync --extra pyfeat`.

Its multitask network gives the probability that a unit is present; we take it as the intensity. AU43, closed eyes,
counts as AU45. Py-Feat downloads its weights when it is first used.
"""

import threading
from collections.abc import Sequence

import numpy as np
import torch

from defgan.annotation_tables import read_aus
from defgan.errors import UserError
from defgan.faces.au_estimators.base import AUPrediction, loose_crop
from defgan.records import Record

_BATCH = 16


class PyFeatEstimator:
    """The AUs of loose crops by `feat.Detectorv2`. Raises UserError where it or its weights are missing."""

    def __init__(self) -> None:
        try:
            from feat import Detectorv2
        except ImportError as error:
            raise UserError(
                f"action_units is pyfeat, but Py-Feat cannot be imported ({error}); install it"
                " (uv sync --extra pyfeat), or choose action_units: blendshapes"
            ) from None
        try:
            self._detector = Detectorv2(device="cuda" if torch.cuda.is_available() else "cpu", identity_model=None)
        except Exception as error:  # hub, network and file errors of many kinds; each means: no weights
            raise UserError(
                f"Py-Feat's weights cannot be loaded ({type(error).__name__}: {' '.join(str(error).split())[:200]});"
                " it fetches them from the Hugging Face hub when it is first used: run once with a connection, copy"
                " the hub's cache from a machine that has one, or choose action_units: blendshapes"
            ) from None
        self._lock = threading.Lock()

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """See `AUEstimator`; the records are not used."""
        if not images:
            return []
        crops, placed = zip(*map(loose_crop, images, points), strict=True)
        tensor = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        with self._lock:
            fex = self._detector.detect(tensor, data_type="tensor", batch_size=_BATCH, progress_bar=False)
        aus = read_aus(fex)
        # One row per face found, and one with an empty box where there is none.
        corner = fex[["FaceRectX", "FaceRectY"]].to_numpy(float)
        centre = corner + fex[["FaceRectWidth", "FaceRectHeight"]].to_numpy(float) / 2
        frames = fex["frame"].to_numpy(int)
        return [_predict(aus[frames == i], centre[frames == i], five) for i, five in enumerate(placed)]


def _predict(aus: np.ndarray, centre: np.ndarray, points: np.ndarray) -> AUPrediction:
    away = np.linalg.norm(centre - points.mean(axis=0), axis=1)
    if not len(away) or np.isnan(away).all():
        return AUPrediction(None, "Py-Feat found no face")
    nearest = int(np.nanargmin(away))
    if away[nearest] > np.linalg.norm(points[1] - points[0]):
        return AUPrediction(None, "Py-Feat found another face than the detector")
    return AUPrediction.of(aus[nearest])
