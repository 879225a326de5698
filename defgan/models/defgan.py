"""DefGAN, in the order of section 3 of the paper."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from defgan.models.deformation import DeformationGenerator, warp
from defgan.models.edit import Edit
from defgan.models.texture import TextureGenerator, blend
from defgan.params import Params
from defgan.training import losses


class DefGAN(nn.Module):
    """G_Comp = G_Texture ∘ G_Def^W (eq. 1–6).

    Args:
        channels: base width of both generators (paper: 64).
        residual_blocks: of both generators (paper: 6).
        max_offset: largest offset of the grid, pixels at 128 px (paper: 5).
        precision: "bf16-mixed" runs the convolutions in bfloat16, "32-true" in float32.
    """

    def __init__(self, channels: int, residual_blocks: int, max_offset: float, precision: str):
        super().__init__()
        self.bf16 = precision == "bf16-mixed"
        self.deformation = DeformationGenerator(channels, residual_blocks, max_offset)
        self.texture = TextureGenerator(channels, residual_blocks)

    def edit(self, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """ℐ_y = G_Comp(ℐ_x, x, y) (eq. 3); images N×3×H×W in [-1, 1], x and y N×17 in [0, 1]."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            grid = self.deformation(images, x, y)  # eq. 4
            deformed = warp(grid, images)  # eq. 1, 5
            texture, mask = self.texture(deformed, y)
        return Edit(blend(mask, texture, deformed), deformed, grid, mask, texture)  # eq. 2, 6

    def generator_loss(
        self,
        discriminator: nn.Module,
        embed: Callable[[Tensor], Tensor],
        images: Tensor,
        x: Tensor,
        y: Tensor,
        params: Params,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """ℒ_Total^G of eq. 16 and its named terms, unweighted; `embed` is the frozen face embedder of eq. 12."""
        edit = self.edit(images, x, y)
        cycle = self.edit(edit.image, y, x)
        # One pass of D over final and deformed images; D_c reads only the final ones.
        scores, aus = discriminator(torch.cat([edit.image, edit.deformed]))
        aus_final, aus_deformed = aus.chunk(2)
        with torch.no_grad():
            embedding = embed(images)
        terms = {
            "critic_g": losses.adversarial_loss(scores[: len(images)]),  # eq. 8
            "exp_comp": losses.expression_loss(aus_final, y),  # eq. 9
            "exp_def": losses.expression_loss(aus_deformed, y),  # eq. 9
            "cyc": losses.cycle_loss(cycle.image, images),  # eq. 11
            "id": losses.face_identity_loss(embed(edit.deformed), embedding),  # eq. 12
            # Eq. 16 prints L_reg^{G_Def} twice; one of the two stands for this term, which is otherwise missing.
            "comp": losses.composition_loss(cycle.grid, edit.grid),  # eq. 13
            "eye_g": losses.grid_size_loss(edit.grid),  # eq. 14
            "tv_g": losses.grid_variation(edit.grid),  # eq. 14
            "eye_m": losses.mask_size_loss(edit.mask),  # eq. 15
            "tv_m": losses.total_variation(edit.mask),  # eq. 15
        }
        weights = {
            "critic_g": 1.0,
            "exp_comp": losses.au_weight(params.lambda_exp_comp),
            "exp_def": losses.au_weight(params.lambda_exp_def),
            "cyc": params.lambda_cyc,
            "id": params.lambda_id,
            "comp": params.lambda_comp,
            "eye_g": params.lambda_eye_g,
            "tv_g": params.lambda_tv_g,
            "eye_m": params.lambda_eye_m,
            "tv_m": params.lambda_tv_m,
        }
        return losses.weighted_sum(terms, weights), terms
