"""AUs from a photograph by MediaPipe's face-landmarker networks (Google, Apache-2.0).

One network finds 478 landmarks, another turns 146 of them into 52 blendshape scores (ARKit's names). A linear map takes
both, and gradients around the landmarks (`features.py`), to the 17 intensities. Its coefficients
(`au_calibration.json`) were fitted to rendered faces of known AUs.
"""

import json
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from defgan import alignment
from defgan.errors import UserError
from defgan.faces.au_estimators import features
from defgan.faces.au_estimators.base import AUPrediction
from defgan.facs import AU_NAMES
from defgan.records import Record
from defgan.weight_files import WEIGHTS, weights_path

CALIBRATION = Path(__file__).with_name("au_calibration.json")
NETWORK = "face-landmarker"
SOFTNESS = 0.05
"""Width of `soft_floor`'s bend at 0, in units of intensity."""
INPUT_SIZE = 256
"""Side of the landmark network's input, pixels."""
PRESENCE = 0.5
"""Least probability of a face, MediaPipe's default."""

# The landmark network expects level eyes and the face, hairline to chin, in the middle two thirds of its input. Our
# crop is placed there: its side in pixels of the input, and its point that becomes the input's centre.
_CROP_SIDE = 168
_CROP_CENTRE = (0.5, 0.521)
_FIVE_POINTS = ((33, 133), (263, 362), (1,), (61,), (291,))
"""Landmarks whose mean is each of `alignment.POINTS`."""

BLENDSHAPES = (
    *("neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff"),
    *("cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight"),
    *("eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight"),
    *("mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel"),
    *("mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker"),
    *("mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft"),
    *("mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    *("noseSneerLeft", "noseSneerRight"),
)
"""The blendshape network's outputs, in order."""

# The landmarks that the blendshape network takes (MediaPipe, face_blendshapes_graph.cc).
# fmt: off
_SUBSET = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70,
    78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149,
    150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195,
    197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300,
    308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375,
    377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
    466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
])
# fmt: on


@dataclass(frozen=True)
class Calibration:
    """The linear map from `FaceMesh` to intensities: `weights` float64 17×K, `offsets` float64 of shape (17,)."""

    weights: np.ndarray
    offsets: np.ndarray

    def unbounded(self, measured: np.ndarray) -> np.ndarray:
        """Measurements, N×K or (K,), to intensities that can lie outside [0, 1], N×17 or (17,), float64."""
        return measured @ self.weights.T + self.offsets

    def intensities(self, measured: np.ndarray) -> np.ndarray:
        """As `unbounded`, in [0, 1], float32; see `soft_floor`."""
        return bounded(self.unbounded(measured))


def bounded(values: np.ndarray) -> np.ndarray:
    """Intensities brought into [0, 1], float32."""
    return soft_floor(values).clip(0, 1).astype(np.float32)


def soft_floor(values: np.ndarray) -> np.ndarray:
    """The softplus: values below 0 come to lie just above 0. It keeps their order; a hard floor would not."""
    return SOFTNESS * np.logaddexp(0, np.asarray(values) / SOFTNESS)


def load_calibration(path: Path = CALIBRATION) -> Calibration:
    """Read a calibration. Raises UserError where it was made for another file of the networks."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["network_sha256"] != WEIGHTS[NETWORK].sha256:
        raise UserError(
            f"{path}: made for another {NETWORK}, {content['network_sha256']}; make it anew: {content['command']}"
        )
    units = [content["action_units"][name] for name in AU_NAMES]
    weights = np.array([unit["geometry"] + unit["appearance"] for unit in units])
    return Calibration(weights, np.array([unit["offset"] for unit in units]))


class FaceMesh:
    """Measures a face whose five points are known: geometry and scores, then appearance (`features.py`)."""

    def __init__(self) -> None:
        with zipfile.ZipFile(weights_path(NETWORK)) as bundle:
            self._landmarks, self._blendshapes = (
                Interpreter(model_content=bundle.read(f"{name}.tflite"), num_threads=1)
                for name in ("face_landmarks_detector", "face_blendshapes")
            )
        for network in (self._landmarks, self._blendshapes):
            network.allocate_tensors()
        self._lock = threading.Lock()  # an interpreter keeps inputs and outputs: one face at a time

    def disagreement(self, image: np.ndarray, points: np.ndarray, least_presence: float) -> float:
        """Mean distance between a photograph's five points, 5×2, and the same points of the landmarks seen there.

        In distances between the eyes; infinite where the logit of the probability of a face is below `least_presence`.
        """
        transform = _placed(points)
        with self._lock:
            landmarks, presence, _ = _run(self._landmarks, _network_input(alignment.crop(image, transform, INPUT_SIZE)))
            seen = np.stack([landmarks.reshape(478, 3)[list(group), :2].mean(0) for group in _FIVE_POINTS])
        given = alignment.apply(transform, points)
        between_eyes = np.linalg.norm(given[1] - given[0])
        if presence.item() < least_presence or between_eyes == 0:
            return np.inf
        return float(np.linalg.norm(seen - given, axis=1).mean() / between_eyes)

    def __call__(self, image: np.ndarray, points: np.ndarray) -> np.ndarray | None:
        """A photograph, uint8 H×W×3, and its 5×2 points to measurements, float64 (K,); None where it sees no face."""
        face = alignment.crop(image, _placed(points), INPUT_SIZE)
        with self._lock:
            landmarks, presence, _ = _run(self._landmarks, _network_input(face))
            if presence.item() < np.log(PRESENCE / (1 - PRESENCE)):
                return None
            # The scores depend neither on scale nor on rotation: the landmarks need not go back to the photograph.
            landmarks = landmarks.reshape(478, 3).copy()
            (scores,) = _run(self._blendshapes, landmarks[None, _SUBSET, :2])
        geometry = features.geometry(landmarks, scores.ravel(), BLENDSHAPES)
        return np.concatenate([geometry, features.appearance(*features.upright(face, landmarks))])


def _placed(points: np.ndarray) -> np.ndarray:
    """From a photograph with these 5×2 points to the landmark network's input, 2×3."""
    transform = alignment.similarity_transform(points, _CROP_SIDE)
    transform[:, 2] += INPUT_SIZE / 2 - _CROP_SIDE * np.array(_CROP_CENTRE)
    return transform


def _network_input(face: np.ndarray) -> np.ndarray:
    return face[None].astype(np.float32) / 255


class BlendshapeEstimator:
    """The AUs of photographed faces whose five points are known."""

    def __init__(self) -> None:
        self._measure = FaceMesh()
        self._calibration = load_calibration()

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record] = ()
    ) -> list[AUPrediction]:
        """See `AUEstimator`; the records are not used."""
        return [self._predict(image, five) for image, five in zip(images, points, strict=True)]

    def _predict(self, image: np.ndarray, points: np.ndarray) -> AUPrediction:
        measured = self._measure(image, points)
        if measured is None:
            return AUPrediction(None, "no face recognised by the AU estimator")
        unbounded = self._calibration.unbounded(measured)
        return AUPrediction.of(bounded(unbounded), unbounded)


def _run(network: Interpreter, values: np.ndarray) -> list[np.ndarray]:
    network.set_tensor(network.get_input_details()[0]["index"], values)
    network.invoke()
    return [network.get_tensor(output["index"]) for output in network.get_output_details()]
