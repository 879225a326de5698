import torch

from defgan.warp import compose, identity_grid, to_grid, to_offsets, warp
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
