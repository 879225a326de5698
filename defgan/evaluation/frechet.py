"""Fréchet distance between two sets of images (Heusel et al., 2017), the measure of Table 1.

Statistics and distance are torch-fidelity's. The features are those of an ImageNet network; only with the original's
Inception network is the number an "FID", so each network brings the name under which its distance may be shown.
"""

from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F
from efficientnet_lite_pytorch import EfficientNet
from rich.progress import track
from torch import Tensor
from torch_fidelity import FeatureExtractorBase, register_feature_extractor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.utils import create_feature_extractor

from defgan.faces.weights import weights_path

EFFICIENTNET_INPUT = 160
"""Side of the images that EfficientNet-Lite0 sees, pixels; ImageNet's 224 is twice the work for crops of 64."""

DISTANCE_NAMES = MappingProxyType(
    {
        "efficientnet-lite0": "Fréchet distance (EfficientNet-Lite0 features)",
        "inception-v3-compat": "FID",
    }
)
_LAYERS = MappingProxyType({"efficientnet-lite0": "1280", "inception-v3-compat": "2048"})


class EfficientNetLite0(FeatureExtractorBase):
    """torch-fidelity feature extractor: uint8 N×3×H×W to pooled features of the last layer, N×1280.

    Images are resized (bicubic, anti-aliased) to 160×160 and scaled by (v − 127) / 128, as in the network's training.
    """

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: str, **_) -> None:
        super().__init__(name, features_list)
        self.network = EfficientNet.from_name("efficientnet-lite0", image_size=EFFICIENTNET_INPUT)
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
        size = (EFFICIENTNET_INPUT, EFFICIENTNET_INPUT)
        resized = F.interpolate(images.float(), size, mode="bicubic", antialias=True).clamp(0, 255)
        return ((resized - 127) / 128).contiguous(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        assert images.dtype == torch.uint8 and images.ndim == 4 and images.shape[1] == 3, (images.dtype, images.shape)
        return (self.network.extract_features(self.preprocess(images)).mean((2, 3)),)


register_feature_extractor("efficientnet-lite0", EfficientNetLite0)


def load_extractor(name: str) -> FeatureExtractorBase:
    """A feature extractor of `DISTANCE_NAMES` with verified weights, on the GPU if there is one."""
    return create_feature_extractor(
        name,
        [_LAYERS[name]],
        cuda=torch.cuda.is_available(),
        feature_extractor_weights_path=str(weights_path(name)),
        verbose=False,
    )


def features(extractor: FeatureExtractorBase, images: np.ndarray, batch_size: int, description: str) -> Tensor:
    """Features of uint8 images N×H×W×3, float32 N×D on the CPU, with a progress bar."""
    device = next(extractor.parameters()).device
    batches = []
    with torch.inference_mode():
        for start in track(range(0, len(images), batch_size), description):
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).permute(0, 3, 1, 2)
            batches.append(extractor(batch.to(device))[0].float().cpu())
    return torch.cat(batches)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """‖μ_a − μ_b‖² + Tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of two sets of features, N×D and M×D, each of at least two rows.

    In double precision. With fewer rows than dimensions the covariances are singular, which only adds zeros to the
    eigenvalues of their product: the trace of the root needs no regularisation.
    """
    assert len(a) > 1 and len(b) > 1, "a covariance needs two images"
    first, second = (fid_features_to_statistics(set_.double()) for set_ in (a, b))
    return fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID]
