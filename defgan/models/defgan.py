"""DefGAN, in the order of section 3 of the paper."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from defgan.models.base import TrainableModel
from defgan.models.deformation import DeformationGenerator, identity_grid, warp
from defgan.models.edit import Edit
from defgan.models.texture import TextureGenerator, blend
from defgan.params import Params
from defgan.training import losses
from defgan.training.data import Batch
from defgan.training.response import Response


class DefGAN(TrainableModel):
    """G_Comp = G_Texture ∘ G_Def^W (eq. 1–6).

    Args:
        channels: base width of both generators (paper: 64).
        residual_blocks: of both generators (paper: 6).
        max_offset: largest offset of the grid, pixels at 128 px (paper: 5).
        precision: as in `TrainableModel`.
        use_deformation: False leaves G_Def out: the grid is the identity.
        use_texture: False leaves G_Texture out: the mask is 0 everywhere.
    """

    MASK_REMEDIES = ("lower lambda_eye_m", "raise lambda_eye_m")

    def __init__(
        self,
        channels: int,
        residual_blocks: int,
        max_offset: float,
        precision: str,
        use_deformation: bool = True,
        use_texture: bool = True,
    ):
        super().__init__(precision)
        self.deformation = DeformationGenerator(channels, residual_blocks, max_offset) if use_deformation else None
        self.texture = TextureGenerator(channels, residual_blocks) if use_texture else None

    def edit(self, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """ℐ_y = G_Comp(ℐ_x, x, y) (eq. 3); images N×3×H×W in [-1, 1], x and y N×17 in [0, 1]."""
        with self.autocast(images):
            if self.deformation is None:
                grid = identity_grid(*images.shape[2:], images.device).expand(len(images), -1, -1, -1)
                deformed = images
            else:
                grid = self.deformation(images, x, y)  # eq. 4
                deformed = warp(grid, images)  # eq. 1, 5
            if self.texture is None:
                return Edit(deformed, deformed, grid, torch.zeros_like(deformed[:, :1]), deformed)
            texture, mask = self.texture(deformed, y)
        return Edit(blend(mask, texture, deformed), deformed, grid, mask, texture)  # eq. 2, 6

    def generator_loss(
        self,
        discriminator: nn.Module,
        embed: Callable[[Tensor], Tensor] | None,
        edit: Edit,
        batch: Batch,
        coefficients: Params,
        critic_weight: float = 1.0,
        response: Response | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """ℒ_Total^G of eq. 16 and its named terms, unweighted; `embed` is the frozen face embedder of eq. 12.

        Without it, which `lambda_id` and `lambda_id_comp` 0 ask for, eq. 12 is not computed, and its term is 0.
        """
        cycle = self.edit(edit.image, batch.y, batch.x)
        # D_c judges only the final images.
        scores, (error_final, error_deformed) = self.judge(discriminator, [edit.image, edit.deformed], batch, response)
        identity, margin = scores.new_zeros(()), None
        if coefficients.identity_margin:
            # Not the paper's: the more is asked for, the more it may cost.
            margin = coefficients.identity_margin * (batch.y - batch.x).square().sum(1)
        if embed is not None:
            with torch.no_grad():
                embedding = embed(batch.images)
            identity = losses.face_identity_loss(embed(edit.deformed), embedding, margin)
        terms = {
            "critic_g": losses.adversarial_loss(scores),  # eq. 8
            "exp_comp": error_final,  # eq. 9
            "exp_def": error_deformed,  # eq. 9
            "cyc": losses.cycle_loss(cycle.image, batch.images),  # eq. 11
            "id": identity,  # eq. 12
            # Eq. 16 prints L_reg^{G_Def} twice; one of the two stands for this term, which is otherwise missing.
            "comp": losses.composition_loss(cycle.grid, edit.grid),  # eq. 13
            "eye_g": losses.grid_size_loss(edit.grid),  # eq. 14
            "tv_g": losses.grid_variation(edit.grid),  # eq. 14
            "eye_m": losses.mask_size_loss(edit.mask),  # eq. 15
            "tv_m": losses.total_variation(edit.mask),  # eq. 15
        }
        weights = {
            "critic_g": critic_weight,
            "exp_comp": losses.au_weight(coefficients.lambda_exp_comp),
            "exp_def": losses.au_weight(coefficients.lambda_exp_def),
            "cyc": coefficients.lambda_cyc,
            "id": coefficients.lambda_id,
            "comp": coefficients.lambda_comp,
            "eye_g": coefficients.lambda_eye_g,
            "tv_g": coefficients.lambda_tv_g,
            "eye_m": coefficients.lambda_eye_m,
            "tv_m": coefficients.lambda_tv_m,
        }
        if coefficients.lambda_id_comp:
            # Not the paper's: the texture is held to the identity as well, where it would paint what the warp may not.
            terms["id_comp"] = losses.face_identity_loss(embed(edit.image), embedding, margin)
            weights["id_comp"] = coefficients.lambda_id_comp
        return losses.weighted_sum(terms, weights), terms
