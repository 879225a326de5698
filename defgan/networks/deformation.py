"""The deformation generator (sec. 3.1.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.networks.blocks import Encoder, init_weights
from defgan.warp import to_grid


class DeformationGenerator(nn.Module):
    """G_Def: (ℐ_x, x, y) → 𝒢 (eq. 4), offset-based with a largest offset (App. D.1)."""

    def __init__(self, channels: int, residual_blocks: int, max_offset: float):
        super().__init__()
        self.max_offset = max_offset
        self.encoder = Encoder(3 + 2 * N_AUS, channels, residual_blocks)
        # The paper replaces the trunk's last three convolutions by bilinear upsampling without saying what maps
        # features to offsets: one convolution at a quarter of the resolution, which makes the field smooth.
        self.head = nn.Conv2d(4 * channels, 2, 7, padding=3, bias=False)
        init_weights(self)
        # Training starts near the identity warp.
        nn.init.normal_(self.head.weight, 0.0, 1e-3)

    def forward(self, images: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Images N×3×H×W in [-1, 1], AUs x and y N×17 in [0, 1]; returns the grid, N×H×W×2, fp32."""
        coarse = self.max_offset * torch.tanh(self.head(self.encoder(images, x, y)).float())
        offsets = F.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=False)
        return to_grid(offsets.permute(0, 2, 3, 1))
