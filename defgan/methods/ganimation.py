"""GANimation (Pumarola et al., ECCV 2018), the paper's baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from defgan.fields import Coefficient
from defgan.lazy import LazyModule
from defgan.methods.adversarial import AdversarialMethod, BaselineCoefficients
from defgan.methods.base import Edit, Term

if TYPE_CHECKING:
    from torch import Tensor, nn

    from defgan.methods.gan import GeneratorValues
    from defgan.methods.model import Model

losses = LazyModule("defgan.methods.losses")
texture = LazyModule("defgan.networks.texture")


class Coefficients(BaselineCoefficients):
    """GANimation's own hyper-parameters; params.yaml says what each is."""

    lambda_exp: Coefficient
    lambda_exp_d: Coefficient
    lambda_exp_fake: Coefficient
    lambda_cyc: Coefficient
    lambda_mask: Coefficient
    lambda_tv: Coefficient
    mask_variation: Literal["squared", "absolute"]
    lambda_eye_m: Coefficient


def smoothness(values: GeneratorValues) -> Tensor:
    """The total variation of the masks of the edit and of the way back: GANimation's own, or that of eq. 15."""
    own = values.coefficients.mask_variation == "absolute"
    variation = losses.absolute_variation if own else losses.total_variation
    return variation(values.edit.mask) + variation(values.back.mask)


class GANimation(AdversarialMethod):
    """Synthesises a texture under a mask on the input itself; there is no deformation.

    GANimation's attention A keeps the input where it is 1, so A = 1 − ℳ: its penalty works against copying. As in its
    reference code, the mask terms are taken on the edit and on the way back.
    """

    name = "ganimation"
    label = "GANimation"
    colour = "#D55E00"
    paper_fid = "4.75"
    in_study = True
    role = "train"
    block = "ganimation"
    Coefficients = Coefficients
    mask_remedies = (
        "lower ganimation.lambda_eye_m or raise ganimation.lambda_mask",
        "raise ganimation.lambda_eye_m or lower ganimation.lambda_mask",
    )

    generator_terms = (
        Term("critic_g", "eq. 8", "", lambda v: losses.adversarial_loss(v.scores), "critic"),
        Term("exp", "eq. 9", "lambda_exp", lambda v: v.expression_errors[0], "aus"),
        Term("cyc", "eq. 11", "lambda_cyc", lambda v: losses.cycle_loss(v.back.image, v.batch.images)),
        Term("mask", "GANimation", "lambda_mask", lambda v: (1 - v.edit.mask).mean() + (1 - v.back.mask).mean()),
        Term("tv", "GANimation", "lambda_tv", smoothness),
        # Not GANimation's: DefGAN's eq. 15, so that the baseline can have what DefGAN has against too large a mask.
        Term("eye_m", "eq. 15", "lambda_eye_m", lambda v: losses.mask_size_loss(v.edit.mask)),
    )

    def networks(self, channels: int, residual_blocks: int) -> dict[str, nn.Module]:
        """G_Texture; arguments as DefGAN's."""
        return {"texture": texture.TextureGenerator(channels, residual_blocks)}

    def edit(self, model: Model, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1], y N×17 in [0, 1]; the present AUs x are not an input of this method."""
        with model.autocast(images):
            synthesised, mask = model.texture(images, y)
        return Edit(texture.blend(mask, synthesised, images), mask=mask, texture=synthesised)


METHOD = GANimation()
