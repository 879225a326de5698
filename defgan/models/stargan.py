"""StarGAN (Choi et al., CVPR 2018), the second baseline (App. F): edits by the name of an expression."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from defgan.facs import RAFD_EXPRESSIONS
from defgan.models.base import TrainableModel
from defgan.models.blocks import Decoder, Encoder
from defgan.models.edit import Edit
from defgan.params import StarGANParams
from defgan.training import losses
from defgan.training.data import Batch
from defgan.training.response import Response


class StarGAN(TrainableModel):
    """Repaints the whole image for one of RaFD's eight expressions; neither mask nor deformation.

    Args: as `GANimation`.
    """

    ROLE = "rafd"
    CONDITIONS = RAFD_EXPRESSIONS
    TARGET_NOISE = 0.0  # labels are drawn as they are
    NORMAL_INIT = False  # its reference code leaves torch's own
    HELPED_CRITIC = False  # a classifier, and it has to see the patterns that a repainted face is full of
    REPAINTS = True

    def __init__(self, channels: int, residual_blocks: int, precision: str):
        super().__init__(precision)
        conditions = len(self.CONDITIONS)
        self.trunk = nn.Sequential(Encoder(3 + conditions, channels, residual_blocks), Decoder(channels))
        self.image_head = nn.Conv2d(channels, 3, 7, padding=3, bias=False)

    @staticmethod
    def usable(frame: pd.DataFrame) -> np.ndarray:
        """The rows whose expression is known."""
        return frame["expression"].isin(RAFD_EXPRESSIONS).to_numpy()

    @staticmethod
    def conditions(frame: pd.DataFrame) -> np.ndarray:
        """Expressions to one-hot labels, float32 N×8; a plan's α mixes them with neutral; zeros where unknown."""
        labels = frame["expression"].to_numpy()[:, None] == np.array(RAFD_EXPRESSIONS)
        if "alpha" not in frame:
            return labels.astype(np.float32)
        alpha = frame["alpha"].to_numpy()[:, None]
        return (alpha * labels + (1 - alpha) * (np.array(RAFD_EXPRESSIONS) == "neutral")).astype(np.float32)

    @staticmethod
    def condition_term(predicted: Tensor, wanted: Tensor, coefficients: StarGANParams) -> tuple[str, Tensor, float]:
        """Its eq. 2: the classification loss of D on real images."""
        return "cls_d", losses.classification_loss(predicted, wanted), coefficients.lambda_cls

    @staticmethod
    def condition_error(predicted: Tensor, wanted: Tensor) -> Tensor:
        """1 where the most likely expression is a wrong one, else 0, (N,)."""
        return (predicted.argmax(dim=1) != wanted.argmax(dim=1)).float()

    def edit(self, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1], y N×8 labels; the present label x is not an input of this method."""
        with self.autocast(images):
            encoder, decoder = self.trunk
            painted = torch.tanh(self.image_head(decoder(encoder(images, y))))
        return Edit(painted.float())

    def generator_loss(
        self,
        discriminator: nn.Module,
        embed: Callable[[Tensor], Tensor] | None,
        edit: Edit,
        batch: Batch,
        coefficients: StarGANParams,
        critic_weight: float = 1.0,
        response: Response | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Its eq. 6, the terms, unweighted. Without identity term and AUs, `embed` and `response` are unused."""
        # The way back from the edit, and from the input to itself, in one pass.
        both, own = torch.cat([edit.image, batch.images]), torch.cat([batch.x, batch.x])
        back, same = self.edit(both, torch.cat([batch.y, batch.x]), own).image.chunk(2)
        with self.autocast(batch.images):
            scores, labels = discriminator(edit.image)
        terms = {
            "critic_g": losses.adversarial_loss(scores),
            "cls": losses.classification_loss(labels, batch.y),
            "rec": losses.cycle_loss(back, batch.images),
            # Not StarGAN's: CycleGAN's identity loss (Zhu et al., 2017, sec. 5.2). What repaints a whole face has to
            # learn first of all to paint one.
            "idt": losses.cycle_loss(same, batch.images),
        }
        weights = {
            "critic_g": critic_weight,
            "cls": coefficients.lambda_cls,
            "rec": coefficients.lambda_rec,
            "idt": coefficients.lambda_idt,
        }
        return losses.weighted_sum(terms, weights), terms
