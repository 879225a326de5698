"""The discriminator D with a critic head D_c and an AU head D_exp (sec. 3.1, App. D.1)."""

import itertools
import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.networks.blocks import init_weights
from defgan.pixels import COLOR_DRAWS, change_colors


@cache
def _binomial(device: torch.device) -> Tensor:
    """The kernel of a binomial 3×3 filter for 3 channels, once per device: a captured step cannot copy it there."""
    weights = torch.tensor([0.25, 0.5, 0.25], device=device)
    return (weights[:, None] * weights).expand(3, 1, 3, 3)


class Discriminator(nn.Module):
    """PatchGAN of 4×4 convolutions with stride 2, LeakyReLU 0.01, no normalisation.

    Six halvings at 128 px; at other sizes as many as leave a last map of at least 2×2.

    Args:
        image_size: side of the images, pixels.
        channels: width of the first layer (paper: 64).
        conditions: components of the condition that the second head predicts: 17 AUs, or the labels of StarGAN.
        instance_noise: standard deviation, on the scale of [-1, 1], of the Gaussian noise that is added in training to
            every image, real or edited (paper: 0).
        color_change: strength in [0, 1] of `change_colors`, which every image goes through in training, real or edited
            (paper: 0). Without it D_exp soon rewards blue lips and red brows.
        blur: whether D sees its images through a binomial 3×3 filter (paper: no). Its strided convolutions alias.
            Without a filter D_exp rewards a dotted texture of two pixels' period.
        normal_init: whether the weights start from N(0, 0.02), as in GANimation's reference code; else from torch's
            default, as in StarGAN's.

    The whole filter hides such a texture from D_c. With `random_blur` the filter of each image is drawn in training,
    between none and the whole one.
    """

    random_blur = False

    def __init__(
        self,
        image_size: int,
        channels: int,
        conditions: int = N_AUS,
        instance_noise: float = 0.0,
        color_change: float = 0.0,
        blur: bool = False,
        normal_init: bool = True,
    ):
        super().__init__()
        self.instance_noise = instance_noise
        self.color_change = color_change
        self.blur = blur
        halvings = int(math.log2(image_size)) - 1
        widths = [3, *(channels * 2**i for i in range(halvings))]
        layers: list[nn.Module] = []
        for width_in, width_out in itertools.pairwise(widths):
            layers += [nn.Conv2d(width_in, width_out, 4, 2, 1), nn.LeakyReLU(0.01, inplace=True)]
        self.trunk = nn.Sequential(*layers)
        self.critic_head = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.condition_head = nn.Conv2d(widths[-1], conditions, image_size // 2**halvings, bias=False)
        if normal_init:
            init_weights(self)

    def forward(self, images: Tensor, versions: int = 1) -> tuple[Tensor, Tensor]:
        """Images N×3×H×W in [-1, 1]; returns D_c, N×h×w patch scores, and D_exp, N×17 AUs or N×n labels; fp32.

        With `versions` > 1 the batch holds that many versions of the same images, one after the other. In training all
        versions of an image get the same colours, filter and noise, so that only the images make a difference.
        """
        return self.heads(self.features(images, versions)[-1])

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` returns, of the trunk's last activations."""
        return self.critic_head(features)[:, 0].float(), self.condition_head(features)[:, :, 0, 0].float()

    def features(self, images: Tensor, versions: int = 1) -> list[Tensor]:
        """The activations of the trunk's layers, the finest first; arguments as of `forward`."""
        distinct = len(images) // versions

        def alike(draws: Tensor) -> Tensor:
            return draws.repeat(versions, *[1] * (draws.dim() - 1))

        if self.training and self.color_change:
            draws = torch.rand(distinct, COLOR_DRAWS, device=images.device).mul(2).sub(1)
            images = change_colors(images, alike(draws), self.color_change)
        if self.blur:
            blurred = F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), _binomial(images.device), groups=3)
            if self.training and self.random_blur:
                share = alike(torch.rand(distinct, 1, 1, 1, device=images.device))
                blurred = images + share * (blurred - images)
            images = blurred
        if self.training and self.instance_noise:
            images = images + self.instance_noise * alike(torch.randn_like(images[:distinct]))
        activations = []
        for convolution, activation in zip(self.trunk[::2], self.trunk[1::2], strict=True):
            images = activation(convolution(images))
            activations.append(images)
        return activations
