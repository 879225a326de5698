"""A smiling photograph is brought into the frame of the neutral one; here both are pictures of a rendered person."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from defgan import alignment
from defgan.editing.smile import ALIGNMENTS, PORTRAIT, SIDE, STILL, align
from defgan.evaluation.regions import ellipses_mask

MOVED = np.array([[1.02, -0.06, 9.0], [0.06, 1.02, -14.0]])


@pytest.fixture(scope="module")
def moved(face_pixels):
    """The photograph with the head turned and shifted, in a warmer and darker light."""
    pixels = cv2.warpAffine(face_pixels, MOVED, face_pixels.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)
    return np.rint(pixels * np.array([0.9, 0.8, 0.7])).astype(np.uint8)


def error(smile, name):
    difference = np.abs(smile.aligned[name].astype(int) - smile.neutral)
    return difference[16:-16, 16:-16].mean()


def test_what_head_and_light_cost_goes_in_steps(faces, face_pixels, moved):
    [face] = faces
    points = alignment.apply(MOVED, face.points)
    points[0] += 4  # a detector errs
    smile = align(face_pixels, face, moved, replace(face, points=points))
    points_only, by_pixels, matched = (error(smile, name) for name in ALIGNMENTS)
    assert points_only > by_pixels > 5 * matched
    assert matched < 3
    still = ellipses_mask(STILL, SIDE)
    np.testing.assert_allclose(
        smile.aligned[ALIGNMENTS[2]][still].mean(axis=0), smile.neutral[still].mean(axis=0), atol=0.6
    )
    assert smile.portrait.shape[0] <= PORTRAIT
    assert np.array_equal(smile.aus, face.x)


def test_a_photograph_without_structure_stays_where_the_points_are(faces, face_pixels):
    [face] = faces
    smile = align(face_pixels, face, np.full_like(face_pixels, 90), face)
    assert np.array_equal(smile.aligned[ALIGNMENTS[0]], smile.aligned[ALIGNMENTS[1]])


def test_intensities_that_lead_far_away_are_not_followed(faces, face_pixels):
    [face] = faces
    smile = align(face_pixels, face, face_pixels, replace(face, points=np.add(face.points, [25, 0])))
    assert np.array_equal(smile.aligned[ALIGNMENTS[0]], smile.aligned[ALIGNMENTS[1]])
    near = align(face_pixels, face, face_pixels, replace(face, points=np.add(face.points, [8, 0])))
    assert error(near, ALIGNMENTS[1]) < error(near, ALIGNMENTS[0]) / 4
