"""StarGAN (Choi et al., CVPR 2018), the second baseline (App. F): edits by the name of an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defgan.fields import Coefficient
from defgan.lazy import LazyModule
from defgan.methods.adversarial import CRITIC_TERMS, AdversarialMethod, BaselineCoefficients, Schedule
from defgan.methods.base import Batch, Edit, Term
from defgan.methods.conditions import EXPRESSION_LABELS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from defgan.methods.model import Model
    from defgan.methods.response import Response
    from defgan.params import Params, ScheduleParams

discriminator = LazyModule("defgan.networks.discriminator")
gan = LazyModule("defgan.methods.gan")
losses = LazyModule("defgan.methods.losses")
repainting = LazyModule("defgan.networks.repainting")

LABEL_TERM = Term(
    "cls_d", "StarGAN's eq. 2", "lambda_cls", lambda v: losses.classification_loss(v.predicted, v.batch.x)
)


class Coefficients(BaselineCoefficients):
    """StarGAN's own hyper-parameters; params.yaml says what each is."""

    lambda_cls: Coefficient
    lambda_rec: Coefficient
    lambda_idt: Coefficient


class StarGAN(AdversarialMethod):
    """Synthesises the whole image for one of RaFD's eight expressions; neither mask nor deformation."""

    name = "stargan"
    label = "StarGAN"
    colour = "#009E73"
    note = "App. F"
    condition = EXPRESSION_LABELS
    role = "rafd"
    block = "stargan"
    Coefficients = Coefficients

    condition_term = LABEL_TERM
    discriminator_terms = (*CRITIC_TERMS, LABEL_TERM)
    generator_terms = (
        Term("critic_g", "eq. 8", "", lambda v: losses.adversarial_loss(v.scores), "critic"),
        Term("cls", "StarGAN's eq. 3", "lambda_cls", lambda v: v.expression_errors[0]),
        Term("rec", "StarGAN's eq. 4", "lambda_rec", lambda v: losses.cycle_loss(v.back[0], v.batch.images)),
        # Not StarGAN's: CycleGAN's identity loss (Zhu et al., 2017, sec. 5.2). A generator that synthesises the whole
        # face has to learn that first.
        Term("idt", "CycleGAN's", "lambda_idt", lambda v: losses.cycle_loss(v.back[1], v.batch.images)),
    )

    def networks(self, channels: int, residual_blocks: int) -> dict[str, nn.Module]:
        """One generator; arguments as DefGAN's."""
        return {"generator": repainting.RepaintingGenerator(len(self.condition.names), channels, residual_blocks)}

    def edit(self, model: Model, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1], y N×8 labels; the present label x is not an input of this method."""
        with model.autocast(images):
            return Edit(model.generator(images, y))

    def discriminator(self, params: Params) -> nn.Module:
        """D without stabilisers: a classifier has to see the patterns that a repainted face is full of.

        Its weights start from torch's own distribution, as in the reference code.
        """
        return discriminator.Discriminator(
            params.image_size, params.training.critic_channels, len(self.condition.names), normal_init=False
        )

    def schedule(self, iteration: int, iterations: int, options: ScheduleParams) -> Schedule:
        """Neutral: the schedule is made for regressors of AUs."""
        return Schedule()

    def warm_up(self, learner: gan.Learner, batch: Batch) -> dict[str, Tensor]:
        """The generator alone, as an autoencoder: it has to learn to synthesise a face before it can edit one."""
        same = learner.model.edit(batch.images, batch.x, batch.x).image
        loss = losses.cycle_loss(same, batch.images)
        # With its later weight: Adam's moments are then of the right size.
        norm = learner.descend_generators(learner.coefficients.lambda_idt * loss)
        return {"idt": loss.detach(), "grad_g": norm}

    def round_trip(self, model: Model, edit: Edit, batch: Batch) -> tuple[Tensor, Tensor]:
        """The way back from the edit, and from the input to itself, in one pass."""
        import torch

        both, own = torch.cat([edit.image, batch.images]), torch.cat([batch.x, batch.x])
        back, same = model.edit(both, torch.cat([batch.y, batch.x]), own).image.chunk(2)
        return back, same

    def expression_errors(
        self, discriminator: gan.Discriminate, model: Model, edit: Edit, batch: Batch, response: Response | None
    ) -> tuple[Tensor, list[Tensor]]:
        """D_c's scores and the cross-entropy of D's labels."""
        return gan.label_errors(discriminator, model, edit.image, batch)


METHOD = StarGAN()
