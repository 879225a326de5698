"""Fig. 2: the networks with their sizes, as the JSON beside the weights gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from typing import Any

import matplotlib.figure
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from defgan.facs import N_AUS
from defgan.methods import get
from defgan.report.figures.base import Figure
from defgan.report.results import Results
from defgan.report.style import DARK, SMALL_PRINT

_COLOURS = {"conv": "#9ecae1", "down": "#6baed6", "residual": "#3182bd", "up": "#74c476", "head": "#fdae6b"}
_HEIGHT = 0.17  # of a layer, per doubling of its side
_STEP, _WIDTH = 1.25, 0.62  # from layer to layer, and of a layer


@dataclass(frozen=True)
class Layer:
    """One layer, or several alike: what it does, the size of what comes out of it, and its number of parameters."""

    kind: str  # a key of _COLOURS
    label: str
    channels: int
    side: int
    parameters: int


@dataclass(frozen=True)
class Network:
    """The layers of one network in their order, and its heads, which all take the last layer's output."""

    title: str
    takes: str
    layers: Sequence[Layer]
    heads: Sequence[tuple[Layer, str]]  # with what comes out

    @property
    def parameters(self) -> int:
        """Of all layers."""
        return sum(layer.parameters for layer in (*self.layers, *(head for head, _ in self.heads)))


def _normed(kind: str, label: str, kernel: int, channels: tuple[int, int], side: int) -> Layer:
    """A convolution without a bias, instance normalisation and ReLU."""
    before, after = channels
    return Layer(kind, label, after, side, kernel**2 * before * after + 2 * after)


