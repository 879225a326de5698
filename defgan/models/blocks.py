"""The convolutional trunk that all generators share.

It is the generator of GANimation, which is that of StarGAN, CycleGAN and Johnson et al. (2016): App. D.1.
Padding is zero throughout: under reflection padding instance normalisation would erase a condition that
is constant over the image.
"""

import torch
from torch import Tensor, nn


def conv_norm_relu(conv: nn.Module, channels: int) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(channels, affine=True), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            *conv_norm_relu(nn.Conv2d(channels, channels, 3, padding=1, bias=False), channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class Encoder(nn.Sequential):
    """7×7 convolution, two halvings, residual blocks: N×in×H×W → N×4·channels×H/4×W/4."""

    def __init__(self, in_channels: int, channels: int, residual_blocks: int):
        super().__init__(
            *conv_norm_relu(nn.Conv2d(in_channels, channels, 7, padding=3, bias=False), channels),
            *conv_norm_relu(nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False), 2 * channels),
            *conv_norm_relu(nn.Conv2d(2 * channels, 4 * channels, 4, 2, 1, bias=False), 4 * channels),
            *(ResidualBlock(4 * channels) for _ in range(residual_blocks)),
        )


class Decoder(nn.Sequential):
    """Two doublings: N×4·channels×H/4×W/4 → N×channels×H×W."""

    def __init__(self, channels: int):
        super().__init__(
            *conv_norm_relu(nn.ConvTranspose2d(4 * channels, 2 * channels, 4, 2, 1, bias=False), 2 * channels),
            *conv_norm_relu(nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1, bias=False), channels),
        )


def with_maps(images: Tensor, *conditions: Tensor) -> Tensor:
    """Append each condition, N×n, to the images, N×C×H×W, as n constant maps."""
    maps = [c[:, :, None, None].expand(-1, -1, *images.shape[-2:]) for c in conditions]
    return torch.cat([images, *maps], dim=1)


def init_weights(module: nn.Module, std: float = 0.02) -> None:
    """N(0, 0.02) for convolutions, as in the reference code of GANimation."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
