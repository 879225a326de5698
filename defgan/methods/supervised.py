"""What methods share that are shown the truth: rendered pairs teach them. The paper's methods train without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from defgan.fields import Coefficient, Deformation, Positive, Share, Strict, check_grid
from defgan.lazy import LazyModule
from defgan.methods.adversarial import AU_TERM, CRITIC_TERMS
from defgan.methods.base import PAIRS, Edit, Method, Runtime, Term

if TYPE_CHECKING:
    from torch import Tensor, nn

    from defgan.methods.model import Model
    from defgan.methods.supervision import Learner
    from defgan.params import Params, TrainingParams

losses = LazyModule("defgan.methods.losses")
supervision = LazyModule("defgan.methods.supervision")
truth = LazyModule("defgan.methods.truth_losses")
modulated = LazyModule("defgan.networks.modulated")
discriminator = LazyModule("defgan.networks.discriminator")


Conditioning = Literal["maps", "norms"]
Stops = Annotated[float, Field(ge=-4, le=4)]


class PairChanges(Strict):
    """Random changes of pairs, the same for both images, at most this much; the flow is turned along."""

    turn: Annotated[float, Field(ge=0, le=90)]
    zoom: Annotated[float, Field(ge=0, le=0.5)]
    shift: Annotated[float, Field(ge=0, le=0.5)]
    color: Share
    tint: Share
    gamma: Share
    shade: Share
    blur: Share
    noise: Share
    exposure: Annotated[list[Stops], Field(min_length=2, max_length=2)]


class Coefficients(Strict):
    """One block for all of them, so that supervision is equal; params.yaml says what each is."""

    batches: Positive
    learning_rate: Annotated[float, Field(gt=0)]
    max_grad_norm: Coefficient
    lambda_motion: Coefficient
    lambda_deformed: Coefficient
    lambda_final: Coefficient
    lambda_edges: Coefficient
    lambda_mask: Coefficient
    lambda_tv_g: Coefficient
    critic_start: Share
    lambda_critic: Coefficient
    lambda_gp: Coefficient
    lambda_features: Coefficient
    lambda_exp: Coefficient
    lambda_exp_d: Coefficient
    au_jitter: Share
    jitter_both: bool
    conditioning: Conditioning
    deformation: Deformation
    max_offset: Annotated[float, Field(gt=0)]
    grid_stride: Annotated[int, Field(ge=2, le=4, multiple_of=2)]
    changes: PairChanges

    @model_validator(mode="after")
    def _the_grid_can_be_the_identity(self) -> Self:
        check_grid(self.deformation, self.max_offset, "supervised.")
        if self.conditioning == "norms" and (self.deformation, self.grid_stride) != ("offset", 2):
            raise ValueError("supervised.conditioning: norms needs deformation: offset and grid_stride: 2")
        return self


IMAGE_TERMS = (
    Term("final", "ℓ1", "lambda_final", lambda v: truth.image_loss(v.edit.image, v.true.images, v.attention)),
    Term("edges", "ℓ1 of edges", "lambda_edges", lambda v: truth.edge_loss(v.edit.image, v.true.images)),
    Term("mask_size", "eq. 15", "lambda_mask", lambda v: truth.mask_loss(v.edit.mask, v.explained)),
)
MOTION_TERMS = (
    Term("motion", "end-point error", "lambda_motion", lambda v: truth.motion_loss(v.edit.grid, v.true)),
    Term(
        "deformed",
        "ℓ1 where seen",
        "lambda_deformed",
        lambda v: truth.image_loss(v.edit.deformed, v.true.images, v.attention * v.seen),
    ),
    Term("tv_g", "eq. 14", "lambda_tv_g", lambda v: losses.grid_variation(v.edit.grid)),
)
# From `critic_start` on.
CRITIC_GENERATOR_TERMS = (
    Term("critic_g", "eq. 8", "lambda_critic", lambda v: losses.adversarial_loss(v.scores)),
    Term("features", "feature matching", "lambda_features", lambda v: truth.feature_loss(v.features, v.true_features)),
    Term("exp", "eq. 9", "lambda_exp", lambda v: losses.expression_loss(v.predicted, v.batch.y)),
)
DISCRIMINATOR_TERMS = (*CRITIC_TERMS, AU_TERM)


class SupervisedMethod(Method):
    """The generators of another method, its twin, which are shown the true edit of every input."""

    twin: ClassVar[Method]
    """The self-supervised method that edits in the same steps; with `conditioning: maps` its networks are these."""
    note = "by rendered pairs"
    role = PAIRS
    block = "supervised"
    Coefficients = Coefficients
    mask_remedies = ("lower supervised.lambda_mask", "raise supervised.lambda_mask")
    image_terms: ClassVar[tuple[Term, ...]] = IMAGE_TERMS
    """Given the `supervision.Values` of a step."""

    def terms(self) -> tuple[Term, ...]:
        """Those of the discriminator, then those of the generators."""
        return (*DISCRIMINATOR_TERMS, *self.image_terms, *CRITIC_GENERATOR_TERMS)

    def training(self, params: Params) -> TrainingParams:
        """As the others, with the block's own length, rate and clipping."""
        own = {key: getattr(params.supervised, key) for key in ("batches", "learning_rate", "max_grad_norm")}
        return params.training.model_copy(update={**own, "epochs": None})

    def architecture(self, params: Params) -> dict[str, Any]:
        """The twin's; where it has a grid, with the block's own, and without what ablations of the twin leave out."""
        architecture = self.twin.architecture(params) | {"conditioning": params.supervised.conditioning}
        if self.deforms:
            own = ("deformation", "max_offset", "grid_stride")
            architecture |= {key: getattr(params.supervised, key) for key in own}
            architecture |= {"use_deformation": True, "use_texture": True}
        return architecture

    def networks(self, conditioning: Conditioning = "maps", **architecture: Any) -> dict[str, nn.Module]:
        """The twin's where the AUs are maps beside the image; those of `defgan.networks.modulated` for "norms"."""
        if conditioning == "maps":
            return self.twin.networks(**architecture)
        size = {key: architecture[key] for key in ("channels", "residual_blocks")}
        networks: dict[str, nn.Module] = {"texture": modulated.TextureGenerator(**size)}
        if self.deforms:
            networks["deformation"] = modulated.DeformationGenerator(**size, max_offset=architecture["max_offset"])
        return networks

    def edit(self, model: Model, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """The twin's way, on this method's own networks."""
        return self.twin.edit(model, images, x, y)

    def discriminator(self, params: Params) -> nn.Module:
        """D behind its filter, without the other stabilisers: real and edited images are pairs already."""
        return discriminator.Discriminator(params.image_size, params.training.critic_channels, blur=True)

    def learner(self, params: Params, runtime: Runtime) -> Learner:
        """The generators shown the truth; with a critic where `critic_start` is below 1."""
        return supervision.Learner(self, params, runtime)
