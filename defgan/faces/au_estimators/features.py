"""What `blendshapes` measures on a face: distances between landmarks, blendshape scores, gradients around landmarks.

Every measurement is the mean over the face and its mirror image: our action units have no side, and a turned head or
light from one side then matters less. Landmarks are those of MediaPipe's face mesh (478 points). In every pair below
the subject's right half, which is left in the image, comes first.
"""

import cv2
import numpy as np

# --- geometry

_TEMPLES = ((33, 127, 234, 162), (263, 356, 454, 389))
_FOREHEAD = (10, 151, 9)
_UNDER_NOSE = 2
_EYES = ((33, 133), (263, 362))
_BRIDGE = 6

# fmt: off
_PAIRED_DISTANCES = (
    # lids
    ((159, 145), (386, 374)), ((158, 153), (385, 380)), ((160, 144), (387, 373)),
    # brows to the corners of the eye and to the bridge of the nose
    *(((right, a), (left, b)) for right, left in ((55, 285), (65, 295), (52, 282), (105, 334), (63, 293), (70, 300),
      (107, 336)) for a, b in ((133, 362), (33, 263), (6, 6))),
    # corners of the mouth
    *(((61, a), (291, b)) for a, b in ((133, 362), (33, 263), (2, 2), (152, 152), (0, 0), (17, 17), (164, 164))),
    # lips, cheeks, wings of the nose, chin
    ((82, 87), (312, 317)), ((37, 2), (267, 2)), ((40, 48), (270, 278)), ((205, 33), (425, 263)),
    ((205, 133), (425, 362)), ((119, 145), (348, 374)), ((48, 133), (278, 362)), ((48, 6), (278, 6)),
    ((206, 61), (426, 291)), ((50, 145), (280, 374)), ((84, 152), (314, 152)), ((57, 61), (287, 291)),
    ((37, 84), (267, 314)), ((39, 181), (269, 405)),
)
_DISTANCES = (
    (55, 285), (107, 336), (61, 291), (13, 14), (0, 17), (0, 13), (14, 17), (0, 2), (17, 152), (2, 152), (78, 308),
    (6, 2), (1, 6),
)
_HEIGHTS = (  # axis (1 down, 2 away), landmarks whose mean is taken, landmarks whose mean is subtracted from it
    (1, (61, 291), (0, 17)), (1, (61, 291), (13, 14)), (1, (78, 308), (13, 14)), (2, (61, 291), (0, 17)),
    (2, (17,), (152,)), (2, (0,), (2,)), (2, (199,), (152,)), (2, (205, 425), (2,)), (1, (199,), (152,)),
    (1, (55, 285), (70, 300)), (1, (105, 334), (70, 300)),
)
# fmt: on


def canonical(landmarks: np.ndarray) -> np.ndarray:
    """478×3 landmarks turned to the front, float64: the bridge of the nose is at 0, the eyes are 1 apart.

    The axes come from points that no expression moves: temples, forehead, the root of the upper lip.
    """
    points = np.asarray(landmarks, np.float64)
    x = points[list(_TEMPLES[1])].mean(0) - points[list(_TEMPLES[0])].mean(0)
    x /= np.linalg.norm(x)
    y = points[_UNDER_NOSE] - points[list(_FOREHEAD)].mean(0)
    y -= (y @ x) * x
    y /= np.linalg.norm(y)
    turned = (points - points[_BRIDGE]) @ np.stack([x, y, np.cross(x, y)]).T
    right, left = (points[list(eye)].mean(0) for eye in _EYES)
    return turned / np.linalg.norm(left - right)