def _encoder(entering: int, c: int, blocks: int, side: int) -> list[Layer]:
    block = 2 * (9 * (4 * c) ** 2 + 2 * 4 * c)
    return [
        _normed("conv", "7×7", 7, (entering, c), side),
        _normed("down", "4×4, ↓2", 4, (c, 2 * c), side // 2),
        _normed("down", "4×4, ↓2", 4, (2 * c, 4 * c), side // 4),
        Layer("residual", f"{blocks} residual\nblocks, 3×3", 4 * c, side // 4, blocks * block),
    ]


def _head(label: str, kernel: int, channels: tuple[int, int], side: int) -> Layer:
    return Layer("head", label, channels[1], side, kernel**2 * channels[0] * channels[1])


def networks(description: Mapping[str, Any]) -> list[Network]:
    """The networks of DefGAN by what stands beside its weights: `architecture` and `params`."""
    architecture, params = description["architecture"], description["params"]
    c, blocks, side = architecture["channels"], architecture["residual_blocks"], params["image_size"]
    found = []
    if architecture["use_deformation"]:
        stride, width = architecture.get("grid_stride", 4), 4 * c
        layers = _encoder(3 + 2 * N_AUS, c, blocks, side)
        if stride == 2:
            layers.append(_normed("up", "4×4, ↑2", 4, (width, 2 * c), side // 2))
            width = 2 * c
        head = _head(f"7×7, tanh,\nbilinear ↑{stride}", 7, (width, 2), side)
        found.append(
            Network(
                "$G_{Def}$: deformation (sec. 3.1.1)", "image,\nAUs x and y", layers, [(head, r"grid $\mathcal{G}$")]
            )
        )
    if architecture["use_texture"]:
        layers = _encoder(3 + N_AUS, c, blocks, side)
        layers.append(_normed("up", "4×4, ↑2", 4, (4 * c, 2 * c), side // 2))
        layers.append(_normed("up", "4×4, ↑2", 4, (2 * c, c), side))
        heads = [
            (_head("7×7, tanh", 7, (c, 3), side), r"texture $\mathcal{T}$"),
            (_head("7×7, sigmoid", 7, (c, 1), side), r"mask $\mathcal{M}$"),
        ]
        found.append(Network("$G_{Texture}$: texture (sec. 3.1.2)", "deformed\nimage, AUs y", layers, heads))
    width, halvings = params["training"]["critic_channels"], int(log2(side)) - 1
    channels = [3, *(width * 2**i for i in range(halvings))]
    layers = [
        Layer("down", "4×4, ↓2", after, side // 2 ** (i + 1), 16 * before * after + after)
        for i, (before, after) in enumerate(pairwise(channels))
    ]
    last = side // 2**halvings
    heads = [
        (_head("3×3", 3, (channels[-1], 1), last), "$D_c$: critic"),
        (_head(f"{last}×{last}", last, (channels[-1], N_AUS), 1), "$D_{exp}$: AUs"),
    ]
    found.append(Network("$D$: discriminator (sec. 3.1)", "real or\nedited image", layers, heads))
    return found


def draw(results: Results) -> matplotlib.figure.Figure:
    """A row of layers per network."""
    shown = networks(results.description("defgan"))
    longest = max(len(network.layers) for network in shown)
    figure = matplotlib.figure.Figure(figsize=(10.5, 1.75 * len(shown) + 0.4), layout="constrained")
    for axes, network in zip(figure.subplots(len(shown), 1, squeeze=False)[:, 0], shown, strict=True):
        _row(axes, network)
        axes.set_xlim(-1.5, (longest + 1.2) * _STEP)
        axes.set_ylim(-1.4, 1.0)
        axes.set_axis_off()
        axes.set_title(f"{network.title}, {network.parameters:,} parameters", loc="left", size=9.5)
    note = "below each layer: its kernel, and channels × side of its output; ↓2: stride 2; ↑2: transposed; height: side"
    figure.supxlabel(note, **SMALL_PRINT)
    return figure


def _box(axes: Axes, layer: Layer, x: float, y: float, room: float = 1.0) -> None:
    height = room * _HEIGHT * (1 + log2(layer.side))
    style = {"facecolor": _COLOURS[layer.kind], "edgecolor": DARK, "linewidth": 0.7}
    axes.add_patch(Rectangle((x - _WIDTH / 2, y - height / 2), _WIDTH, height, **style))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, color=DARK, linewidth=0.8))


def _row(axes: Axes, network: Network) -> None:
    axes.text(-1.0, 0, network.takes, ha="center", va="center", size=8)
    for i, layer in enumerate(network.layers):
        x = i * _STEP
        _arrow(axes, (x - _STEP + _WIDTH / 2 + 0.02, 0) if i else (-0.45, 0), (x - _WIDTH / 2, 0))
        _box(axes, layer, x, 0)
        text = f"{layer.label}\n{layer.channels} × {layer.side}²"
        axes.text(x, -0.82, text, ha="center", va="top", size=7.5)
    last, x = (len(network.layers) - 1) * _STEP, len(network.layers) * _STEP
    several = len(network.heads) > 1
    for i, (head, out) in enumerate(network.heads):
        y = (0.62 - 1.24 * i) if several else 0.0
        _arrow(axes, (last + _WIDTH / 2 + 0.02, 0), (x - _WIDTH / 2, y))
        _box(axes, head, x, y, 0.6 if several else 1.0)
        text = f"{out}\n{head.label.replace(chr(10), ' ')}\n{head.channels} × {head.side}²"
        axes.text(x + _WIDTH / 2 + 0.1, y, text, ha="left", va="center", size=7.5)


FIGURE = Figure(
    name="fig_02_networks",
    number=2,
    title="The networks",
    shows=(
        "The networks of DefGAN with the sizes that were trained. The grid 𝒢 moves the image. The mask ℳ says where "
        "the texture 𝒯 replaces the moved image (eq. 6). Every convolution of a generator but its heads is followed by "
        "instance normalisation and ReLU, every one of the discriminator but its heads by LeakyReLU."
    ),
    methods=(get("defgan"),),
    params=("image_size", "training.channels", "training.residual_blocks", "training.critic_channels", "max_offset"),
    draw=draw,
    role="",
)
