"""dlib's face recognition network (King, 2017, `dnn_face_recognition_ex.cpp`), read from its own file into torch."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.faces.embedders.base import Embedder

_MEAN_RGB = (122.782, 117.001, 104.298)
# Filters, number of blocks, and whether the first of them halves the resolution; from the input to the output.
_LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))


class _Block(nn.Module):
    """Two 3×3 convolutions and a shortcut, dlib's `residual` and `residual_down`."""

    def __init__(self, in_channels: int, out_channels: int, down: bool) -> None:
        super().__init__()
        self.down = down
        # dlib does not pad strided convolutions.
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=2 if down else 1, padding=0 if down else 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x)))
        if self.down:
            x = F.avg_pool2d(x, 2)
            # dlib's add_prev fills the smaller operand with zeros, in channels and in space.
            y = F.pad(y, (0, x.shape[3] - y.shape[3], 0, x.shape[2] - y.shape[2]))
            x = F.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return F.relu(x + y)


class DlibResNet128(Embedder):
    """Embeddings of 128 dimensions; dlib calls two faces one person under an L2 of 0.6.

    Our crop is close to dlib's: its mean shape with padding 0.25 has the eyes 0.350 of the side apart around
    (0.493, 0.314); our template has them 0.360 apart around (0.5, 0.34), less than 3 % of the side away. Part of dlib's
    frame lies outside our crop; with crops of exactly that frame the network tells people apart no better.
    """

    size = 150

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 7, stride=2)
        blocks, channels = [], 32
        for filters, count, down in _LEVELS:
            for index in range(count):
                blocks.append(_Block(channels, filters, down and index == 0))
                channels = filters
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(256, 128, bias=False)
        self.register_buffer("mean", torch.tensor(_MEAN_RGB).reshape(3, 1, 1))

    def embed_chips(self, chips: Tensor) -> Tensor:
        x = (chips * 127.5 + 127.5 - self.mean) / 256
        x = F.max_pool2d(F.relu(self.conv(x)), 3, stride=2)
        x = self.blocks(x).mean((2, 3))
        return self.fc(x).float()


class _TensorFile:
    """The tensors of a serialised dlib network, in the order in which data flows."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def _integer(self) -> int:
        # One byte with the sign and the number of bytes, then the bytes, the least significant first.
        size = self.content[self.at] & 0x0F
        value = int.from_bytes(self.content[self.at + 1 : self.at + 1 + size], "little")
        self.at += 1 + size
        return value

    def tensor(self, layer: bytes, skip: int = 0) -> np.ndarray:
        """The parameters of the next layer of this kind, float32, flat; `skip` integers precede them."""
        name = bytes([1, len(layer)]) + layer  # a string: its length as an integer, then its characters
        self.at = self.content.index(name, self.at) + len(name)
        for _ in range(skip):
            self._integer()
        version = self._integer()
        assert version == 2, f"dlib tensor of version {version}"
        count = int(np.prod([self._integer() for _ in range(4)]))
        values = np.frombuffer(self.content, "<f4", count, self.at)
        self.at += 4 * count
        return values


def read(path: Path) -> DlibResNet128:
    """The network from dlib's `dlib_face_recognition_resnet_model_v1.dat`."""
    network = DlibResNet128()
    file = _TensorFile(path.read_bytes())
    with torch.no_grad():
        for conv in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
            parameters = torch.tensor(file.tensor(b"con_4"))
            weight, bias = parameters.split([conv.weight.numel(), conv.out_channels])
            # The frozen batch normalisation after each convolution is a scale and a shift: it is merged into it.
            scale, shift = torch.tensor(file.tensor(b"affine_")).reshape(2, -1)
            conv.weight.copy_(weight.reshape(conv.weight.shape) * scale[:, None, None, None])
            conv.bias.copy_(bias * scale + shift)
        network.fc.weight.copy_(torch.tensor(file.tensor(b"fc_2", skip=2)).reshape(256, 128).T)
    return network
