"""FaceNet as facenet-pytorch ports it: Inception-ResNet-v1 (Sandberg, 2018), trained on VGGFace2 or CASIA-WebFace."""

from pathlib import Path

import torch
from facenet_pytorch import InceptionResnetV1
from torch import Tensor

from defgan.faces.embedders.base import Embedder


class FaceNet(Embedder):
    """Embeddings of 512 dimensions and length 1.

    The network was trained on MTCNN's boxes with a margin, which show the whole head. Our crop is tighter, and aligned.
    """

    size = 160

    def __init__(self) -> None:
        super().__init__()
        self.network = InceptionResnetV1(pretrained=None, classify=False)

    def embed_chips(self, chips: Tensor) -> Tensor:
        # (v − 127.5) / 128 of pixel values v: `fixed_image_standardization`.
        return self.network(chips * (127.5 / 128)).float()


def read(path: Path) -> FaceNet:
    """The network from a state dict of facenet-pytorch; without its classifier of people."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    embedder = FaceNet()
    embedder.network.load_state_dict({key: value for key, value in state.items() if not key.startswith("logits.")})
    return embedder
