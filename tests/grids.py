"""Deformation grids for tests."""

import torch

from defgan.warp import identity_grid


def shift(pixels_x: float, pixels_y: float, size: int) -> torch.Tensor:
    """A grid that reads `pixels` to the right and below, in pixels of an image of `size`."""
    return identity_grid(size, size) + torch.tensor([pixels_x, pixels_y]) * 2 / size