def geometry(landmarks: np.ndarray, scores: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Distances and heights of 478×3 landmarks, in distances between the eyes, and the scores, float64 of shape (K,).

    `scores` are the blendshapes `names`; those of the two sides of the face are averaged.
    """
    points = canonical(landmarks)
    paired = np.array(_PAIRED_DISTANCES)
    lengths = np.linalg.norm(points[paired[..., 0]] - points[paired[..., 1]], axis=-1).mean(axis=1)
    single = np.array(_DISTANCES)
    middle = np.linalg.norm(points[single[:, 0]] - points[single[:, 1]], axis=-1)
    heights = [points[list(a), axis].mean() - points[list(b), axis].mean() for axis, a, b in _HEIGHTS]
    sides: dict[str, list[float]] = {}
    for name, score in zip(names, scores, strict=True):
        sides.setdefault(name.removesuffix("Left").removesuffix("Right"), []).append(float(score))
    return np.concatenate([lengths, middle, heights, [np.mean(values) for values in sides.values()]])


# --- appearance

FRAME = 96
"""Side of the upright face whose gradients are taken, pixels."""
_EYE_DISTANCE = 0.40
_EYE_HEIGHT = 0.36
_MARGIN = 24
"""Patches reach beyond the frame by less than this, pixels."""
_BINS = 6
_CELL = 6
"""Distance of the cells' centres, pixels; a patch has 4×4 of them."""
_FLOOR = 50.0
"""Added to the gradient strength of a block (grey levels × pixels), so that smooth skin stays near 0."""

_PATCH_PAIRS = (
    *((55, 285), (105, 334), (70, 300)),  # brow: inner end, middle, outer end
    *((159, 386), (33, 263), (119, 348)),  # upper lid, crow's feet, below the eye
    *((205, 425), (48, 278), (206, 426)),  # cheek, wing of the nose, fold beside it
    *((61, 291), (37, 267), (84, 314)),  # corner of the mouth, upper lip, lower lip
)
_PATCHES = (9, 6, 164, 13, 199, 151)  # glabella, root of the nose, philtrum, mouth, chin, forehead


def upright(face: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A face, uint8 H×W×3, brought to `FRAME` by the landmarks of its eyes: grey uint8, and its landmarks there."""
    right, left = (landmarks[list(eye), :2].mean(0) for eye in _EYES)
    across = left - right
    scale = _EYE_DISTANCE * FRAME / np.linalg.norm(across)
    cosine, sine = across / np.linalg.norm(across)
    linear = scale * np.array([[cosine, sine], [-sine, cosine]])
    shift = FRAME * np.array([0.5, _EYE_HEIGHT]) - linear @ ((right + left) / 2)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    grey = cv2.warpAffine(grey, np.column_stack([linear, shift]), (FRAME, FRAME), flags=cv2.INTER_LINEAR)
    return grey, landmarks[:, :2] @ linear.T + shift


def appearance(grey: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs, 2005) around landmarks, float32 of shape (K,).

    `grey`, `points`: an `upright` face. The histograms show wrinkles, folds and the red of the lips, landmarks do not.
    """
    padded = cv2.copyMakeBorder(grey, *[_MARGIN] * 4, cv2.BORDER_REPLICATE)
    gradients = [cv2.Sobel(padded, cv2.CV_32F, dx, dy, ksize=1) for dx, dy in ((1, 0), (0, 1))]
    strength, angle = cv2.cartToPolar(*gradients)
    # Each gradient is shared by the two bins beside its direction; directions half a turn apart are one.
    place = angle * np.float32(_BINS / np.pi) - np.float32(0.5)
    low = np.floor(place)
    share = place - low
    low = low.astype(np.int32)
    maps = np.zeros((*padded.shape, _BINS), np.float32)
    rows, columns = np.indices(padded.shape, sparse=True)
    maps[rows, columns, low % _BINS] = strength * (1 - share)
    maps[rows, columns, (low + 1) % _BINS] = strength * share
    cells = cv2.boxFilter(maps, -1, (_CELL + 1, _CELL + 1), normalize=False)

    pairs = np.array(_PATCH_PAIRS)
    centres = points[np.concatenate([pairs[:, 0], pairs[:, 1], _PATCHES])] + _MARGIN
    offsets = (np.arange(4) - 1.5) * _CELL
    x, y = (
        np.clip(np.rint(centres[:, axis, None] + offsets), 0, FRAME + 2 * _MARGIN - 1).astype(int) for axis in (0, 1)
    )
    patches = cells[y[:, :, None], x[:, None, :]]  # patch, row, column, bin
    blocks = patches.reshape(-1, 2, 2, 2, 2, _BINS)
    norm = np.sqrt((blocks**2).sum(axis=(2, 4, 5), keepdims=True))
    patches = (blocks / (norm + _FLOOR)).reshape(patches.shape)
    mirrored = patches[:, :, ::-1, ::-1]
    count = len(pairs)
    both = (patches[:count] + mirrored[count : 2 * count]) / 2
    middle = (patches[2 * count :] + mirrored[2 * count :])[:, :, :2] / 2
    return np.concatenate([both.ravel(), middle.ravel()])
