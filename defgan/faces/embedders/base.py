"""What all identity embedders share: from an aligned crop to the square input of a network."""

from abc import ABC, abstractmethod

import torch.nn.functional as F
from torch import Tensor, nn


class Embedder(nn.Module, ABC):
    """Aligned crops, N×3×H×H in [-1, 1], to embeddings, N×d in fp32, differentiable; also under bf16 autocast.

    The whole crop is resized to the network's side; each subclass says how that differs from the faces of its training.
    """

    size: int
    """Side of the images that the network sees, pixels."""

    @abstractmethod
    def embed_chips(self, chips: Tensor) -> Tensor:
        """Images of the network's own side, N×3×size×size in [-1, 1], to N×d in fp32."""

    def forward(self, images: Tensor) -> Tensor:
        assert images.ndim == 4 and images.shape[1] == 3 and images.shape[2] == images.shape[3], images.shape
        side = (self.size, self.size)
        chips = F.interpolate(images.float(), side, mode="bilinear", antialias=images.shape[-1] > self.size)
        return self.embed_chips(chips)
