"""Pictures side by side, and what differs between two."""

import numpy as np
import pytest

from defgan.pixels import difference, heat, tile


def test_tiles_stand_in_rows_and_free_places_are_white():
    pictures = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = tile(pictures, 2)
    assert sheet.shape == (4, 6, 3) and sheet.dtype == np.uint8
    assert [sheet[row, column, 0] for row, column in ((0, 0), (1, 5), (3, 2), (2, 3))] == [10, 20, 30, 255]
    assert tile(pictures, 3).shape == (2, 9, 3)


def test_difference_is_the_mean_over_channels_in_shares_of_full_scale():
    a, b = np.zeros((1, 2, 3), np.uint8), np.zeros((1, 2, 3), np.uint8)
    a[0, 0], b[0, 1] = (255, 0, 0), (51, 51, 51)
    assert difference(a, b)[0] == pytest.approx([1 / 3, 0.2])


def test_unchanged_is_black_and_the_full_scale_cuts_off():
    colours = heat(np.array([[0.0, 0.25, 0.5, 7.0]]), 0.5)[0]
    assert colours.dtype == np.uint8 and colours[0].max() < 5
    assert (colours[2] == colours[3]).all() and colours[2].min() > 160
