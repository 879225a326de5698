"""The deformation generator (sec. 3.1.1)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.fields import Deformation
from defgan.networks.blocks import Encoder, conv_norm_relu, init_weights
from defgan.warp import from_spacing, to_grid


def bounded_offsets(features: Tensor, largest: float) -> Tensor:
    """Offsets in ±`largest`, pixels at 128 px; 0 where the features are 0."""
    return largest * torch.tanh(features)


def bounded_spacing(features: Tensor, largest: float) -> Tensor:
    """Spacings for `from_spacing`, above 0 and below `largest` / 2; 1 where the features are 0.

    In Deforming Autoencoders [26] a spacing is sigmoid × 5 / size in [-1, 1], where two pixels are 2 / size apart.
    """
    return largest / 2 * torch.sigmoid(features - math.log(largest / 2 - 1))


class DeformationGenerator(nn.Module):
    """G_Def: (ℐ_x, x, y) → 𝒢 (eq. 4), "offset-based" with a maximum of 5 pixels: docs/readings.md has both readings.

    Args:
        channels, residual_blocks: as of `defgan.networks.texture.TextureGenerator`.
        max_offset: of "offset" the largest offset, pixels at 128 px; of "spacing" the largest spacing, in halves of a
            pixel, above 2.
        grid_stride: side of the image over side of the field that is predicted, 4 or 2; the rest is bilinear.
        deformation: what the field is: each position's "offset", or the "spacing" of neighbours, which is summed up.
    """

    def __init__(
        self,
        channels: int,
        residual_blocks: int,
        max_offset: float,
        grid_stride: int = 4,
        deformation: Deformation = "offset",
    ):
        super().__init__()
        self.max_offset, self.grid_stride, self.deformation = max_offset, grid_stride, deformation
        self.encoder = Encoder(3 + 2 * N_AUS, channels, residual_blocks)
        # The paper replaces the trunk's last three convolutions by bilinear upsampling without saying what maps
        # features to offsets: one convolution at a quarter of the resolution, which makes the field smooth. Lids and
        # brows are finer than that: a stride of 2 doubles the resolution once.
        width, finer = 4 * channels, []
        if grid_stride == 2:
            width = 2 * channels
            finer = conv_norm_relu(nn.ConvTranspose2d(4 * channels, width, 4, 2, 1, bias=False), width)
        self.finer = nn.Sequential(*finer)
        self.head = nn.Conv2d(width, 2, 7, padding=3, bias=False)
        init_weights(self)
        # Small offsets at the start: 1.3 px at full width (root mean square, at 128 px). Small spacings would sum up to
        # many pixels: all of them start as 1.
        nn.init.normal_(self.head.weight, 0.0, 1e-3 if deformation == "offset" else 0.0)

    def forward(self, images: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Images N×3×H×W in [-1, 1], AUs x and y N×17 in [0, 1]; returns the grid, N×H×W×2, fp32."""
        bounded = bounded_offsets if self.deformation == "offset" else bounded_spacing
        coarse = bounded(self.head(self.finer(self.encoder(images, x, y))).float(), self.max_offset)
        field = F.interpolate(coarse, scale_factor=self.grid_stride, mode="bilinear", align_corners=False)
        return (to_grid if self.deformation == "offset" else from_spacing)(field.permute(0, 2, 3, 1))
