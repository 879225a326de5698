"""The deformation generator (sec. 3.1.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.networks.blocks import Encoder, conv_norm_relu, init_weights
from defgan.warp import to_grid


class DeformationGenerator(nn.Module):
    """G_Def: (ℐ_x, x, y) → 𝒢 (eq. 4), offset-based with a largest offset (App. D.1).

    Args:
        channels, residual_blocks: as of `defgan.networks.texture.TextureGenerator`.
        max_offset: pixels at 128 px.
        grid_stride: side of the image over side of the field that is predicted, 4 or 2; the rest is bilinear.
    """

    def __init__(self, channels: int, residual_blocks: int, max_offset: float, grid_stride: int = 4):
        super().__init__()
        self.max_offset, self.grid_stride = max_offset, grid_stride
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
        # Training starts near the identity warp.
        nn.init.normal_(self.head.weight, 0.0, 1e-3)

    def forward(self, images: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Images N×3×H×W in [-1, 1], AUs x and y N×17 in [0, 1]; returns the grid, N×H×W×2, fp32."""
        coarse = self.max_offset * torch.tanh(self.head(self.finer(self.encoder(images, x, y))).float())
        offsets = F.interpolate(coarse, scale_factor=self.grid_stride, mode="bilinear", align_corners=False)
        return to_grid(offsets.permute(0, 2, 3, 1))
