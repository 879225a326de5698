"""How alike an edit and the true image are: PSNR and SSIM (Wang et al., 2004), by torchmetrics.

LPIPS is missing: no package brings the weights of its networks. torchmetrics takes seconds to import: the functions
import it.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

_BATCH = 64


def _per_image(measure: Callable[[Tensor, Tensor], Tensor], images: np.ndarray, true: np.ndarray) -> np.ndarray:
    """A measure of float batches N×3×H×W in [0, 1], applied to uint8 arrays M×H×W×3; float64 (M,)."""
    values = []
    for start in range(0, len(images), _BATCH):
        pair = (torch.from_numpy(np.array(array[start : start + _BATCH])) for array in (images, true))
        values.append(measure(*(batch.permute(0, 3, 1, 2).float() / 255 for batch in pair)))
    return torch.cat(values).double().numpy()


def psnr(images: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each image, dB; NaN for two equal images, whose ratio has no bound."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    def measure(a: Tensor, b: Tensor) -> Tensor:
        return peak_signal_noise_ratio(a, b, data_range=1.0, reduction="none", dim=(1, 2, 3))

    values = _per_image(measure, images, true)
    return np.where(np.isfinite(values), values, np.nan)


def ssim(images: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Structural similarity of each image: Gaussian window of 1.5 px, mirrored borders, mean over pixels."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    def measure(a: Tensor, b: Tensor) -> Tensor:
        return structural_similarity_index_measure(a, b, data_range=1.0, reduction="none")

    return _per_image(measure, images, true)
