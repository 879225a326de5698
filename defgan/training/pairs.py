"""Batches of rendered pairs: an input, the true edit and the true motion, all changed alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from defgan.errors import UserError
from defgan.methods.base import Batch, Truth
from defgan.pairs import FLOW_UNITS, UNSEEN, Pairs
from defgan.pixels import COLOR_DRAWS, change_colors, to_network

if TYPE_CHECKING:
    from defgan.methods.supervised import PairChanges

BLURRED = 0.35
"""Share of the pairs that are blurred."""
SHADES = 3
"""Side of the field of random light that is laid over a face, cells."""
DARKEST = 1e-3
"""Least value of a pixel in [0, 1] before the gamma."""
SCREEN = 2.2
"""The gamma of stored images, for light."""
SURELY_SEEN = 0.98
"""Least share of seen cells around a point of a turned flow."""


class Draws(NamedTuple):
    """What chance decides about a batch; numbers in [-1, 1] unless said otherwise."""

    scenes: Tensor  # int64 (N,)
    pairs: Tensor  # int64 (N,)
    flips: Tensor  # bool (N,)
    framing: Tensor  # N×4: turn, zoom, two shifts
    colors: Tensor  # N×3
    tint: Tensor  # N×3
    gamma: Tensor  # (N,)
    shade: Tensor  # N×1×3×3, standard normal
    strength: Tensor  # N×3 in [0, 1]: of shade, blur and noise; blur beyond BLURRED is none
    mix: Tensor  # (N,) in [0, 1]
    exposure: Tensor  # (N,) in [0, 1], between the least and the most


class PairBatches:
    """An endless sequence of random batches; batch i is a function of (seed, i) alone, but for its noise.

    Noise is drawn by torch's generator, which the trainer seeds at every step. Pairs lie on the device.

    Args:
        pairs: scenes that are held out are left out.
        batch_size: of all processes together.
        seed: of everything that is drawn.
        changes: how far pairs are changed.
        device: where the batches go.
        rank, processes: which share of each batch is this process's.

    Raises:
        UserError: a batch that the processes cannot share evenly.
    """

    def __init__(
        self,
        pairs: Pairs,
        batch_size: int,
        seed: int,
        changes: PairChanges,
        device: torch.device,
        rank: int = 0,
        processes: int = 1,
    ):
        if batch_size % processes:
            raise UserError(f"training.batch_size={batch_size} cannot be shared by {processes} processes")
        self.changes, self.batch_size, self.seed, self.device = changes, batch_size, seed, device
        share = batch_size // processes
        self.own = slice(rank * share, (rank + 1) * share)
        learnt = ~pairs.held_out
        self.shown = Shown(pairs, learnt, device)

    def __getitem__(self, index: int) -> Batch:
        draws = self._draw(index)
        batch = self.shown.batch(draws.scenes, draws.pairs)
        return change(batch, draws, self.changes)

    def _draw(self, index: int) -> Draws:
        rng, count = np.random.default_rng([self.seed, 1, index]), self.batch_size

        def numbers(*shape: int, low: float = -1.0) -> np.ndarray:
            return rng.uniform(low, 1, (count, *shape)).astype(np.float32)

        drawn = Draws(
            rng.integers(len(self.shown.images), size=count),
            rng.integers(len(self.shown.order), size=count),
            rng.random(count) < 0.5,
            numbers(4),
            numbers(COLOR_DRAWS),
            numbers(3),
            numbers(),
            rng.standard_normal((count, 1, SHADES, SHADES)).astype(np.float32),
            numbers(3, low=0.0),
            numbers(low=0.0),
            numbers(low=0.0),
        )
        tensors = (torch.from_numpy(values[self.own]) for values in drawn)
        if self.device.type == "cuda":
            tensors = (tensor.pin_memory().to(self.device, non_blocking=True) for tensor in tensors)
        return Draws(*tensors)


class Shown:
    """Scenes on a device."""

    def __init__(self, pairs: Pairs, chosen: np.ndarray, device: torch.device):
        self.images = torch.from_numpy(pairs.images[chosen]).to(device)
        self.aus = torch.from_numpy(pairs.aus[chosen]).to(device)
        self.flows = torch.from_numpy(pairs.flows[chosen]).to(device)
        self.order = torch.from_numpy(pairs.order).to(device)

    def batch(self, scenes: Tensor, pairs: Tensor) -> Batch:
        """Pairs as they are, by the indices of their scenes and of their places in `order`, both (N,)."""
        before, after = self.order[pairs].unbind(1)
        stored = self.flows[scenes, pairs]
        seen = (stored != UNSEEN).all(-1).float()
        truth = Truth(to_network(self.images[scenes, after]), stored.float() / FLOW_UNITS * seen[..., None], seen)
        images = to_network(self.images[scenes, before])
        mix = torch.zeros(len(images), device=images.device)
        return Batch(images, self.aus[scenes, before], self.aus[scenes, after], mix, truth)


def change(batch: Batch, draws: Draws, options: PairChanges) -> Batch:
    """A batch whose inputs and true images are flipped, framed, coloured, lit, blurred and made noisy alike."""
    both = torch.cat([batch.images, batch.truth.images], dim=1)
    both, flow, seen = _flip(both, batch.truth.flow, batch.truth.seen, draws.flips)
    both, flow, seen = _frame(both, flow, seen, draws.framing, options)
    size = both.shape[2:]
    # One image above the other: contrast and brightness are then changed about the mean of both.
    tall = change_colors(torch.cat(both.split(3, dim=1), dim=2), draws.colors, options.color)
    tall = _expose(tall, draws.exposure, options.exposure)
    shade = F.interpolate(draws.shade, size, mode="bicubic") * draws.strength[:, 0, None, None, None]
    tint = 1 + options.tint * draws.tint[..., None, None]
    light = torch.exp(options.shade * torch.cat([shade, shade], dim=2)) * tint
    gamma = torch.exp(options.gamma * draws.gamma)[:, None, None, None]
    tall = (((tall.clamp(-1, 1) + 1) / 2).clamp(min=DARKEST) ** gamma * light).clamp(0, 1) * 2 - 1
    strength = draws.strength[:, 1, None, None, None]
    blur = options.blur * torch.where(strength < BLURRED, strength / BLURRED, 0.0)
    noise = torch.randn_like(tall[:, :, : size[0]]) * (options.noise * draws.strength[:, 2, None, None, None])
    changed = []
    for images in tall.chunk(2, dim=2):
        images = images + blur * (_blurred(images) - images) + noise
        changed.append(images.clamp(-1, 1).contiguous(memory_format=torch.channels_last))
    return Batch(changed[0], batch.x, batch.y, draws.mix, Truth(changed[1], flow, seen))


def _expose(images: Tensor, draws: Tensor, stops: Sequence[float]) -> Tensor:
    """Images in [-1, 1] as if exposed by so many stops more, least and most, of linear light; white stays white."""
    least, most = stops
    if not (least or most):
        return images
    gain = torch.exp2(least + (most - least) * draws)[:, None, None, None]
    linear = ((images.clamp(-1, 1) + 1) / 2).clamp(min=DARKEST) ** SCREEN
    return (linear * gain / (1 + linear * (gain - 1))) ** (1 / SCREEN) * 2 - 1


def _flip(both: Tensor, flow: Tensor, seen: Tensor, flips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    mirror = torch.stack([torch.where(flips, -1.0, 1.0), torch.ones_like(flips, dtype=torch.float32)], dim=-1)
    both = torch.where(flips[:, None, None, None], both.flip(3), both)
    flow = torch.where(flips[:, None, None, None], flow.flip(2), flow) * mirror[:, None, None]
    return both, flow, torch.where(flips[:, None, None], seen.flip(2), seen)


def _frame(
    both: Tensor, flow: Tensor, seen: Tensor, draws: Tensor, options: PairChanges
) -> tuple[Tensor, Tensor, Tensor]:
    """Both images turned, zoomed and shifted; the flow's places and vectors are turned and zoomed with them."""
    angle = torch.deg2rad(options.turn * draws[:, 0])
    scale = 1 / (1 + options.zoom * draws[:, 1])
    shift = 2 * options.shift * draws[:, 2:]
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    matrices = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], dim=1).view(-1, 2, 3)
    count = len(both)
    grid = F.affine_grid(matrices, [count, 3, *both.shape[2:]], align_corners=False)
    coarse = F.affine_grid(matrices, [count, 3, *flow.shape[1:3]], align_corners=False)
    both = F.grid_sample(both, grid, padding_mode="border", align_corners=False)
    known = torch.cat([flow * seen[..., None], seen[..., None]], dim=-1).permute(0, 3, 1, 2)
    known = F.grid_sample(known, coarse, align_corners=False)
    weight = known[:, 2]
    right, down = (known[:, :2] / weight[:, None].clamp(min=1e-3)).unbind(1)
    # Sampling positions go through the matrix, so vectors go through its inverse.
    size = (cosine**2 + sine**2)[:, None, None]
    cosine, sine = (value[:, None, None] / size for value in (cosine, sine))
    turned = torch.stack([cosine * right + sine * down, cosine * down - sine * right], dim=-1)
    surely = (weight > SURELY_SEEN).float()
    return both, turned * surely[..., None], surely


def _blurred(images: Tensor) -> Tensor:
    """Through a binomial filter of 5×5, twice one of 3×3."""
    for dim in (2, 3, 2, 3):
        padded = torch.cat([images.narrow(dim, 0, 1), images, images.narrow(dim, -1, 1)], dim)
        length = images.shape[dim]
        images = (padded.narrow(dim, 0, length) + 2 * images + padded.narrow(dim, 2, length)) / 4
    return images
