"""An edit of a small crop, applied to a large photograph."""

import tracemalloc

import numpy as np
import pytest

from defgan import alignment
from defgan.editing.native import FEATHER, apply_edit, deform_crop, feather, motion

SIZE = 32


def turned(degrees, scale, shift):
    """A transform from photograph to crop."""
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, shift])


def noise(height=400, width=500):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def crop_coordinates(transform, height, width):
    """Where the centre of each pixel of a photograph is in the crop, as a share of its side, H×W×2."""
    xs, ys = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return alignment.apply(transform, np.stack([xs, ys], -1)) / SIZE


@pytest.mark.parametrize("degrees", [0, 17, 90])
def test_outside_the_face_not_a_bit_changes(degrees):
    rng = np.random.default_rng(1)
    # The crop's centre at (250, 200), ten of the photograph's pixels to one of the crop's.
    transform = turned(degrees, 0.1, (0, 0))
    transform[:, 2] = SIZE / 2 - transform[:, :2] @ (250, 200)
    offsets = rng.normal(0, 4, (SIZE, SIZE, 2)).astype(np.float32)
    change = rng.normal(0, 60, (SIZE, SIZE, 3)).astype(np.float32)
    pixels = noise()
    before = pixels.copy()
    edited = apply_edit(pixels, transform, offsets, change)
    np.testing.assert_array_equal(pixels, before)  # the argument stays as it was
    places = crop_coordinates(transform, *pixels.shape[:2])
    outside = ((places < 0) | (places > 1)).any(-1)
    np.testing.assert_array_equal(edited[outside], pixels[outside])
    deep = ((places > FEATHER) & (places < 1 - FEATHER)).all(-1)
    assert (edited[deep] != pixels[deep]).any(-1).mean() > 0.95


def test_no_motion_and_no_change_is_the_photograph():
    zero = np.zeros((SIZE, SIZE, 3), np.float32)
    pixels = noise()
    transform = turned(8, 0.09, (-5, -3))
    np.testing.assert_array_equal(apply_edit(pixels, transform, zero[..., :2], zero), pixels)
    np.testing.assert_array_equal(apply_edit(pixels, transform, None, None), pixels)


@pytest.mark.parametrize(("degrees", "expected"), [(0, (1, 0)), (90, (0, -1)), (180, (-1, 0))])
def test_an_offset_reads_that_far_away_in_the_photograph(degrees, expected):
    """On a plane of brightness the shift can be read off: 4 px at 128 px are 1 px of a 32 px crop, here 8 px."""
    height = width = 300
    ys, xs = np.mgrid[:height, :width]
    pixels = np.stack([60 + 0.25 * xs, 60 + 0.25 * ys, np.zeros_like(xs)], -1).round().astype(np.uint8)
    transform = turned(degrees, 1 / 8, (0, 0))
    transform[:, 2] = SIZE / 2 - transform[:, :2] @ (150, 150)
    offsets = np.zeros((SIZE, SIZE, 2), np.float32)
    offsets[..., 0] = 4
    edited = apply_edit(pixels, transform, offsets, None).astype(int) - pixels
    # R⁻¹ of a step along the crop's x axis, by 8 px, a quarter of a grey level each.
    middle = edited[120:180, 120:180, :2].mean((0, 1))
    np.testing.assert_allclose(middle, 2 * np.array(expected), atol=0.15)
    flow = motion(transform, offsets, height, width)
    np.testing.assert_allclose(flow[120:180, 120:180].mean((0, 1)), 8 * np.array(expected), atol=1e-3)
    assert not flow[:20].any()  # outside the crop


def test_a_change_of_colour_is_added_and_clipped():
    pixels = noise()
    transform = turned(-5, 0.08, (2, 1))
    change = np.full((SIZE, SIZE, 3), 20.0, np.float32)
    edited = apply_edit(pixels, transform, None, change)
    places = crop_coordinates(transform, *pixels.shape[:2])
    deep = ((places > 2 * FEATHER) & (places < 1 - 2 * FEATHER)).all(-1)
    np.testing.assert_array_equal(edited[deep], np.minimum(pixels[deep].astype(int) + 20, 255))


def test_a_face_at_the_edge_of_the_photograph():
    pixels = noise(100, 120)
    transform = turned(0, 0.2, (SIZE / 2, SIZE / 2))  # centred on the photograph's corner
    offsets = np.full((SIZE, SIZE, 2), -5.0, np.float32)
    edited = apply_edit(pixels, transform, offsets, None)
    assert edited.shape == pixels.shape
    assert (edited[:60, :60] != pixels[:60, :60]).mean() > 0.9
    np.testing.assert_array_equal(edited[81:], pixels[81:])
    far = turned(0, 0.2, (500, 500))
    np.testing.assert_array_equal(apply_edit(pixels, far, offsets, None), pixels)


def test_at_the_size_of_the_crop_it_is_what_the_networks_made(editor, faces):
    """With the crop itself as the photograph, the result is ℐ_y up to interpolation."""
    from defgan.editing.targets import make_target

    [face] = faces
    part = editor.generate(face, make_target("surprise").vector(face.x))
    small = apply_edit(face.crop, np.eye(2, 3), part.offsets, part.change)
    inner = slice(SIZE // 5, -SIZE // 5)
    assert np.abs(deform_crop(face.crop, part.offsets) - part.deformed).max() < 4  # in steps of 1/32 of a pixel
    difference = np.abs(small[inner, inner].astype(int) - part.image[inner, inner])
    moved = np.abs(face.crop[inner, inner].astype(int) - part.image[inner, inner])
    # Where colours are cut off at 0 and 255 both agree too; bilinear against bicubic is what is left.
    assert difference.mean() < 0.25 * moved.mean()


def test_the_feather_is_nothing_at_the_border_and_all_inside():
    weight = feather(64)
    assert weight[0].max() == weight[-1].max() == weight[:, 0].max() == weight[:, -1].max() == 0
    assert weight[10:-10, 10:-10].min() == 1
    assert (np.diff(weight[32, :10]) >= 0).all()


def test_a_large_face_takes_hardly_more_memory_than_its_photograph():
    """Whole fields of motion and colour would take seven times as much."""
    pixels = np.zeros((1200, 1200, 3), np.uint8)
    transform = turned(0, SIZE / 1200, (0, 0))
    fields = np.ones((SIZE, SIZE, 2), np.float32), np.ones((SIZE, SIZE, 3), np.float32)
    tracemalloc.start()
    apply_edit(pixels, transform, *fields)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pixels.nbytes < peak < 1.9 * pixels.nbytes
