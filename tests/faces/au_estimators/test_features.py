"""Measurements of a face do not depend on how it was photographed, and do on what it shows."""

import numpy as np
import pytest

from defgan.faces.au_estimators import features
from defgan.faces.au_estimators.blendshapes import BLENDSHAPES
from defgan.faces.au_estimators.features import appearance, canonical, geometry, upright

NO_SCORES = np.zeros(len(BLENDSHAPES))


@pytest.fixture
def landmarks():
    """A made face: random points, with those that set the axes where a face has them."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 20, (478, 3))
    for i, x in ((33, -45), (133, -15), (362, 15), (263, 45)):
        points[i] = (x, 0, 0)
    points[[127, 234, 162]] = [(-70, 0, 40), (-70, 20, 40), (-68, -20, 40)]
    points[[356, 454, 389]] = [(70, 0, 40), (70, 20, 40), (68, -20, 40)]
    points[[10, 151, 9]] = [(0, -70, 0), (0, -50, -5), (0, -30, -5)]
    points[2] = (0, 50, -20)
    return points


def test_geometry_knows_neither_place_size_nor_pose(landmarks):
    yaw, roll = 0.4, -0.2
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn = turn @ np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    moved = 1.7 * landmarks @ turn.T + (30, -10, 5)
    assert geometry(moved, NO_SCORES, BLENDSHAPES) == pytest.approx(geometry(landmarks, NO_SCORES, BLENDSHAPES))
    eyes = canonical(moved)
    assert np.linalg.norm(eyes[[33, 133]].mean(0) - eyes[[362, 263]].mean(0)) == pytest.approx(1)


def test_geometry_sees_parted_lips_and_averages_the_sides(landmarks):
    scores = NO_SCORES.copy()
    scores[[BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight")]] = 0.2, 0.6
    before, after = (geometry(landmarks, values, BLENDSHAPES) for values in (NO_SCORES, scores))
    assert after[np.flatnonzero(after != before)] == pytest.approx([0.4])
    parted = landmarks.copy()
    parted[13], parted[14] = (0, 60, 0), (0, 72, 0)  # a gap of a fifth of the 60 between the eyes
    assert 0.2 in geometry(parted, NO_SCORES, BLENDSHAPES).round(6)


def test_appearance_is_that_of_the_mirror_image():
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (features.FRAME, features.FRAME)).astype(np.uint8)
    # Centres of pixels, on a grid that the mirror takes to itself.
    points = rng.integers(20, 76, (478, 2)).astype(float)
    mirrored = points.copy()
    for right, left in features._PATCH_PAIRS:
        mirrored[[right, left]] = points[[left, right]]
    mirrored[:, 0] = features.FRAME - 1 - mirrored[:, 0]
    there, back = appearance(grey, points), appearance(np.ascontiguousarray(grey[:, ::-1]), mirrored)
    assert np.linalg.norm(there) > 1
    assert back == pytest.approx(there, abs=0.02)


def test_a_smooth_face_has_no_gradients():
    flat = np.full((features.FRAME, features.FRAME), 120, np.uint8)
    assert not appearance(flat, np.full((478, 2), 48.0)).any()


def test_the_upright_face_has_its_eyes_in_place(landmarks):
    face = np.zeros((256, 256, 3), np.uint8)
    tilted = landmarks.copy()
    tilted[:, :2] = landmarks[:, :2] @ np.array([[0.9, 0.3], [-0.3, 0.9]]) + 128
    grey, points = upright(face, tilted)
    assert grey.shape == (features.FRAME, features.FRAME)
    eyes = [points[list(eye)].mean(0) for eye in ((33, 133), (362, 263))]
    assert eyes[1] - eyes[0] == pytest.approx([0.4 * features.FRAME, 0])
    assert (eyes[0] + eyes[1]) / 2 == pytest.approx([0.5 * features.FRAME, 0.36 * features.FRAME])
