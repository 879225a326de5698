import pytest
import torch

from defgan.warp import compose, folded_share, from_spacing, identity_grid, to_grid, to_offsets, warp
from tests.grids import shift


def test_identity_grid_changes_nothing():
    images = torch.rand(2, 3, 16, 24)
    assert torch.allclose(warp(identity_grid(16, 24).expand(2, -1, -1, -1), images), images, atol=1e-5)


def test_warp_reads_backward_x_before_y():
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.allclose(warp(shift(1, 0, 4), images)[..., :-1], images[..., 1:], atol=1e-5)
    assert torch.allclose(warp(shift(0, 1, 4), images)[..., :-1, :], images[..., 1:, :], atol=1e-5)


def test_warp_repeats_the_edge():
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.allclose(warp(shift(1, 0, 4), images)[..., -1], images[..., -1])


def test_warp_between_pixels_interpolates_each_image_by_its_own_grid():
    images = torch.rand(2, 3, 6, 6)
    grids = torch.cat([shift(0.25, 0, 6), shift(0, 0.5, 6)])
    warped = warp(grids, images)
    right, below = images[0, :, :, 1:], images[1, :, 1:]
    assert torch.allclose(warped[0, :, :, :-1], 0.75 * images[0, :, :, :-1] + 0.25 * right, atol=1e-5)
    assert torch.allclose(warped[1, :, :-1], 0.5 * images[1, :, :-1] + 0.5 * below, atol=1e-5)


def test_warp_gradient_is_the_slope_of_the_image():
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    images = (0.3 * columns - 0.2 * rows)[None, None]
    grid = (0.5 * identity_grid(6, 8)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(warp(grid, images).sum(), grid)
    # Slopes per pixel, and half the side in pixels to the unit of the grid.
    assert torch.allclose(gradient, torch.tensor([0.3 * 4, -0.2 * 3]).expand(1, 6, 8, 2), atol=1e-4)


def test_offsets_are_pixels_at_128_whatever_the_size():
    assert torch.allclose(to_offsets(shift(2, 1, 64)), torch.tensor([4.0, 2.0]), atol=1e-4)
    offsets = torch.randn(1, 8, 8, 2)
    assert torch.allclose(to_offsets(to_grid(offsets)), offsets, atol=1e-4)


def test_composition_of_inverse_shifts_is_the_identity_and_of_shifts_their_sum():
    there, back = shift(1, -0.5, 16), shift(-1, 0.5, 16)
    assert to_offsets(compose(back, there)).abs().max() < 1e-4
    assert torch.allclose(to_offsets(compose(there, there)), torch.tensor([16.0, -8.0]), atol=1e-3)


@pytest.mark.parametrize("size", [(32, 32), (64, 48), (128, 128)])
def test_a_spacing_of_one_is_the_identity_and_another_constant_zooms_about_the_middle(size):
    identity = identity_grid(*size)
    torch.testing.assert_close(from_spacing(torch.ones(2, *size, 2)), identity.expand(2, -1, -1, -1))
    torch.testing.assert_close(from_spacing(torch.full((1, *size, 2), 0.4)), 0.4 * identity)


def test_positions_are_sums_of_spacings_along_rows_for_x_and_along_columns_for_y():
    spacing = torch.ones(1, 4, 4, 2)
    spacing[0, 1, :, 0] = torch.tensor([0.5, 1.5, 1.5, 0.5])
    spacing[0, :, 2, 1] = torch.tensor([1.0, 1.0, 2.0, 2.0])
    grid = from_spacing(spacing)
    # Cells of 0.25, 0.75, 0.75 and 0.25 end at 0.25, 1, 1.75 and 2; a position lies in the middle of its cell, and the
    # middle of the row at 0.
    assert grid[0, 1, :, 0].tolist() == pytest.approx([0.125 - 1, 0.625 - 1, 1.375 - 1, 1.875 - 1])
    # Cells of 0.5, 0.5, 1 and 1 end at 0.5, 1, 2 and 3.
    assert grid[0, :, 2, 1].tolist() == pytest.approx([0.25 - 1.5, 0.75 - 1.5, 1.5 - 1.5, 2.5 - 1.5])
    others = identity_grid(4, 4)[0]
    torch.testing.assert_close(grid[0, [0, 2, 3], :, 0], others[[0, 2, 3], :, 0])
    torch.testing.assert_close(grid[0, :, [0, 1, 3], 1], others[:, [0, 1, 3], 1])


def test_a_grid_of_spacings_rises_by_the_mean_of_two_neighbours_and_its_mirror_image_is_that_of_the_mirrored_spacing():
    torch.manual_seed(0)
    spacing = 2.5 * torch.rand(2, 16, 24, 2) + 1e-3
    grid = from_spacing(spacing)
    right, down = grid[..., 0].diff(dim=2), grid[..., 1].diff(dim=1)
    assert right.min() > 0 and down.min() > 0
    torch.testing.assert_close(right, (spacing[:, :, 1:, 0] + spacing[:, :, :-1, 0]) / 24)
    torch.testing.assert_close(down, (spacing[:, 1:, :, 1] + spacing[:, :-1, :, 1]) / 16)
    torch.testing.assert_close(from_spacing(spacing.flip(2)), grid.flip(2) * torch.tensor([-1.0, 1.0]))
    # Nothing bounds a displacement but the sum.
    assert to_offsets(grid).abs().max() > 5


def test_rows_and_columns_of_spacings_rise_but_neighbouring_rows_can_shear_until_the_image_folds():
    spacing = torch.ones(1, 16, 16, 2)
    spacing[:, 14:, :, 0], spacing[:, :, 14:, 1] = 2.5, 2.5
    grid = from_spacing(spacing)
    assert grid[..., 0].diff(dim=2).min() > 0 and grid[..., 1].diff(dim=1).min() > 0
    assert 0 < folded_share(grid) < 0.1


def test_the_gradient_of_a_grid_of_spacings_is_that_of_finite_differences():
    torch.manual_seed(0)
    spacing = (torch.rand(2, 3, 4, 2, dtype=torch.float64) + 0.1).requires_grad_(True)
    assert torch.autograd.gradcheck(from_spacing, spacing)
