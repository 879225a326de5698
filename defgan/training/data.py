"""Batches of real faces, and the targets they are edited to."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from defgan.errors import UserError
from defgan.methods.base import Batch
from defgan.pixels import COLOR_DRAWS, change_colors, to_network
from defgan.training.augmentation import FRAMING_DRAWS, change_framing, compress

if TYPE_CHECKING:
    from defgan.params import AugmentParams

RESIDENT_SHARE = 0.5
"""Share of a GPU's free memory that the images may take; more of them stay on disk and are read ahead."""
READERS = 4
AHEAD = 8
"""Threads that read batches from disk, and batches that they are ahead of the training."""


@dataclass(frozen=True)
class _Draw:
    """What chance decides about a batch, as arrays of its size."""

    chosen: np.ndarray
    flips: np.ndarray
    lenders: np.ndarray
    noise: np.ndarray
    mix: np.ndarray
    framing: np.ndarray
    colors: np.ndarray
    quality: np.ndarray


class Batches:
    """An endless sequence of random batches; batch i is a function of (seed, i) alone, so a resumed run sees the same.

    Each epoch is a permutation of the images. The target of an image is the condition of another one plus noise, as in
    the reference code. Flipping needs no change of AUs: all 17 intensities are symmetric in left and right.

    Of every batch a process takes its own share. The images lie on the GPU where they fit; else, and on the CPU, they
    stay in their memory-mapped file, and for a GPU threads read ahead into pinned memory.

    Args:
        pixels: uint8 M×H×W×3, memory-mapped or in memory.
        rows: the images' indices into `pixels`, (N,).
        conditions: float32 N×n, aligned with `rows`.
        batch_size: of all processes together.
        seed: of everything that is drawn.
        target_noise: half-width of the uniform noise added to targets.
        augment: how far the images are changed.
        augment_from: index of the first batch whose images are.
        device: where the batches go.
        rank, processes: which share of each batch is this process's.

    Raises:
        UserError: fewer images than a batch, or a batch that the processes cannot share evenly.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        rows: np.ndarray,
        conditions: np.ndarray,
        batch_size: int,
        seed: int,
        target_noise: float,
        augment: AugmentParams,
        device: torch.device,
        rank: int = 0,
        processes: int = 1,
        augment_from: int = 0,
    ):
        if len(rows) < batch_size:
            raise UserError(
                f"{len(rows)} training faces are fewer than training.batch_size={batch_size}; "
                f"add photographs or lower it: -S training.batch_size={len(rows)}"
            )
        if batch_size % processes:
            raise UserError(
                f"training.batch_size={batch_size} cannot be shared by {processes} processes; "
                f"take a multiple: -S training.batch_size={batch_size // processes * processes or processes}"
            )
        self.pixels, self.rows, self.conditions = pixels, rows, torch.from_numpy(conditions)
        self.batch_size, self.seed, self.target_noise, self.device = batch_size, seed, target_noise, device
        self.augment, self.augment_from = augment, augment_from
        share = batch_size // processes
        self.own = slice(rank * share, (rank + 1) * share)
        self.per_epoch = len(rows) // batch_size
        self._epoch, self._order = -1, np.empty(0, int)
        self.resident: Tensor | None = None
        self._readers: ThreadPoolExecutor | None = None
        if device.type == "cuda":
            self.conditions = self.conditions.to(device)
            free, _ = torch.cuda.mem_get_info(device)
            # JPEG is a matter of the CPU: the readers compress.
            if len(rows) * pixels[0].nbytes < RESIDENT_SHARE * free and not augment.jpeg_quality:
                self.resident = torch.empty((len(rows), *pixels.shape[1:]), dtype=torch.uint8, device=device)
                for start in range(0, len(rows), 4096):  # through the host in pieces, not as a second copy of all
                    piece = torch.from_numpy(pixels[rows[start : start + 4096]])
                    self.resident[start : start + len(piece)] = piece.to(device)
            else:
                self._readers = ThreadPoolExecutor(READERS)
        self._ahead: dict[int, Future[tuple[_Draw, Tensor]]] = {}

    def __getitem__(self, index: int) -> Batch:
        if self._readers is None:
            draw, images = self._draw(index), None
        else:
            # Drawn here, in order: the permutation of an epoch is kept for the next batch.
            for later in range(index, index + AHEAD):
                if later not in self._ahead:
                    self._ahead[later] = self._readers.submit(self._read_pinned, later, self._draw(later))
            for earlier in [key for key in self._ahead if key < index]:
                del self._ahead[earlier]
            draw, images = self._ahead.pop(index).result()
        chosen = self._tensor(draw.chosen)
        if images is None:
            images = self._read(index, draw) if self.resident is None else self.resident[chosen]
        images = to_network(images.to(self.device, non_blocking=True))
        images = torch.where(self._tensor(draw.flips)[:, None, None, None], images.flip(3), images)
        if augment := self._augment(index):
            if augment.turn or augment.zoom or augment.shift:
                images = change_framing(images, self._tensor(draw.framing), augment)
            if augment.color:
                images = change_colors(images, self._tensor(draw.colors), augment.color).clamp(-1, 1)
        images = images.contiguous(memory_format=torch.channels_last)
        y = self.conditions[self._tensor(draw.lenders)] + self._tensor(draw.noise)
        return Batch(images, self.conditions[chosen], y, self._tensor(draw.mix))

    def _draw(self, index: int) -> _Draw:
        epoch, position = divmod(index, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.rows))
        chosen = self._order[position * self.batch_size : (position + 1) * self.batch_size]
        rng = np.random.default_rng([self.seed, 1, index])
        flips = rng.random(self.batch_size) < 0.5
        lenders = rng.integers(len(self.rows), size=self.batch_size)
        noise = rng.uniform(-1, 1, (self.batch_size, self.conditions.shape[1])) * self.target_noise
        mix = rng.random(self.batch_size)
        framing = rng.uniform(-1, 1, (self.batch_size, FRAMING_DRAWS))
        colors = rng.uniform(-1, 1, (self.batch_size, COLOR_DRAWS))
        quality = rng.uniform(-1, 1, self.batch_size)
        numbers = (values.astype(np.float32) for values in (noise, mix, framing, colors, quality))
        return _Draw(*(values[self.own] for values in (chosen, flips, lenders, *numbers)))

    def _augment(self, index: int) -> AugmentParams | None:
        """How far the images of a batch are changed; None: not at all."""
        return self.augment if index >= self.augment_from else None

    def _read(self, index: int, draw: _Draw) -> Tensor:
        pixels = self.pixels[self.rows[draw.chosen]]
        if (augment := self._augment(index)) and augment.jpeg_quality:
            pixels = compress(pixels, draw.quality, augment.jpeg_quality)
        return torch.from_numpy(pixels)

    def _read_pinned(self, index: int, draw: _Draw) -> tuple[_Draw, Tensor]:
        return draw, self._read(index, draw).pin_memory()

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device, non_blocking=True)
