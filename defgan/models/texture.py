"""Texture editing (sec. 3.1.2): a generator that paints under a mask.

GANimation's generator is the same network; it paints on the input where DefGAN paints on the deformed input.
"""

import torch
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.models.blocks import Decoder, Encoder, init_weights, with_maps


class TextureGenerator(nn.Module):
    """G_Texture*: (image, y) → texture 𝒯 and mask ℳ (eq. 6).

    Args:
        channels: base width (paper: 64).
        residual_blocks: (paper: 6).
        mask_bias: added before the mask's sigmoid (paper: 0). A negative one starts training from a mask near 0,
            that is from the input kept, as the deformation's small first weights start it from the identity warp.
    """

    def __init__(self, channels: int, residual_blocks: int, mask_bias: float = 0.0):
        super().__init__()
        self.mask_bias = mask_bias
        self.trunk = nn.Sequential(Encoder(3 + N_AUS, channels, residual_blocks), Decoder(channels))
        self.texture_head = nn.Conv2d(channels, 3, 7, padding=3, bias=False)
        self.mask_head = nn.Conv2d(channels, 1, 7, padding=3, bias=False)
        init_weights(self)

    def forward(self, images: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images N×3×H×W in [-1, 1], y N×17; returns 𝒯 N×3×H×W in [-1, 1] and ℳ N×1×H×W in [0, 1]."""
        features = self.trunk(with_maps(images, y))
        mask = torch.sigmoid(self.mask_head(features).float() + self.mask_bias)
        return torch.tanh(self.texture_head(features)).float(), mask


def blend(mask: Tensor, texture: Tensor, images: Tensor) -> Tensor:
    """ℳ ⊙ 𝒯 + (1 − ℳ) ⊙ ℐ (eq. 6): a mask of 0 returns the images."""
    return mask * texture + (1 - mask) * images
