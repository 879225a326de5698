"""Batches of real faces, and the targets they are edited to."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from defgan.errors import UserError
from defgan.faces.table import Faces

TARGET_NOISE = 0.1
"""Half-width of the uniform noise that the reference code of GANimation adds to a target's AUs."""


def to_network(pixels: Tensor) -> Tensor:
    """uint8 N×H×W×3 in [0, 255] to float32 N×3×H×W in [-1, 1], channels last in memory."""
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> np.ndarray:
    """Float N×3×H×W in [-1, 1] to uint8 N×H×W×3 in [0, 255], rounded."""
    return images.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()


@dataclass(frozen=True)
class Batch:
    images: Tensor  # ℐ_x, N×3×H×W in [-1, 1]
    x: Tensor  # the images' AUs, N×17 in [0, 1]
    y: Tensor  # target AUs, N×17
    mix: Tensor  # U(0, 1), N: where between real and fake the gradient penalty looks


class Batches:
    """An endless sequence of random batches; batch i is a function of (seed, i) alone, so a resumed run sees the same.

    Each epoch is a permutation of the images. The target of an image is the AU vector of another one plus noise, as in
    the reference code. Flipping needs no change of AUs: all 17 intensities are symmetric in left and right.
    """

    def __init__(self, faces: Faces, batch_size: int, seed: int, device: torch.device):
        if len(faces.frame) < batch_size:
            raise UserError(
                f"{len(faces.frame)} training faces are fewer than training.batch_size={batch_size}; "
                f"add photographs or lower it: -S training.batch_size={len(faces.frame)}"
            )
        self.pixels = torch.from_numpy(np.array(faces.pixels[faces.frame["row"].to_numpy()])).to(device)
        self.aus = torch.from_numpy(faces.aus).to(device)
        self.batch_size, self.seed, self.device = batch_size, seed, device
        self.per_epoch = len(self.pixels) // batch_size
        self._epoch, self._order = -1, np.empty(0, int)

    def __getitem__(self, index: int) -> Batch:
        epoch, position = divmod(index, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.pixels))
        chosen = self._order[position * self.batch_size : (position + 1) * self.batch_size]
        rng = np.random.default_rng([self.seed, 1, index])
        flips = self._tensor(rng.random(self.batch_size) < 0.5)
        lenders = self._tensor(rng.integers(len(self.aus), size=self.batch_size))
        noise = self._tensor(rng.uniform(-TARGET_NOISE, TARGET_NOISE, (self.batch_size, self.aus.shape[1])))
        mix = self._tensor(rng.random(self.batch_size))
        chosen = self._tensor(chosen)
        images = to_network(self.pixels[chosen])
        images = torch.where(flips[:, None, None, None], images.flip(3), images)
        images = images.contiguous(memory_format=torch.channels_last)
        return Batch(images, self.aus[chosen], self.aus[lenders] + noise.float(), mix.float())

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device, non_blocking=True)
