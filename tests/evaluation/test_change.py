"""Regions and what falls into them."""

import numpy as np
import pytest

from defgan.alignment import template
from defgan.evaluation.change import changes
from defgan.evaluation.regions import AU_REGIONS, au_masks, ellipses_mask, face_mask, regions_of
from defgan.facs import AU_NAMES


def test_ellipses_have_their_area():
    assert ellipses_mask(((0.5, 0.5, 0.3, 0.2),), 400).mean() == pytest.approx(np.pi * 0.3 * 0.2, rel=1e-2)


def test_regions_lie_on_the_template():
    assert tuple(AU_REGIONS) == AU_NAMES
    size = 128
    columns, rows = template(size).astype(int).T
    left_eye, right_eye, nose, left_mouth, right_mouth = zip(rows, columns, strict=True)
    for name, points in {
        "AU45": (left_eye, right_eye),
        "AU09": (nose,),
        "AU12": (left_mouth, right_mouth),
        "AU25": (left_mouth, right_mouth),
    }.items():
        mask = au_masks(size)[AU_NAMES.index(name)]
        assert all(mask[point] for point in points), name
    # Both halves of the face are alike, and all lies inside it or at its edge.
    assert (au_masks(size) == au_masks(size)[..., ::-1]).all()
    assert (au_masks(size) & ~face_mask(size)).mean() < 0.01


def test_the_share_of_the_change_that_is_where_it_was_asked_for():
    inputs = np.zeros((3, 64, 64, 3), np.uint8)
    images = inputs.copy()
    asked = np.zeros((3, 17), bool)
    asked[:2, AU_NAMES.index("AU45")] = True
    eyes = au_masks(64)[AU_NAMES.index("AU45")]
    images[0][eyes] = 100
    images[1, :2] = 51  # above the face
    found = changes(images, inputs, asked)
    assert found["concentration"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert found["region_share"][:2] == pytest.approx(eyes.mean())
    assert found["change"].tolist() == pytest.approx([eyes.mean() * 100 / 255, 2 / 64 * 0.2, 0])
    outside = ~face_mask(64)
    assert found["background_change"].tolist() == pytest.approx([0, 0.2 * outside[:2].sum() / outside.sum(), 0])


def test_regions_of_several_units_are_joined():
    asked = np.zeros((2, 17), bool)
    asked[0, [0, 16]] = True
    joined = regions_of(asked, 32)
    np.testing.assert_array_equal(joined[0], au_masks(32)[0] | au_masks(32)[16])
    assert not joined[1].any()
