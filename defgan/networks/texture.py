"""Texture editing (sec. 3.1.2): a generator that synthesises a texture and a mask.

GANimation's generator is the same network. It works on the input, DefGAN's on the deformed input.
"""

import torch
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.networks.blocks import Decoder, Encoder, init_weights


class TextureGenerator(nn.Module):
    """G_Texture*: (image, y) → texture 𝒯 and mask ℳ (eq. 6)."""

    def __init__(self, channels: int, residual_blocks: int):
        super().__init__()
        self.trunk = nn.Sequential(Encoder(3 + N_AUS, channels, residual_blocks), Decoder(channels))
        self.texture_head = nn.Conv2d(channels, 3, 7, padding=3, bias=False)
        self.mask_head = nn.Conv2d(channels, 1, 7, padding=3, bias=False)
        init_weights(self)

    def forward(self, images: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images N×3×H×W in [-1, 1], y N×17; returns 𝒯 N×3×H×W in [-1, 1] and ℳ N×1×H×W in [0, 1]."""
        encoder, decoder = self.trunk
        features = decoder(encoder(images, y))
        return torch.tanh(self.texture_head(features)).float(), torch.sigmoid(self.mask_head(features)).float()


def blend(mask: Tensor, texture: Tensor, images: Tensor) -> Tensor:
    """ℳ ⊙ 𝒯 + (1 − ℳ) ⊙ ℐ (eq. 6): a mask of 0 returns the images."""
    return mask * texture + (1 - mask) * images
