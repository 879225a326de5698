"""The deformation grid (sec. 3.1.1): absolute sampling positions, their offsets, warping, composing.

A grid is N×H×W×2, (x, y) in grid_sample's [-1, 1] with align_corners=False. Warping is backward: output pixel p reads
the image at grid(p). Offsets are counted in pixels of an image of 128 px.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

REFERENCE_SIZE = 128
"""Offsets are counted in pixels of an image of this side, whatever the size at hand."""


def identity_grid(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """ℐ_Def, 1×H×W×2: each pixel's own centre (x, y) in grid_sample's [-1, 1], align_corners=False."""
    xs = (2 * torch.arange(width, device=device) + 1) / width - 1
    ys = (2 * torch.arange(height, device=device) + 1) / height - 1
    return torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1)[None]


def warp(grid: Tensor, images: Tensor) -> Tensor:
    """Warp(𝒢, ℐ) of eq. 4: output pixel p reads the image at 𝒢(p), bilinearly; edges are repeated.

    `grid` N×H×W×2 in [-1, 1], `images` N×C×H×W; returns N×C×H×W in the images' dtype.
    """
    # The grid stays fp32: bf16 would round positions to a quarter of a pixel.
    return F.grid_sample(images.float(), grid.float(), mode="bilinear", padding_mode="border", align_corners=False).to(
        images.dtype
    )


def to_offsets(grid: Tensor) -> Tensor:
    """Grid, N×H×W×2, to offsets from the identity in pixels at 128 px, same shape."""
    identity = identity_grid(*grid.shape[1:3], device=grid.device)
    return (grid - identity) * (REFERENCE_SIZE / 2)


def to_grid(offsets: Tensor) -> Tensor:
    """Offsets in pixels at 128 px, N×H×W×2, to an absolute grid; the inverse of `to_offsets`."""
    return identity_grid(*offsets.shape[1:3], device=offsets.device) + offsets * (2 / REFERENCE_SIZE)


def from_spacing(spacing: Tensor) -> Tensor:
    """A grid by its spacing, N×H×W×2 with positive entries: distances of neighbouring positions, 1 in the identity.

    A position is half the difference of what lies on its two sides in its row (x) or column (y). So the grid has its
    middle at 0, rises along rows and columns, and is the identity where the spacing is 1.
    """
    return torch.stack([_summed(spacing[..., 0], dim=2), _summed(spacing[..., 1], dim=1)], dim=-1)


def _summed(spacing: Tensor, dim: int) -> Tensor:
    cells = spacing * (2 / spacing.shape[dim])
    ends = cells.cumsum(dim)
    return ends - (cells + ends.narrow(dim, -1, 1)) / 2


def compose(outer: Tensor, inner: Tensor) -> Tensor:
    """Warp(outer, inner) of eq. 13: the grid p → inner(outer(p)); both N×H×W×2.

    Offsets are sampled, not positions: at the border a repeated position would pull the grid inwards.
    """
    sampled = warp(outer, to_offsets(inner).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return outer + sampled * (2 / REFERENCE_SIZE)


def folded_share(grid: Tensor) -> Tensor:
    """Share of the grid, N×H×W×2, where the image folds over: Jacobian determinant ≤ 0 by forward differences."""
    down = (grid[:, 1:, :-1] - grid[:, :-1, :-1]).unbind(-1)
    right = (grid[:, :-1, 1:] - grid[:, :-1, :-1]).unbind(-1)
    return (right[0] * down[1] - right[1] * down[0] <= 0).float().mean()
