"""EfficientNet-Lite0 as a feature extractor of torch-fidelity; importing this module registers it there."""

import torch
import torch.nn.functional as F
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor
from torch_fidelity import FeatureExtractorBase, register_feature_extractor

INPUT_SIZE = 160
"""Side of the images that the network sees, pixels; ImageNet's 224 is twice the work for crops of 64."""


class EfficientNetLite0(FeatureExtractorBase):
    """uint8 N×3×H×W to pooled features of the last layer, N×1280.

    Images are resized (bicubic, anti-aliased) to 160×160 and scaled by (v − 127) / 128, as in the network's training.
    """

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: str, **_) -> None:
        super().__init__(name, features_list)
        self.network = EfficientNet.from_name("efficientnet-lite0", image_size=INPUT_SIZE)
        self.network.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=True))
        self.to(memory_format=torch.channels_last)

    @staticmethod
    def get_provided_features_list() -> tuple[str]:
        return ("1280",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "1280"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def preprocess(self, images: Tensor) -> Tensor:
        """uint8 N×3×H×W to the network's input, N×3×160×160."""
        size = (INPUT_SIZE, INPUT_SIZE)
        resized = F.interpolate(images.float(), size, mode="bicubic", antialias=True).clamp(0, 255)
        return ((resized - 127) / 128).contiguous(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        assert images.dtype == torch.uint8 and images.ndim == 4 and images.shape[1] == 3, (images.dtype, images.shape)
        return (self.network.extract_features(self.preprocess(images)).mean((2, 3)),)


register_feature_extractor("efficientnet-lite0", EfficientNetLite0)
