"""Gain over copying against values worked by hand."""

import numpy as np
import pytest

from defgan.evaluation.gain import changed_pixels, gain, masked_errors

SIZE = 32  # dilation reaches 2 pixels


def flat(value: int) -> np.ndarray:
    return np.full((1, SIZE, SIZE, 3), value, np.uint8)


def test_one_changed_pixel_is_dilated_by_a_sixteenth_of_the_side():
    inputs, true = flat(100), flat(100)
    true[0, 10, 20, 1] = 150
    expected = np.zeros((1, SIZE, SIZE), bool)
    expected[0, 8:13, 18:23] = True
    assert (changed_pixels(inputs, true) == expected).all()


def test_dilation_stops_at_the_border():
    inputs, true = flat(100), flat(100)
    true[0, 0, 0] = 0
    assert changed_pixels(inputs, true).sum() == 3 * 3


@pytest.mark.parametrize(("difference", "changed"), [(10, False), (11, True), (-10, False), (-11, True)])
def test_a_channel_has_to_differ_by_more_than_four_percent_of_full_scale(difference, changed):
    true = flat(100)  # 0.04 · 255 = 10.2
    true[0, 16, 16, 2] = 100 + difference
    assert changed_pixels(flat(100), true).any() == changed


def test_images_do_not_dilate_into_their_neighbours():
    inputs = np.concatenate([flat(100)] * 3)
    true = inputs.copy()
    true[1, 5, 5] = 0
    assert changed_pixels(inputs, true).any(axis=(1, 2)).tolist() == [False, True, False]


def test_error_is_the_mean_over_masked_pixels_and_channels():
    images, true = flat(0), flat(0)
    images[0, 3, 4] = (51, 0, 102)
    images[0, 20, 20] = 255  # outside the mask
    mask = np.zeros((1, SIZE, SIZE), bool)
    mask[0, 3, 4:6] = True
    # (0.2 + 0 + 0.4) / 3 channels at one of two pixels
    assert masked_errors(images, true, mask) == pytest.approx([0.1])


def test_the_gain_is_a_ratio_of_means_not_a_mean_of_ratios():
    edit, copy = np.array([0.1, 0.0]), np.array([0.1, 0.3])
    assert gain(edit, copy) == pytest.approx(0.75)


def test_the_true_image_gains_one_and_a_copy_nothing():
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    true = rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    mask = changed_pixels(inputs, true)
    copied = masked_errors(inputs, true, mask)
    assert gain(masked_errors(true, true, mask), copied) == 1
    assert gain(copied, copied) == 0
    assert gain(masked_errors(255 - true, true, mask), copied) < 0


def test_images_without_change_are_left_out():
    inputs = np.concatenate([flat(100), flat(100)])
    true = inputs.copy()
    true[0, 8:12, 8:12] = 200
    edited = np.concatenate([flat(150), flat(0)])  # ruins the image that should not change: not what gain measures
    mask = changed_pixels(inputs, true)
    copied, errors = masked_errors(inputs, true, mask), masked_errors(edited, true, mask)
    assert np.isnan(copied).tolist() == [False, True]
    assert gain(errors, copied) == pytest.approx(1 - errors[0] / copied[0])


def test_nothing_changes_anywhere_gives_no_gain():
    mask = changed_pixels(flat(7), flat(7))
    errors = masked_errors(flat(9), flat(7), mask)
    assert gain(errors, errors) is None
