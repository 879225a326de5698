"""What a method learns from: faces of a prepared role, or rendered pairs; and what is held out of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import torch

from defgan.faces.table import Faces, read_faces
from defgan.facs import AU_NAMES
from defgan.methods.base import PAIRS, Batch, Method
from defgan.pairs import Pairs, read_pairs
from defgan.pixels import to_network
from defgan.spacing import spread
from defgan.training.data import Batches
from defgan.training.pairs import PairBatches, Shown

if TYPE_CHECKING:
    from defgan.params import Params
    from defgan.training.runtime import Runtime

HELD_OUT_FACES = 64
"""Held-out faces on which errors are followed."""
HELD_OUT_PAIRS = 48
"""And held-out pairs, where pairs are learnt from: they are edits of the scenes' first images."""


class Material(Protocol):
    """What the trainer asks."""

    shown: Faces
    """Held-out faces for the sample sheets."""
    count: int
    """Images, or pairs, to learn from: those of an epoch."""

    def digest(self) -> str:
        """A hash of all that is learnt from."""

    def batches(self, params: Params, runtime: Runtime, warm_up: int, first_changed: int) -> Any:
        """Batches by index; `warm_up` of them come before the first iteration, `first_changed` is an iteration's."""

    def held_out(self, device: torch.device) -> Batch:
        """Held-out faces and what they are to be edited to."""


def split(faces: Faces, method: Method) -> tuple[Faces, pd.DataFrame]:
    """The held-out faces, and the rows of the frame to learn from; without held-out ones all serve as both."""
    usable = faces.frame[method.condition.usable(faces.frame)]
    held_out, learnt = usable[usable["split"] == "val"], usable[usable["split"] != "val"]
    return Faces((held_out if len(held_out) else learnt).reset_index(drop=True), faces.pixels), learnt


def read(method: Method, data: Path = Path("data")) -> Material:
    """What a method learns from, in the pipeline's folder of data. Raises MissingInputError where it is not there."""
    if method.role == PAIRS:
        return PairsMaterial(read_pairs(data / PAIRS))
    return FacesMaterial(read_faces(data / "prepared" / method.role), method)


class FacesMaterial:
    """A prepared role; rows with split "val" are held out."""

    def __init__(self, faces: Faces, method: Method):
        self._method, self._faces = method, faces
        self.shown, self._learnt = split(faces, method)
        self.count = len(self._learnt)

    def digest(self) -> str:
        """Of the usable faces, their AUs and names."""
        digest, rows = hashlib.sha256(np.ascontiguousarray(self._faces.aus)), self._faces.frame["row"].to_numpy()
        digest.update(",".join(self._faces.frame["image_id"]).encode())
        for start in range(0, len(rows), 1024):
            digest.update(np.ascontiguousarray(self._faces.pixels[rows[start : start + 1024]]))
        return digest.hexdigest()

    def batches(self, params: Params, runtime: Runtime, warm_up: int, first_changed: int) -> Batches:
        """Faces, each with the condition of another one as its target."""
        training = self._method.training(params)
        return Batches(
            self._faces.pixels,
            self._learnt["row"].to_numpy(),
            self._method.condition.of(self._learnt),
            training.batch_size,
            params.seed,
            self._method.condition.target_noise,
            training.augment,
            runtime.device,
            runtime.fabric.global_rank,
            runtime.fabric.world_size,
            warm_up + first_changed,
        )

    def held_out(self, device: torch.device) -> Batch:
        """Held-out faces spread evenly; each is to be edited to the condition of another."""
        frame = self.shown.frame.iloc[spread(len(self.shown.frame), HELD_OUT_FACES)]
        images = to_network(torch.from_numpy(self.shown.pixels[frame["row"].to_numpy()])).to(device)
        x = torch.from_numpy(self._method.condition.of(frame)).to(device)
        return Batch(images, x, x.roll(1, dims=0), torch.zeros(len(x), device=device))


class PairsMaterial:
    """Rendered pairs; whole scenes are held out. Without held-out ones all serve as both."""

    def __init__(self, pairs: Pairs):
        self._pairs = pairs
        scenes = np.flatnonzero(pairs.held_out) if pairs.held_out.any() else np.arange(len(pairs.images))
        self._held_out = scenes
        self.count = int((~pairs.held_out).sum()) * len(pairs.order)
        frame = pd.DataFrame(pairs.aus[scenes, 0], columns=list(AU_NAMES))
        frame = frame.assign(subject=scenes, row=np.arange(len(scenes)), expression="neutral")
        self.shown = Faces(frame, pairs.images[scenes, 0])

    def digest(self) -> str:
        """Of images, AUs and flows."""
        digest = hashlib.sha256()
        for part in (self._pairs.images, self._pairs.aus, self._pairs.flows, self._pairs.order, self._pairs.held_out):
            digest.update(np.ascontiguousarray(part))
        return digest.hexdigest()

    def batches(self, params: Params, runtime: Runtime, warm_up: int, first_changed: int) -> PairBatches:
        """Pairs, changed alike from the start."""
        fabric, training = runtime.fabric, params.training
        return PairBatches(
            self._pairs,
            training.batch_size,
            params.seed,
            params.supervised.changes,
            runtime.device,
            fabric.global_rank,
            fabric.world_size,
        )

    def held_out(self, device: torch.device) -> Batch:
        """Edits of the first image of held-out scenes, which is near neutral, spread evenly over scenes and edits."""
        shown = Shown(self._pairs, self._held_out, device)
        edits = np.flatnonzero(self._pairs.order[:, 0] == 0)
        count = min(HELD_OUT_PAIRS, len(self._held_out) * len(edits))
        scenes = np.arange(count) % len(self._held_out)
        chosen = edits[(np.arange(count) + np.arange(count) // len(self._held_out)) % len(edits)]
        return shown.batch(torch.from_numpy(scenes).to(device), torch.from_numpy(chosen).to(device))
