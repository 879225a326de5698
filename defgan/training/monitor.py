"""What is watched while a model trains: averages of the losses, figures of the edits, and the failures worth a word."""

import math
import resource
import time
from collections import deque

import torch
from torch import Tensor

from defgan.errors import UserError
from defgan.methods.base import Edit
from defgan.warp import folded_share, to_offsets

LOW_MASK, HIGH_MASK = 0.005, 0.95
"""Means of ℳ below and above which the attention is called saturated."""
LOW_OFFSET = 0.01
"""Mean offset, pixels at 128 px, below which the deformation is called frozen."""
LONG = 20
"""Intervals in a row after which a failure is worth a warning."""


@torch.no_grad()
def edit_figures(edit: Edit) -> dict[str, Tensor]:
    """Mean of ℳ; mean and largest offset in pixels at 128 px; share of the grid that is folded."""
    figures = {}
    if edit.mask is not None:
        figures["mask_mean"] = edit.mask.mean()
    if edit.grid is not None:
        lengths = to_offsets(edit.grid).norm(dim=-1)
        figures |= {"offset_mean": lengths.mean(), "offset_max": lengths.max(), "folded": folded_share(edit.grid)}
    return figures


class Interval:
    """Collects the terms of each step of an interval without waiting for the device.

    Args:
        name: of the model, for the error.
    """

    def __init__(self, name: str):
        self.name = name
        self._steps: list[tuple[int, dict[str, Tensor]]] = []

    def add(self, step: int, terms: dict[str, Tensor]) -> None:
        """`terms` are scalars on any device; step is the one that made them."""
        self._steps.append((step, terms))

    def close(self, checkpoint: str) -> dict[str, Tensor]:
        """Means over the interval as scalars; a new interval begins.

        Raises:
            UserError: a term is not finite; names the first such step, the term, and `checkpoint`, the last good one.
        """
        names = list(self._steps[0][1])
        values = torch.stack([torch.stack([terms[name].float() for name in names]) for _, terms in self._steps]).cpu()
        if not values.isfinite().all():
            row, column = (~values.isfinite()).nonzero()[0].tolist()
            raise UserError(
                f"{self.name}: {names[column]} is {values[row, column].item()} at iteration {self._steps[row][0]}; "
                f"lower training.learning_rate or set training.precision=32-true. The last good checkpoint is "
                f"{checkpoint}"
            )
        self._steps.clear()
        return dict(zip(names, values.mean(dim=0), strict=True))


class Guard:
    """Watches for the failures that users of such models report most; says each once.

    Args:
        mask_remedies: what to change where the mask is empty, and where it is full.
    """

    def __init__(self, mask_remedies: tuple[str, str]):
        self._mask_remedies = mask_remedies
        self._recent: deque[dict[str, float]] = deque(maxlen=LONG)
        self._said: set[str] = set()

    def check(self, row: dict[str, float]) -> list[str]:
        """Takes the next row of the curves; returns new warnings, each with what to change."""
        self._recent.append(row)
        if len(self._recent) < LONG:
            return []
        found = {}
        masks = [entry.get("mask_mean", math.nan) for entry in self._recent]
        offsets = [entry.get("offset_mean", math.nan) for entry in self._recent]
        if max(masks) < LOW_MASK:
            found["empty"] = f"the mask is empty (mean {masks[-1]:.4f}): no texture is used; {self._mask_remedies[0]}"
        if min(masks) > HIGH_MASK:
            found["full"] = f"the mask is full (mean {masks[-1]:.3f}): all is synthesised; {self._mask_remedies[1]}"
        if max(offsets) < LOW_OFFSET:
            found["frozen"] = (
                f"the deformation is frozen (mean offset {offsets[-1]:.4f} px at 128 px); lower lambda_eye_g and "
                f"lambda_comp or raise lambda_exp_def"
            )
        new = [found[kind] for kind in found if kind not in self._said]
        self._said |= found.keys()
        return new


class Timings:
    """Speed of the run: images/s, the share of the time spent waiting for data, and peak memory in GB."""

    def __init__(self, device: torch.device):
        self._device = device
        self._start()

    def _start(self) -> None:
        self._since, self._waited, self._images = time.perf_counter(), 0.0, 0

    def batch(self, waited: float, images: int) -> None:
        """A batch of so many images came after `waited` seconds."""
        self._waited += waited
        self._images += images

    def close(self) -> dict[str, float]:
        elapsed = time.perf_counter() - self._since
        if self._device.type == "cuda":
            memory = torch.cuda.max_memory_allocated(self._device) / 1e9
        else:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        row = {"images_per_s": self._images / elapsed, "data_wait": self._waited / elapsed, "memory_gb": memory}
        self._start()
        return row
