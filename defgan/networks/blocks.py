"""The convolutional trunk that all generators share.

It is the generator of GANimation, which is that of StarGAN, CycleGAN and Johnson et al. (2016): App. D.1.
Padding is zero throughout: under reflection padding instance normalisation would erase a condition that
is constant over the image.
"""

import importlib.util
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VARIANTS = 64
"""At most so many shapes and kinds for which `normalise` is compiled."""


def normalise(features: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Instance normalisation of N×C×H×W by its own statistics over H and W, in fp32; weight, bias (C,) or N×C."""
    full = features.float()
    variance, mean = torch.var_mean(full, (2, 3), correction=0, keepdim=True)
    scale = weight[..., None, None] * torch.rsqrt(variance + eps)
    return ((full - mean) * scale + bias[..., None, None]).to(features.dtype)


def compiles(features: Tensor) -> bool:
    """Whether norms are worth compiling for these features: on a GPU, where there is Triton."""
    return features.is_cuda and importlib.util.find_spec("triton") is not None


@cache
def compiled_normalise() -> Callable[..., Tensor]:
    """`normalise`, compiled."""
    # Compiled anew for each shape, with gradients and without: more often than torch does it by default.
    from torch._dynamo import config

    config.recompile_limit = VARIANTS
    return torch.compile(normalise, dynamic=False)


class InstanceNorm2d(nn.InstanceNorm2d):
    """`nn.InstanceNorm2d`, which keeps channels-last features channels last in training on a GPU.

    torch's own makes them contiguous, and the next convolution turns them back: half of the time of a generator's step
    on an H200. The compiled `normalise` needs Triton; without it, and in evaluation, torch's own is used.
    """

    def forward(self, features: Tensor) -> Tensor:
        """N×C×H×W, any memory format."""
        if self.training and compiles(features):
            return compiled_normalise()(features, self.weight, self.bias, self.eps)
        return super().forward(features)


def conv_norm_relu(conv: nn.Module, channels: int) -> list[nn.Module]:
    return [conv, InstanceNorm2d(channels, affine=True), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            *conv_norm_relu(nn.Conv2d(channels, channels, 3, padding=1, bias=False), channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            InstanceNorm2d(channels, affine=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class ConditionedConv2d(nn.Conv2d):
    """A convolution of images to which conditions, N×n, are appended as n constant maps, without these maps.

    Under zero padding a constant map only counts how much of the kernel lies inside the image, row by row and column by
    column. That part of the sum is the same for all pixels but those at the border, and costs next to nothing.
    """

    def forward(self, images: Tensor, conditions: Tensor) -> Tensor:
        """Images N×C×H×W and conditions N×n, where C + n are the layer's input channels."""
        of_images, of_maps = self.weight.split([images.shape[1], conditions.shape[1]], dim=1)
        reach = self.kernel_size[0]
        inside = [_taps_inside(side, reach, images.device) for side in images.shape[2:]]
        constant = torch.einsum("nk,okij->noij", conditions, of_maps)
        constant = torch.einsum("hi,noij,wj->nohw", inside[0], constant, inside[1])
        return F.conv2d(images, of_images, padding=self.padding) + constant


def _taps_inside(side: int, reach: int, device: torch.device) -> Tensor:
    """side×reach: 1 where that tap of a centred kernel lies inside the image, 0 where on the padding."""
    position = torch.arange(side, device=device)[:, None] + torch.arange(reach, device=device) - reach // 2
    return ((position >= 0) & (position < side)).float()


class Encoder(nn.Sequential):
    """7×7 convolution, two halvings, residual blocks: N×C×H×W and conditions N×n → N×4·channels×H/4×W/4.

    The conditions are input channels of the first convolution, `in_channels` is C + n.
    """

    def __init__(self, in_channels: int, channels: int, residual_blocks: int):
        super().__init__(
            *conv_norm_relu(ConditionedConv2d(in_channels, channels, 7, padding=3, bias=False), channels),
            *conv_norm_relu(nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False), 2 * channels),
            *conv_norm_relu(nn.Conv2d(2 * channels, 4 * channels, 4, 2, 1, bias=False), 4 * channels),
            *(ResidualBlock(4 * channels) for _ in range(residual_blocks)),
        )

    def forward(self, images: Tensor, *conditions: Tensor) -> Tensor:
        first, *others = self
        features = first(images, torch.cat(conditions, dim=1))
        for layer in others:
            features = layer(features)
        return features


class Decoder(nn.Sequential):
    """Two doublings: N×4·channels×H/4×W/4 → N×channels×H×W."""

    def __init__(self, channels: int):
        super().__init__(
            *conv_norm_relu(nn.ConvTranspose2d(4 * channels, 2 * channels, 4, 2, 1, bias=False), 2 * channels),
            *conv_norm_relu(nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1, bias=False), channels),
        )


def init_weights(module: nn.Module, std: float = 0.02) -> None:
    """N(0, 0.02) for convolutions, as in the reference code of GANimation."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
