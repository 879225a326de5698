"""DefGAN, in the order of section 3 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from defgan.fields import Coefficient, Deformation, Units, check_grid
from defgan.lazy import LazyModule
from defgan.methods.adversarial import AdversarialCoefficients, AdversarialMethod
from defgan.methods.base import Edit, Term

if TYPE_CHECKING:
    from torch import Tensor, nn

    from defgan.methods.model import Model
    from defgan.params import Params

generators = LazyModule("defgan.networks.deformation")
losses = LazyModule("defgan.methods.losses")
texture = LazyModule("defgan.networks.texture")
warp = LazyModule("defgan.warp")


class Coefficients(AdversarialCoefficients):
    """App. D.2, in the order of the equations; params.yaml says what each is."""

    lambda_exp_comp: Coefficient
    lambda_exp_def: Coefficient
    lambda_exp_d: Coefficient
    lambda_exp_fake: Coefficient
    lambda_cyc: Coefficient
    lambda_id: Coefficient
    lambda_id_comp: Coefficient
    identity_margin: Coefficient
    grid_units: Units
    lambda_comp: Coefficient
    lambda_eye_g: Coefficient
    lambda_tv_g: Coefficient
    lambda_eye_m: Coefficient
    lambda_tv_m: Coefficient
    max_offset: Annotated[float, Field(gt=0)]
    use_deformation: bool
    use_texture: bool
    deformation: Deformation

    @model_validator(mode="after")
    def _the_grid_can_be_the_identity(self) -> Self:
        check_grid(self.deformation, self.max_offset)
        return self


class DefGAN(AdversarialMethod):
    """G_Comp = G_Texture ∘ G_Def^W (eq. 1–6)."""

    name = "defgan"
    label = "DefGAN"
    colour = "#0072B2"
    paper_fid = "3.82"
    rival = "ganimation"
    in_study = True
    deforms = True
    role = "train"
    Coefficients = Coefficients
    mask_remedies = ("lower lambda_eye_m", "raise lambda_eye_m")

    generator_terms = (
        Term("critic_g", "eq. 8", "", lambda v: losses.adversarial_loss(v.scores), "critic"),
        Term("exp_comp", "eq. 9", "lambda_exp_comp", lambda v: v.expression_errors[0], "aus"),
        Term("exp_def", "eq. 9", "lambda_exp_def", lambda v: v.expression_errors[1], "aus"),
        Term("cyc", "eq. 11", "lambda_cyc", lambda v: losses.cycle_loss(v.back.image, v.batch.images)),
        Term("id", "eq. 12", "lambda_id", lambda v: losses.face_identity_loss(*v.identities(v.edit.deformed))),
        # Eq. 16 prints L_reg^{G_Def} twice; one of the two stands for this term, which is otherwise missing.
        Term("comp", "eq. 13", "lambda_comp", lambda v: losses.composition_loss(v.back.grid, v.edit.grid, v.units)),
        Term("eye_g", "eq. 14", "lambda_eye_g", lambda v: losses.grid_size_loss(v.edit.grid, v.units)),
        Term("tv_g", "eq. 14", "lambda_tv_g", lambda v: losses.grid_variation(v.edit.grid, v.units)),
        Term("eye_m", "eq. 15", "lambda_eye_m", lambda v: losses.mask_size_loss(v.edit.mask)),
        Term("tv_m", "eq. 15", "lambda_tv_m", lambda v: losses.total_variation(v.edit.mask)),
        # Not the paper's: the final image has to keep the identity as well, not the deformed one alone.
        Term("id_comp", "eq. 12", "lambda_id_comp", lambda v: losses.face_identity_loss(*v.identities(v.edit.image))),
    )

    def architecture(self, params: Params) -> dict[str, Any]:
        """That of all methods, and DefGAN's own."""
        own = ("max_offset", "use_deformation", "use_texture", "deformation")
        return {**super().architecture(params), **{key: getattr(params, key) for key in own}}

    def networks(
        self,
        channels: int,
        residual_blocks: int,
        max_offset: float,
        use_deformation: bool = True,
        use_texture: bool = True,
        deformation: Deformation = "offset",
        grid_stride: int = 4,
    ) -> dict[str, nn.Module]:
        """G_Def and G_Texture.

        Args:
            channels: base width of both (paper: 64).
            residual_blocks: of both (paper: 6).
            max_offset: largest offset of the grid, pixels at 128 px (paper: 5), or its largest spacing.
            use_deformation: False leaves G_Def out: the grid is the identity.
            use_texture: False leaves G_Texture out: the mask is 0 everywhere.
            deformation, grid_stride: as of `defgan.networks.deformation.DeformationGenerator`; weights that were
                trained before there was a choice have none in their JSON.
        """
        networks: dict[str, nn.Module] = {}
        if use_deformation:
            networks["deformation"] = generators.DeformationGenerator(
                channels, residual_blocks, max_offset, grid_stride, deformation
            )
        if use_texture:
            networks["texture"] = texture.TextureGenerator(channels, residual_blocks)
        return networks

    def edit(self, model: Model, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """ℐ_y = G_Comp(ℐ_x, x, y) (eq. 3); images N×3×H×W in [-1, 1], x and y N×17 in [0, 1]."""
        networks = dict(model.named_children())
        with model.autocast(images):
            if "deformation" in networks:
                grid = networks["deformation"](images, x, y)  # eq. 4
                deformed = warp.warp(grid, images)  # eq. 1, 5
            else:
                grid = warp.identity_grid(*images.shape[2:], images.device).expand(len(images), -1, -1, -1)
                deformed = images
            if "texture" not in networks:
                return Edit(deformed, deformed, grid, deformed.new_zeros(deformed[:, :1].shape), deformed)
            synthesised, mask = networks["texture"](deformed, y)
        return Edit(texture.blend(mask, synthesised, deformed), deformed, grid, mask, synthesised)  # eq. 2, 6

    def expression_images(self, edit: Edit) -> Sequence[Tensor]:
        """Eq. 9 is on both; D_c judges only the final images."""
        return [edit.image, edit.deformed]


METHOD = DefGAN()
