"""Faces of photographs that lie on their side or stand on their head."""

import numpy as np
import pytest
import torch
from PIL import Image

from defgan.demo.examples import examples
from defgan.faces.detection import Detection, Detector
from defgan.faces.turns import TurningDetector, turn_points


@pytest.fixture(scope="module")
def detect():
    torch.set_num_threads(1)
    return TurningDetector(0.9)


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        image.thumbnail((320, 320))
        return np.asarray(image.convert("RGB"))


def test_points_turn_as_pixels_do():
    image = np.zeros((5, 8), np.uint8)
    image[1, 6] = 1
    for quarters in range(-3, 4):
        [[row, column]] = np.argwhere(np.rot90(image, quarters))
        [[x, y]] = turn_points(np.array([[6.5, 1.5]]), quarters, *image.shape)
        assert (x, y) == (column + 0.5, row + 0.5)


def test_a_turned_face_has_the_points_of_the_upright_one(detect):
    people = [pixels(path) for path in examples()[:2]]
    upright = detect(people)
    for found, alone in zip(upright, Detector(0.9)(people), strict=True):
        assert found.quarters == 0
        np.testing.assert_array_equal(found.points, alone.points)
    # One batch of photographs that lie in all directions, and one without a face.
    turned = [np.ascontiguousarray(np.rot90(people[0], quarters)) for quarters in (1, 2, 3)]
    *found, nothing = detect([*turned, np.full((90, 60, 3), 99, np.uint8)])
    assert nothing is None
    for quarters, face in zip((1, 2, 3), found, strict=True):
        assert face.quarters == 4 - quarters
        expected = turn_points(upright[0].points, quarters, *people[0].shape[:2])
        np.testing.assert_allclose(face.points, expected, atol=1)
        corners = turn_points(upright[0].box.reshape(2, 2), quarters, *people[0].shape[:2])
        np.testing.assert_allclose(face.box, np.concatenate([corners.min(0), corners.max(0)]), atol=2)


def test_both_faces_of_a_turned_group(detect):
    both = np.concatenate([pixels(path) for path in examples()[:2]], axis=1)
    [upright, turned] = detect.find_all([both, np.ascontiguousarray(np.rot90(both))], 640)
    assert [face.quarters for face in upright + turned] == [0, 0, 3, 3]


def test_turned_photographs_of_people(shared, detect):
    """MTCNN alone finds nothing, or points that are not there, in some of these."""
    wrong = 0
    for name in ("neutral/001", "smiling/022"):
        upright = pixels(shared / f"faces/london/{name}.jpg")
        [face] = detect([upright])
        assert face.quarters == 0
        between_eyes = np.linalg.norm(face.points[1] - face.points[0])
        for quarters in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(upright, quarters))
            expected = turn_points(face.points, quarters, *upright.shape[:2])
            [found] = detect([turned])
            assert np.abs(found.points - expected).max() < 0.1 * between_eyes
            alone = detect._detect([turned])[0]
            wrong += alone is None or np.abs(alone.points - expected).max() > 0.5 * between_eyes
    assert wrong >= 2


@pytest.mark.parametrize(
    ("confidences", "quarters"),
    [
        # By the turn, counter-clockwise, that the detector sees; None: it fails there.
        ({0: 0.95, 1: 0.97, 3: 0.9998}, 3),
        ({3: 0.996}, 3),
        ({0: 0.9995, 3: 0.9997}, 0),
        ({0: 0.95, 3: 0.99}, 0),
        ({0: 0.95, 1: None, 3: None, 2: None}, 0),
        ({1: None, 2: 0.9999}, 2),
    ],
)
def test_where_landmarks_confirm_no_face_the_confidence_decides(detect, monkeypatch, confidences, quarters):
    image = np.zeros((60, 80, 3), np.uint8)
    image[0, 0] = 255
    corners = {0: (0, 0), 1: (-1, 0), 2: (-1, -1), 3: (0, -1)}

    class Seen:
        def find_all(self, images, long_side):
            [[turn]] = [[turn for turn, corner in corners.items() if image[corner].all()] for image in images]
            confidence = confidences.get(turn, 0.0)
            if confidence is None:
                raise RuntimeError("a box at the border")
            box = np.array([10.0, 10, 40, 50])
            return [[Detection(box, np.ones((5, 2)), confidence)] if confidence else []]

    monkeypatch.setattr(detect, "_detect", Seen())
    monkeypatch.setattr(detect._mesh, "disagreement", lambda *_: np.inf)
    [[face]] = detect.find_all([image], 640)
    assert face.quarters == quarters
    width, height = face.box[2:] - face.box[:2]
    assert (width, height) == ((30, 40) if quarters % 2 == 0 else (40, 30))
