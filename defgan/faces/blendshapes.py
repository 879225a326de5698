"""Action units read from a photograph by MediaPipe's face-landmarker networks (Google, Apache-2.0).

One network finds 478 landmarks, another turns 146 of them into 52 blendshape scores (ARKit's names).
`to_action_units` maps the scores, and for parted lips the landmarks, to our 17 action units.
"""

import threading
import zipfile
from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from defgan.datasets.records import Record
from defgan.faces import alignment
from defgan.faces.action_units import Reading
from defgan.faces.weights import weights_path
from defgan.facs import AU_NAMES

INPUT_SIZE = 256
"""Side of the landmark network's input, pixels."""
PRESENCE = 0.5
"""Probability of a face below which nothing is read, MediaPipe's default."""

# The landmark network wants the eyes level and the face, hairline to chin, in the middle two thirds of its input. Our
# crop is placed there: its side in pixels of the input, and which of its points is the input's centre.
_CROP_SIDE = 168
_CROP_CENTRE = (0.5, 0.521)

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

# Which landmarks the blendshape network takes (MediaPipe, face_blendshapes_graph.cc).
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
_RANGES = {
    "AU01": ("browInnerUp", 0.01, 0.6),
    "AU02": ("browOuterUp", 0.02, 0.6),
    "AU04": ("browDown", 0.10, 0.85),
    "AU05": ("eyeWide", 0.01, 0.06),
    "AU07": ("eyeSquint", 0.25, 0.75),
    "AU10": ("mouthUpperUp", 0.0, 0.75),
    "AU12": ("mouthSmile", 0.0, 0.9),
    "AU14": ("mouthDimple", 0.01, 0.3),
    "AU15": ("mouthFrown", 0.0, 0.12),
    "AU17": ("mouthShrugLower", 0.17, 0.75),
    "AU20": ("mouthStretch", 0.0, 0.2),
    "AU23": ("mouthPress", 0.07, 0.37),
    "AU26": ("jawOpen", 0.0, 0.55),
    "AU45": ("eyeBlink", 0.15, 0.75),
}
"""Blendshape, its score on a relaxed face and its score at the peak: between them the intensity goes from 0 to 1.

The ends are the median over neutral portraits and about the 99th percentile over photographs in the wild: the scores
differ much in scale, and some hardly leave zero. A first version, not calibrated against coded faces.
"""
_SQUINT_OF_SMILE = (0.15, 0.65)  # eyeSquint's range within a smile, for AU06
_LIP_GAP = (0.01, 0.35)  # of the inner lips, in distances between the eyes, for AU25

_INNER_LIPS = (13, 14)
_EYE_CORNERS = ((33, 133), (263, 362))


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))


def to_action_units(scores: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """52 blendshape scores and 478×2 landmarks of one face to its AUs, float32 of shape (17,) in [0, 1]."""

    def score(name: str) -> float:
        sides = [value for blendshape, value in zip(BLENDSHAPES, scores, strict=True) if blendshape.startswith(name)]
        return float(np.mean(sides))

    aus = {name: _ramp(score(blendshape), low, high) for name, (blendshape, low, high) in _RANGES.items()}
    # cheekSquint and noseSneer never leave zero. A raised cheek is read from the squint of a smiling eye, a wrinkled
    # nose from lowered brows over a raised lip that does not smile.
    aus["AU06"] = np.sqrt(aus["AU12"] * _ramp(score("eyeSquint"), *_SQUINT_OF_SMILE))
    aus["AU09"] = np.sqrt(aus["AU04"] * aus["AU10"]) * (1 - aus["AU12"])
    # No blendshape says that the lips part while the jaw is closed.
    eyes = [landmarks[list(corners)].mean(0) for corners in _EYE_CORNERS]
    upper, lower = landmarks[list(_INNER_LIPS)]
    aus["AU25"] = _ramp(np.linalg.norm(upper - lower) / np.linalg.norm(eyes[0] - eyes[1]), *_LIP_GAP)
    return np.array([aus[name] for name in AU_NAMES], np.float32)


class BlendshapeReader:
    """Reads the AUs of photographed faces whose five points are known."""

    def __init__(self) -> None:
        with zipfile.ZipFile(weights_path("face-landmarker")) as bundle:
            self._landmarks, self._blendshapes = (
                Interpreter(model_content=bundle.read(f"{name}.tflite"), num_threads=1)
                for name in ("face_landmarks_detector", "face_blendshapes")
            )
        for network in (self._landmarks, self._blendshapes):
            network.allocate_tensors()
        self._lock = threading.Lock()  # an interpreter holds its inputs and outputs: one face at a time

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[Reading]:
        """See `defgan.faces.action_units.Reader`."""
        return [self._read(image, five) for image, five in zip(images, points, strict=True)]

    def _read(self, image: np.ndarray, points: np.ndarray) -> Reading:
        transform = alignment.similarity_transform(points, _CROP_SIDE)
        transform[:, 2] += INPUT_SIZE / 2 - _CROP_SIDE * np.array(_CROP_CENTRE)
        face = alignment.crop(image, transform, INPUT_SIZE).astype(np.float32) / 255
        with self._lock:
            landmarks, presence, _ = _run(self._landmarks, face[None])
            if presence.item() < np.log(PRESENCE / (1 - PRESENCE)):
                return Reading(None, "no face recognised by the AU reader")
            # The scores depend neither on scale nor on rotation: the landmarks need not go back to the photograph.
            landmarks = landmarks.reshape(478, 3)[:, :2]
            (scores,) = _run(self._blendshapes, landmarks[None, _SUBSET])
        return Reading.of(to_action_units(scores, landmarks))


def _run(network: Interpreter, values: np.ndarray) -> list[np.ndarray]:
    network.set_tensor(network.get_input_details()[0]["index"], values)
    network.invoke()
    return [network.get_tensor(output["index"]) for output in network.get_output_details()]
