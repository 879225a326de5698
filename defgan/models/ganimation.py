"""GANimation (Pumarola et al., ECCV 2018), the paper's baseline."""

from collections.abc import Callable

from torch import Tensor, nn

from defgan.models.base import TrainableModel
from defgan.models.edit import Edit
from defgan.models.texture import TextureGenerator, blend
from defgan.params import GANimationParams
from defgan.training import losses
from defgan.training.data import Batch
from defgan.training.response import Response


class GANimation(TrainableModel):
    """Paints a texture under a mask on the input itself; there is no deformation.

    Args: as `DefGAN`, without a largest offset.
    """

    # Its own penalty is on 1 − ℳ.
    MASK_REMEDIES = (
        "lower ganimation.lambda_eye_m or raise ganimation.lambda_mask",
        "raise ganimation.lambda_eye_m or lower ganimation.lambda_mask",
    )

    def __init__(self, channels: int, residual_blocks: int, precision: str):
        super().__init__(precision)
        self.texture = TextureGenerator(channels, residual_blocks)

    def edit(self, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1], y N×17 in [0, 1]; the present AUs x are not an input of this method."""
        with self.autocast(images):
            texture, mask = self.texture(images, y)
        return Edit(blend(mask, texture, images), mask=mask, texture=texture)

    def generator_loss(
        self,
        discriminator: nn.Module,
        embed: Callable[[Tensor], Tensor] | None,
        edit: Edit,
        batch: Batch,
        coefficients: GANimationParams,
        critic_weight: float = 1.0,
        response: Response | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The published total loss, its terms, unweighted; without an identity term `embed` is unused.

        GANimation's attention A keeps the input where it is 1, so A = 1 − ℳ: its penalty works against copying.
        As in its reference code, the mask terms are taken on the edit and on the way back.
        """
        cycle = self.edit(edit.image, batch.y, batch.x)
        scores, [error] = self.judge(discriminator, [edit.image], batch, response)
        terms = {
            "critic_g": losses.adversarial_loss(scores),
            "exp": error,
            "cyc": losses.cycle_loss(cycle.image, batch.images),
            "mask": (1 - edit.mask).mean() + (1 - cycle.mask).mean(),
            "tv": losses.total_variation(edit.mask) + losses.total_variation(cycle.mask),
            # Not GANimation's: DefGAN's eq. 15, so that the baseline can have what DefGAN has against too much paint.
            "eye_m": losses.mask_size_loss(edit.mask),
        }
        weights = {
            "critic_g": critic_weight,
            "exp": losses.au_weight(coefficients.lambda_exp),
            "cyc": coefficients.lambda_cyc,
            "mask": coefficients.lambda_mask,
            "tv": coefficients.lambda_tv,
            "eye_m": coefficients.lambda_eye_m,
        }
        return losses.weighted_sum(terms, weights), terms
