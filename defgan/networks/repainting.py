"""StarGAN's generator: it synthesises the whole image anew."""

import torch
from torch import Tensor, nn

from defgan.networks.blocks import Decoder, Encoder


class RepaintingGenerator(nn.Module):
    """(image, condition) → image.

    Args:
        conditions: number n of the condition's components.
        channels, residual_blocks: as of `defgan.networks.texture.TextureGenerator`.
    """

    def __init__(self, conditions: int, channels: int, residual_blocks: int):
        super().__init__()
        self.trunk = nn.Sequential(Encoder(3 + conditions, channels, residual_blocks), Decoder(channels))
        self.image_head = nn.Conv2d(channels, 3, 7, padding=3, bias=False)

    def forward(self, images: Tensor, y: Tensor) -> Tensor:
        """Images N×3×H×W in [-1, 1], conditions N×n; returns N×3×H×W in [-1, 1], fp32."""
        encoder, decoder = self.trunk
        return torch.tanh(self.image_head(decoder(encoder(images, y)))).float()
