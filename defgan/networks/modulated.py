"""Generators for photographs, with more than the paper's: the AUs steer every layer, and detail reaches the output.

The paper's generators (`defgan.networks.blocks`) append the AUs to the image as constant maps. The instance norm behind
the first convolution removes what is constant but at the border, where the padding is zero: the AUs have to travel
from there across the face. It also removes how bright the photograph is. Here the AUs, with the mean colour of the face
and its standard deviations, scale and shift the features of every norm (adaptive instance normalisation: Huang &
Belongie, 2017). The texture's decoder also sees the encoder's features at each resolution (U-Net: Ronneberger et al.,
2015), and at the end the image itself.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.networks.blocks import compiled_normalise, compiles, init_weights
from defgan.networks.deformation import bounded_offsets
from defgan.warp import to_grid

CODE = 128
"""Numbers that steer the norms of a network."""
SPREAD = 4.0
"""Factor of the conditions before they become a code."""
_STATISTICS = 6
_EPS = 1e-5  # of variances; the root of 0 has no gradient
_STEER = 1.0  # standard deviation of the scales and shifts at the start


class Code(nn.Module):
    """Image N×3×H×W in [-1, 1] and conditions N×n in [0, 1] → N×CODE: what steers the norms.

    The image's means and standard deviations are those of the middle of the crop: of the face, not of the background.
    """

    def __init__(self, conditions: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(conditions + _STATISTICS, CODE), nn.SiLU(), nn.Linear(CODE, CODE), nn.SiLU()
        )  # fmt: skip
        for layer in self.layers[::2]:
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor, *conditions: Tensor) -> Tensor:
        height, width = images.shape[2:]
        face = images[..., height // 4 : height * 7 // 8, width // 4 : width * 3 // 4].float()
        variance, mean = torch.var_mean(face, (2, 3), correction=0)
        # Most AUs are near 0: scaled up, they differ by about 1.
        return self.layers(torch.cat([SPREAD * torch.cat(conditions, dim=1), mean, (variance + _EPS).sqrt()], dim=1))


class ModulatedNorm2d(nn.Module):
    """Instance normalisation of N×C×H×W whose scale and shift, N×C, are linear in a code, N×CODE."""

    eps = 1e-5

    def __init__(self, channels: int):
        super().__init__()
        self.steer = nn.Linear(CODE, 2 * channels)
        nn.init.normal_(self.steer.weight, 0.0, _STEER / math.sqrt(CODE))
        nn.init.zeros_(self.steer.bias)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        change, shift = self.steer(code).float().chunk(2, dim=1)
        scale = 1 + change
        if self.training and compiles(features):
            return compiled_normalise()(features, scale, shift, self.eps)
        normal = F.instance_norm(features, eps=self.eps)
        return (normal * scale[..., None, None] + shift[..., None, None]).to(features.dtype)


class Layer(nn.Module):
    """A convolution, its steered norm, and ReLU where it is asked for."""

    def __init__(self, conv: nn.Module, active: bool = True):
        super().__init__()
        self.conv, self.norm, self.active = conv, ModulatedNorm2d(conv.out_channels), active

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        features = self.norm(self.conv(features), code)
        return F.relu(features) if self.active else features


class ResidualBlock(nn.Module):
    """As the paper's, with steered norms."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = Layer(nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        self.second = Layer(nn.Conv2d(channels, channels, 3, padding=1, bias=False), active=False)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return features + self.second(self.first(features, code), code)


class Encoder(nn.Module):
    """7×7 convolution, two halvings, residual blocks: N×3×H×W → features at H, H/2 and H/4, the finest first.

    They have `channels`, 2·`channels` and 4·`channels` channels.
    """

    def __init__(self, channels: int, residual_blocks: int):
        super().__init__()
        self.at_full = Layer(nn.Conv2d(3, channels, 7, padding=3, bias=False))
        self.at_half = Layer(nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False))
        self.at_quarter = Layer(nn.Conv2d(2 * channels, 4 * channels, 4, 2, 1, bias=False))
        self.blocks = nn.ModuleList(ResidualBlock(4 * channels) for _ in range(residual_blocks))

    def forward(self, images: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        full = self.at_full(images, code)
        half = self.at_half(full, code)
        deep = self.at_quarter(half, code)
        for block in self.blocks:
            deep = block(deep, code)
        return full, half, deep


class DeformationGenerator(nn.Module):
    """G_Def: (ℐ_x, x, y) → 𝒢, as `defgan.networks.deformation.DeformationGenerator` of offsets at half the resolution.

    Args:
        channels, residual_blocks: as of `TextureGenerator`.
        max_offset: the largest offset, pixels at 128 px.
    """

    def __init__(self, channels: int, residual_blocks: int, max_offset: float):
        super().__init__()
        self.max_offset = max_offset
        self.code = Code(2 * N_AUS)
        self.encoder = Encoder(channels, residual_blocks)
        self.finer = Layer(nn.ConvTranspose2d(4 * channels, 2 * channels, 4, 2, 1, bias=False))
        # No features of the encoder here: texture of the skin would move with them, and motion is smooth.
        self.head = nn.Conv2d(2 * channels, 2, 7, padding=3, bias=False)
        init_weights(self)
        nn.init.normal_(self.head.weight, 0.0, 1e-3)

    def forward(self, images: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Images N×3×H×W in [-1, 1], AUs x and y N×17 in [0, 1]; returns the grid, N×H×W×2, fp32."""
        code = self.code(images, x, y)
        *_, deep = self.encoder(images, code)
        offsets = bounded_offsets(self.head(self.finer(deep, code)).float(), self.max_offset)
        offsets = F.interpolate(offsets, scale_factor=2, mode="bilinear", align_corners=False)
        return to_grid(offsets.permute(0, 2, 3, 1))


class TextureGenerator(nn.Module):
    """G_Texture: (image, y) → texture 𝒯 and mask ℳ (eq. 6).

    Args:
        channels: base width of the network.
        residual_blocks: their number.
    """

    def __init__(self, channels: int, residual_blocks: int):
        super().__init__()
        self.code = Code(N_AUS)
        self.encoder = Encoder(channels, residual_blocks)
        self.at_half = Layer(nn.ConvTranspose2d(4 * channels, 2 * channels, 4, 2, 1, bias=False))
        self.at_full = Layer(nn.ConvTranspose2d(4 * channels, channels, 4, 2, 1, bias=False))
        # Without a norm: here the image's own brightness is known at every pixel.
        self.joined = nn.Conv2d(2 * channels + 3, channels, 3, padding=1)
        # One for texture and mask: convolutions to few channels are slow on a GPU.
        self.head = nn.Conv2d(channels, 4, 3, padding=1)
        init_weights(self)

    def forward(self, images: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images N×3×H×W in [-1, 1], y N×17; returns 𝒯 N×3×H×W in [-1, 1] and ℳ N×1×H×W in [0, 1]."""
        code = self.code(images, y)
        full, half, deep = self.encoder(images, code)
        half = torch.cat([self.at_half(deep, code), half], dim=1)
        joined = torch.cat([self.at_full(half, code), full, images.to(full.dtype)], dim=1)
        texture, mask = self.head(F.leaky_relu(self.joined(joined), 0.1)).float().split([3, 1], dim=1)
        return torch.tanh(texture), torch.sigmoid(mask)
