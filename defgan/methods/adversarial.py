"""What methods with a discriminator share: their coefficients, the discriminator's terms and how it is stabilised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from defgan.fields import Coefficient, Epochs, Positive, Reduction, Share, Strict
from defgan.lazy import LazyModule
from defgan.methods.base import Batch, Edit, Method, Runtime, Term

if TYPE_CHECKING:
    from torch import Tensor, nn

    from defgan.methods.model import Model
    from defgan.methods.response import Response
    from defgan.params import Params, ScheduleParams, TrainingParams

gan = LazyModule("defgan.methods.gan")
losses = LazyModule("defgan.methods.losses")
discriminator = LazyModule("defgan.networks.discriminator")

# Terms are given the `gan.DiscriminatorValues` of a step.
CRITIC_TERMS = (
    Term("critic_d", "eq. 7", "", lambda v: losses.critic_loss(v.scores_fake, v.scores_real), "critic"),
    Term("gp", "eq. 7", "lambda_gp", lambda v: losses.gradient_penalty(v.gradient_norms), "critic"),
)
# Eq. 18 prints no coefficient for the AU term; GANimation's is taken.
AU_TERM = Term("exp_d", "eq. 10", "lambda_exp_d", lambda v: losses.expression_loss(v.predicted, v.batch.x), "aus")
# Not the paper's: the AU head is also trained to predict the input's AUs on edited images. So it unlearns patterns that
# look like an expression to it and are none; what real expressions look like it cannot unlearn.
FAKE_AU_TERM = Term(
    "exp_fake", "eq. 10", "lambda_exp_fake", lambda v: losses.expression_loss(v.predicted_fake, v.batch.x), "aus"
)


class AdversarialCoefficients(Strict):
    """What every such method has."""

    critic_steps: Positive
    lambda_gp: Coefficient
    critic_reduction: Reduction


class OwnTraining(Strict):
    """What a method does otherwise than `training` says; None: nothing. It has one length, or none."""

    batches: Positive | None
    epochs: Epochs | None
    batch_size: Positive | None
    decay_share: Share | None


class BaselineCoefficients(AdversarialCoefficients):
    """What a baseline's block has besides its own coefficients."""

    training: OwnTraining


@dataclass(frozen=True)
class Schedule:
    """How strict the discriminator is at an iteration: neutral by default."""

    critic_weight: float = 1.0  # of the critic's terms in both totals
    perturbation: float = 0.0  # root mean square of the adversarial perturbation, images in [-1, 1]
    random_blur: bool = False  # whether the discriminator's filter is drawn for each image


class AdversarialMethod(Method):
    """A method that learns from a discriminator D with a critic head D_c and a condition head D_exp (sec. 3.1)."""

    generator_terms: ClassVar[tuple[Term, ...]]
    """Given the `gan.GeneratorValues` of a step."""
    condition_term: ClassVar[Term] = AU_TERM
    """What D_exp learns from real images."""
    discriminator_terms: ClassVar[tuple[Term, ...]] = (*CRITIC_TERMS, AU_TERM, FAKE_AU_TERM)
    """Given the `gan.DiscriminatorValues` of a step."""

    def terms(self) -> tuple[Term, ...]:
        """Those of the discriminator, then those of the generators."""
        return (*self.discriminator_terms, *self.generator_terms)

    def training(self, params: Params) -> TrainingParams:
        """As `training` says, but for what the method's own block says."""
        coefficients = self.coefficients(params)
        if not isinstance(coefficients, BaselineCoefficients):
            return params.training
        own = coefficients.training.model_dump(exclude_none=True)
        if own.keys() & {"batches", "epochs"}:
            own = {"batches": None, "epochs": None} | own
        return params.training.model_copy(update=own)

    def learner(self, params: Params, runtime: Runtime) -> gan.Learner:
        """The generators against a discriminator."""
        return gan.Learner(self, params, runtime)

    def discriminator(self, params: Params) -> nn.Module:
        """A fresh D with the stabilisers of `params.training`; draws from torch's global generator."""
        training = params.training
        return discriminator.Discriminator(
            params.image_size,
            training.critic_channels,
            len(self.condition.names),
            training.instance_noise,
            training.critic_color_change,
            training.critic_blur,
        )

    def schedule(self, iteration: int, iterations: int, options: ScheduleParams) -> Schedule:
        """What holds at an iteration: all switch on at `start`; the perturbation then ramps up linearly to the end."""
        first = options.start * iterations
        if iteration < first:
            return Schedule()
        share = (iteration + 1 - first) / (iterations - first)
        return Schedule(options.critic_weight, share * options.perturbation, True)

    def warm_up(self, learner: gan.Learner, batch: Batch) -> dict[str, Tensor]:
        """A step before the first iteration: D_exp alone, on real images. The generators learn from it."""
        return learner.warm_up_condition_head(batch)

    def expression_images(self, edit: Edit) -> Sequence[Tensor]:
        """The images whose expression D judges, the final one first."""
        return [edit.image]

    def round_trip(self, model: Model, edit: Edit, batch: Batch) -> Any:
        """The way back from an edit to the input's condition."""
        return model.edit(edit.image, batch.y, batch.x)

    def expression_errors(
        self, discriminator: gan.Discriminate, model: Model, edit: Edit, batch: Batch, response: Response | None
    ) -> tuple[Tensor, list[Tensor]]:
        """D_c's scores of the final images, and the expression loss of each of `expression_images`."""
        return gan.au_errors(discriminator, model, self.expression_images(edit), batch, response)
