"""Aligned face crops: a similarity transform brings five points of a photograph to a fixed template.

The template is ArcFace's (InsightFace's `arcface_dst`, 112×112), scaled and shifted so that brows and chin lie inside a
square crop. The eyes are `EYE_DISTANCE` of the side apart, at `EYE_HEIGHT` of the height, centred. Coordinates are
continuous: the centre of the pixel in column j and row i is (j + 0.5, i + 0.5).
"""

import numpy as np

POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""Five points in the order of MTCNN; left and right as seen in the image."""
POINT_COLUMNS = tuple(f"{point}_{axis}" for point in POINTS for axis in "xy")
EYE_DISTANCE = 0.36
EYE_HEIGHT = 0.34
RIGID_POINTS = 3
"""How many of the points, the first, hardly move with the expression: eyes and nose."""
NOSE_DEPTH = 0.62
"""How far the tip of the nose is in front of the eyes, in distances between the eyes; an estimate."""

_ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def template(size: float) -> np.ndarray:
    """The five points (eyes, nose, mouth corners; left first as seen) in a crop of side `size`, float64, 5×2."""
    left, right = _ARCFACE[0], _ARCFACE[1]
    scale = EYE_DISTANCE / np.linalg.norm(right - left)
    return size * ((_ARCFACE - (left + right) / 2) * scale + (0.5, EYE_HEIGHT))


def fit_similarity(source: np.ndarray, destination: np.ndarray) -> np.ndarray:
    """Least-squares rotation, uniform scale and shift that takes points to points (Umeyama, 1991), float64, 2×3.

    Both arrays have shape K×2, K ≥ 2. Raises ValueError where all source points coincide.
    """
    source, destination = np.asarray(source, np.float64), np.asarray(destination, np.float64)
    mean_source, mean_destination = source.mean(0), destination.mean(0)
    a, b = source - mean_source, destination - mean_destination
    spread = (a**2).sum()
    if not spread > 1e-12:
        raise ValueError("the points coincide")
    # In the plane the optimum without reflection is closed form: no SVD is needed.
    cosine = (a * b).sum() / spread
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, mean_destination - linear @ mean_source])


def similarity_transform(points: np.ndarray, size: int) -> np.ndarray:
    """From photograph pixels to the pixels of a crop of side `size`, float64 of shape 2×3.

    `points`: five points in photograph pixels, shape 5×2, in the order of `POINTS`. Only eyes and nose are fitted. The
    corners of the mouth move with the expression: a crop that followed them would remove part of the motion that the
    methods learn (AU12, AU15, AU26).
    """
    return fit_similarity(points[:RIGID_POINTS], template(size)[:RIGID_POINTS])


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points of shape …×2 taken through a 2×3 transform."""
    return np.asarray(points, np.float64) @ transform[:, :2].T + transform[:, 2]


def invert(transform: np.ndarray) -> np.ndarray:
    """The inverse of a 2×3 transform, from crop to photograph, shape 2×3."""
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


def nose_offset(points: np.ndarray) -> np.ndarray:
    """How far the nose is from the middle between the eyes, along the line of the eyes, in distances between the eyes.

    `points` …×K×2, K ≥ 3, in the order of `POINTS`; returns …, float64. 0 is frontal, positive is turned to the right.
    """
    left, right, nose = np.moveaxis(np.asarray(points, np.float64)[..., :RIGID_POINTS, :], -2, 0)
    eyes = right - left
    return ((nose - (left + right) / 2) * eyes).sum(-1) / (eyes**2).sum(-1)


def yaw(points: np.ndarray) -> np.ndarray:
    """Roughly how far a head is turned to a side, degrees, from five points …×5×2; 0 is frontal, positive to the right.

    The tip of the nose is in front of the eyes. When the head turns, it moves by `NOSE_DEPTH` · tan(yaw) against them.
    """
    return np.degrees(np.arctan(nose_offset(points) / NOSE_DEPTH))


def crop(image: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """The aligned crop, uint8 of shape size×size×3, of a photograph, uint8 of shape H×W×3.

    A photograph that shrinks is first sampled at an integer multiple of the crop's resolution, at least its own, and
    then averaged over boxes, so that fine detail does not alias. Outside the photograph its reflection is taken.
    """
    import cv2  # here, not above: whoever needs only the points need not wait for it

    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, (image.dtype, image.shape)
    scale = np.sqrt(abs(np.linalg.det(transform[:, :2])))
    oversample = max(1, int(np.ceil(1 / scale - 1e-6)))
    matrix = transform * oversample
    # OpenCV counts from pixel centres, we from pixel corners.
    matrix[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5
    side = size * oversample
    sampled = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    if oversample == 1:
        return sampled
    return cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA)
