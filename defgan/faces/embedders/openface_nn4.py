"""nn4.small2.v1 of CMU OpenFace (Amos et al., 2016), the embedder of the paper's identity loss.

The layers are those of OpenFace's `nn4.small2.def.lua`. The modules are named as in OpenFace's own port to PyTorch, so
that its state dict loads unchanged.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.faces.embedders.base import Embedder


def _conv_norm_relu(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU()]


class _Inception(nn.Module):
    """Parallel branches: reduced convolutions, a pool, and a plain 1×1 convolution.

    Args:
        in_channels: width of the input.
        convolutions: kernel, width after the 1×1 reduction, and filters of each convolution.
        pool: the pooling layer.
        pool_filters: of the 1×1 convolution after the pool; None: there is none.
        filters: of the plain 1×1 convolution; None: there is none.
        stride: of the convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        convolutions: tuple[tuple[int, int, int], ...],
        pool: nn.Module,
        pool_filters: int | None = None,
        filters: int | None = None,
        stride: int = 1,
    ) -> None:
        super().__init__()
        branches = [
            [*_conv_norm_relu(in_channels, reduced), *_conv_norm_relu(reduced, out_channels, kernel, stride)]
            for kernel, reduced, out_channels in convolutions
        ]
        branches.append([pool, *(_conv_norm_relu(in_channels, pool_filters) if pool_filters else [])])
        if filters:
            branches.append(_conv_norm_relu(in_channels, filters))
        self.branches = nn.ModuleList(nn.Sequential(*branch) for branch in branches)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [branch(x) for branch in self.branches]
        height, width = (max(y.shape[axis] for y in outputs) for axis in (2, 3))
        padded = []
        for y in outputs:
            # Torch's DepthConcat: smaller maps are centred, with zeros around them.
            down, right = height - y.shape[2], width - y.shape[3]
            padded.append(F.pad(y, (right // 2, right - right // 2, down // 2, down - down // 2)))
        return torch.cat(padded, 1)


class OpenFaceNN4Small2(Embedder):
    """Embeddings of 128 dimensions and length 1.

    The network was trained on faces aligned by an affine map: the outer eye corners and the nose, found by dlib, at
    (0.19, 0.17), (0.79, 0.16) and (0.49, 0.51) of the side. Their eyes are 0.43 of the side apart, at 0.16 of the
    height; in our crop 0.36 apart, at 0.34. The paper does not say how it aligns faces.
    """

    size = 96

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 1)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 192, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(192)
        largest, root_of_squares = nn.MaxPool2d(3, stride=2), nn.LPPool2d(2, 3, stride=3)
        self.incept3a = _Inception(192, ((3, 96, 128), (5, 16, 32)), largest, 32, 64)
        self.incept3b = _Inception(256, ((3, 96, 128), (5, 32, 64)), root_of_squares, 64, 64)
        self.incept3c = _Inception(320, ((3, 128, 256), (5, 32, 64)), largest, stride=2)
        self.incept4a = _Inception(640, ((3, 96, 192), (5, 32, 64)), root_of_squares, 128, 256)
        self.incept4e = _Inception(640, ((3, 160, 256), (5, 64, 128)), largest, stride=2)
        self.incept5a = _Inception(1024, ((3, 96, 384),), root_of_squares, 96, 256)
        self.incept5b = _Inception(736, ((3, 96, 384),), largest, 96, 256)
        self.ln = nn.Linear(736, 128)

    def embed_chips(self, chips: Tensor) -> Tensor:
        x = (chips + 1) / 2
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = F.local_response_norm(x, 5)
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.max_pool2d(F.local_response_norm(x, 5), 3, stride=2, padding=1)
        x = self.incept3c(self.incept3b(self.incept3a(x)))
        x = self.incept4e(self.incept4a(x))
        x = self.incept5b(self.incept5a(x))
        return F.normalize(self.ln(x.mean((2, 3))).float())


def read(path: Path) -> OpenFaceNN4Small2:
    """The network from OpenFace's `nn4.small2.v1.pt`."""
    embedder = OpenFaceNN4Small2()
    embedder.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return embedder
