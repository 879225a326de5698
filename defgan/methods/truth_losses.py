"""Losses of edits whose truth is known: not the paper's, which trains without.

Images N×3×H×W in [-1, 1]; flows N×h×w×2 in pixels at 128 px, h = H / 4; means over batch and pixels. Edits change a
small part of a face, some of them a very small one (a lid). So every mean is weighted: `attention` for images,
`motion_attention` for flows.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from defgan.methods.base import Truth
from defgan.warp import to_grid, to_offsets, warp

CHANGE_GAIN = 12.0
LARGEST_CHANGE = 0.4
"""Weight of a pixel for its change, and the change from which it grows no further, images in [-1, 1]."""
NEIGHBOURHOOD = 9
"""Side of the square over which changes are averaged, pixels."""
FAIR_SHARE = 1.0
"""Weight that every edit spreads over what it changes, however small that is."""
LONGEST = 6.0
"""Motion in pixels at 128 px from which its weight grows no further."""
SMALL_CHANGE, SMALL_MOTION = 0.01, 0.1
"""Where an edit changes or moves less than this on average, its fair share falls to 0."""
KNOWN_COST = 4.0
"""How much dearer the mask is where the true warp makes the true image."""
TOLERANCE = 0.05
"""Mean difference of the true warp from the true image up to which motion explains a pixel, images in [-1, 1]."""


def _near(values: Tensor) -> Tensor:
    """Means over neighbourhoods, N×1×H×W."""
    return F.avg_pool2d(values, NEIGHBOURHOOD, 1, NEIGHBOURHOOD // 2)


def attention(images: Tensor, true: Tensor) -> Tensor:
    """How much a pixel counts, N×1×H×W, 1 where nothing changes: more where the truth differs from the input."""
    change = _near((true - images).abs().mean(1, keepdim=True))
    share = change / (change.mean((1, 2, 3), keepdim=True) + SMALL_CHANGE)
    return 1 + CHANGE_GAIN * change.clamp(max=LARGEST_CHANGE) + FAIR_SHARE * share


def explained(images: Tensor, truth: Truth) -> Tensor:
    """1 where the true warp of the input makes the true image, else 0, N×1×H×W: no texture is needed there."""
    flow = F.interpolate(truth.flow.permute(0, 3, 1, 2), images.shape[2:], mode="bilinear", align_corners=False)
    moved = warp(to_grid(flow.permute(0, 2, 3, 1)), images)
    error = _near((moved - truth.images).abs().mean(1, keepdim=True))
    return F.interpolate(truth.seen[:, None], images.shape[2:]) * (error < TOLERANCE)


def coarse_offsets(grid: Tensor, size: tuple[int, int]) -> Tensor:
    """Offsets of a grid, N×H×W×2, as means over the cells of a flow of `size`: N×h×w×2, pixels at 128 px."""
    return F.adaptive_avg_pool2d(to_offsets(grid).permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)


def motion_loss(grid: Tensor, truth: Truth) -> Tensor:
    """End-point error, pixels at 128 px: mean length by which offsets miss the true flow where it is seen."""
    missed = coarse_offsets(grid, truth.flow.shape[1:3]) - truth.flow
    length = truth.flow.norm(dim=-1) * truth.seen
    share = length / (length.mean((1, 2), keepdim=True) + SMALL_MOTION)
    weight = truth.seen * (1 + length.clamp(max=LONGEST) + FAIR_SHARE * share)
    # Rounded at 0: the root has no gradient there.
    return ((missed.square().sum(-1) + 1e-4).sqrt() * weight).sum() / weight.sum().clamp(min=1)


def image_loss(edited: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """ℓ1 of an image, weighted; `weight` N×1×H×W."""
    return ((edited - true).abs() * weight).mean()


def edge_loss(edited: Tensor, true: Tensor) -> Tensor:
    """ℓ1 of the differences of neighbouring pixels: edges are as sharp as the true ones, and in their places."""
    difference = edited - true
    return difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()


def mask_loss(mask: Tensor, known: Tensor) -> Tensor:
    """Mean of ℳ² (eq. 15), dearer where motion makes the truth: `known` of `explained`, N×1×H×W."""
    return (mask.square() * (1 + KNOWN_COST * known)).mean()


def feature_loss(edited: list[Tensor], true: list[Tensor]) -> Tensor:
    """Feature matching (Salimans et al., 2016): ℓ1 of D's activations, relative to the true ones' mean size, summed."""
    layers = [(made.float(), real.float()) for made, real in zip(edited, true, strict=True)]
    return torch.stack([F.l1_loss(made, real) / real.abs().mean().clamp(min=1e-4) for made, real in layers]).sum()
