"""What the trainer and the later stages ask of every model."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from defgan.facs import AU_NAMES
from defgan.models.edit import Edit
from defgan.training import losses
from defgan.training.data import Batch
from defgan.training.response import Response


class EditingModel(nn.Module, ABC):
    """A generator of edits under a condition: here the AU vector; a model with another condition overrides these.

    Args:
        precision: "bf16-mixed" runs the generators' convolutions in bfloat16, "32-true" in float32.
    """

    def __init__(self, precision: str):
        super().__init__()
        self.bf16 = precision == "bf16-mixed"

    def autocast(self, images: Tensor) -> torch.autocast:
        return torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16)

    @staticmethod
    def conditions(frame: pd.DataFrame) -> np.ndarray:
        """The condition of each row of a faces table (x) or of a plan (y), float32 of shape N×17 in [0, 1]."""
        return np.array(frame[list(AU_NAMES)], np.float32)  # a copy: pandas hands out read-only views

    @abstractmethod
    def edit(self, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1] of condition x to condition y, both N×n."""


class TrainableModel(EditingModel):
    """A model with generators to train against a discriminator."""

    ROLE = "train"
    """The prepared role that the model learns from."""
    CONDITIONS: tuple[str, ...] = AU_NAMES
    """Names of the condition's components, those that the discriminator's second head predicts."""
    TARGET_NOISE = 0.1
    """Half-width of the uniform noise that the reference code of GANimation adds to a target's AUs."""
    NORMAL_INIT = True
    """Whether the discriminator's weights start from N(0, 0.02)."""
    HELPED_CRITIC = True
    """Whether D gets noise, random colours, a filter and hardening, against what a regressor of AUs misreads."""
    REPAINTS = False
    """Whether it paints the whole image anew, where others begin with their input."""
    MASK_REMEDIES = ("", "")
    """What to change where the mask stays empty, and where it stays full."""

    @staticmethod
    def usable(frame: pd.DataFrame) -> np.ndarray:
        """Which rows of a faces table the model can learn from, bool (N,)."""
        return np.ones(len(frame), bool)

    @staticmethod
    def condition_term(predicted: Tensor, wanted: Tensor, coefficients: Any) -> tuple[str, Tensor, float]:
        """Eq. 10: the name, the value and the weight of what D learns of the condition of real images."""
        return "exp_d", losses.expression_loss(predicted, wanted), losses.au_weight(coefficients.lambda_exp_d)

    @staticmethod
    def condition_error(predicted: Tensor, wanted: Tensor) -> Tensor:
        """How far a prediction of D is off, one number per image, (N,): the mean absolute AU error."""
        return (predicted - wanted).abs().mean(dim=1)

    def judge(
        self, discriminator: nn.Module, images: list[Tensor], batch: Batch, response: Response | None
    ) -> tuple[Tensor, list[Tensor]]:
        """D_c's scores of the first of the batch's edits, and of each the expression loss of eq. 9.

        One pass of D over all. With a `response` the losses are those on changes, and D reads the inputs too.
        """
        seen = images if response is None else [*images, batch.images]
        with self.autocast(batch.images):
            scores, aus = discriminator(torch.cat(seen), 1 if response is None else len(seen))
        readings = aus.chunk(len(seen))
        if response is None:
            errors = [losses.expression_loss(reading, batch.y) for reading in readings]
        else:
            *readings, before = readings
            change, matrix = batch.y - batch.x, response.matrix()
            errors = [losses.change_loss(before.detach(), reading, change, matrix) for reading in readings]
        return scores[: len(batch.images)], errors

    @abstractmethod
    def generator_loss(
        self,
        discriminator: nn.Module,
        embed: Callable[[Tensor], Tensor] | None,
        edit: Edit,
        batch: Batch,
        coefficients: Any,
        critic_weight: float = 1.0,
        response: Response | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The generators' total loss and its named terms, unweighted; `edit` is that of the batch from x to y.

        `critic_weight` is that of the critic's term, which no paper gives another weight than 1. With a `response` the
        expression losses are on changes of D_exp's reading, where the model has such losses.
        """
