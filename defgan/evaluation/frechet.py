"""Distances between two sets of images: Fréchet's (Heusel et al., 2017), the measure of Table 1, and the kernel's
(Bińkowski et al., 2018).

Statistics and Fréchet distance are torch-fidelity's. The features are those of an ImageNet network. Only with the
original's Inception network are the distances an "FID" and a "KID", so each network has names of its own for them.
torch-fidelity and scipy take seconds to import: the functions that need them import them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from rich.progress import track
from torch import Tensor

from defgan.evaluation import intervals
from defgan.weight_files import weights_path

if TYPE_CHECKING:
    from torch_fidelity import FeatureExtractorBase

BLOCK = 2048
"""Images that are in double precision at once: memory does not grow with the square of the number of images."""
SET_SAMPLES = 100
"""Resamples of the distances between sets, each of which costs a tenth of a second."""
DISTANCE_NAMES = MappingProxyType(
    {
        "efficientnet-lite0": "Fréchet distance (EfficientNet-Lite0 features)",
        "inception-v3-compat": "FID",
    }
)
KERNEL_NAMES = MappingProxyType(
    {
        "efficientnet-lite0": "kernel distance (EfficientNet-Lite0 features)",
        "inception-v3-compat": "KID",
    }
)
_LAYERS = MappingProxyType({"efficientnet-lite0": "1280", "inception-v3-compat": "2048"})


def load_extractor(name: str) -> FeatureExtractorBase:
    """A feature extractor of `DISTANCE_NAMES` with verified weights, on the GPU if there is one."""
    from torch_fidelity.utils import create_feature_extractor

    from defgan.evaluation import efficientnet  # noqa: F401 (registers itself)

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


def _blocks(features: Tensor) -> Iterator[np.ndarray]:
    """Features, N×D, as float64 blocks of at most `BLOCK` rows."""
    for start in range(0, len(features), BLOCK):
        yield features[start : start + BLOCK].double().numpy()


def statistics(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and unbiased covariance D×D of features, N×D with at least two rows, in double precision."""
    assert len(features) > 1, "a covariance needs two images"
    mean = sum(block.sum(0) for block in _blocks(features)) / len(features)
    centred = (block - mean for block in _blocks(features))
    return mean, sum(block.T @ block for block in centred) * (1 / (len(features) - 1))


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """‖μ_a − μ_b‖² + Tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of two sets of features, N×D and M×D, each of at least two rows.

    In double precision. With fewer rows than dimensions the covariances are singular. That only adds zeros to the
    eigenvalues of their product, so the trace of the root needs no regularisation.
    """
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

    first, second = (dict(zip(("mu", "sigma"), statistics(features), strict=True)) for features in (a, b))
    return fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID]


def resampled_frechet(features: Tensor, reference: Tensor, weights: np.ndarray) -> np.ndarray:
    """Fréchet distances to the reference, M×D, of resampled features, N×D; the reference is not resampled.

    `weights`, samples×N, says how often each image is taken. Returns float64 of shape (samples,).

    The trace of the root depends on the eigenvalues of S Σ_a S with S = Σ_b^½. `_few_roots` and `_many_roots` find them
    by the smaller of two matrices, N×N or D×D.
    """
    mean, covariance = statistics(reference)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=0))
    resampled = _few_roots if features.shape[0] <= features.shape[1] else _many_roots
    distances = [
        ((centre - mean) ** 2).sum() + spread + np.trace(covariance) - 2 * trace
        for centre, spread, trace in track(
            resampled(features, root, weights), "Fréchet distance of resampled edits", total=len(weights)
        )
    ]
    return np.array(distances)


_Resampled = Iterator[tuple[np.ndarray, float, float]]
"""Of each resample: the mean (D,), the trace of the covariance Σ_a, and Tr (S Σ_a S)^½."""


def _few_roots(features: Tensor, root: np.ndarray, weights: np.ndarray) -> _Resampled:
    """By the Gram matrix of the resampled images after S: no larger than the number of distinct images drawn."""
    from scipy.linalg import eigh

    a = features.double().numpy()
    projected = a @ root
    gram, lengths = projected @ projected.T, (a**2).sum(1)
    for draw in weights:
        count, own = draw.sum(), np.flatnonzero(draw)
        w = draw[own] / count
        centre = w @ a[own]
        spread = (w @ lengths[own] - centre @ centre) * count / (count - 1)
        block = gram[np.ix_(own, own)]
        rows = block @ w
        block = (block - rows[:, None] - rows + w @ rows) * np.sqrt(np.outer(w, w)) * count / (count - 1)
        trace = np.sqrt(eigh(block, eigvals_only=True, driver="evr", overwrite_a=True).clip(min=0)).sum()
        yield centre, spread, trace


def _many_roots(features: Tensor, root: np.ndarray, weights: np.ndarray) -> _Resampled:
    """By the covariance of the resampled images, D×D, which is added up block by block."""
    for draw in weights:
        count = draw.sum()
        w = [own / count for own in np.split(draw, range(BLOCK, len(draw), BLOCK))]
        centre = sum(own @ block for own, block in zip(w, _blocks(features), strict=True))
        centred = (block - centre for block in _blocks(features))
        covariance = sum((block.T * own) @ block for own, block in zip(w, centred, strict=True)) * count / (count - 1)
        values = np.linalg.eigvalsh(root.T @ covariance @ root)
        yield centre, np.trace(covariance), np.sqrt(values.clip(min=0)).sum()


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy of two sets of features, N×D and M×D, unbiased, kernel (x·y / D + 1)³.

    All pairs of images count. The published KID averages over subsets of 1000 images; here there may be fewer.
    """
    assert len(a) > 1 and len(b) > 1, "the unbiased estimate needs two images"
    return float(resampled_kernel(a, b, np.ones((1, len(a)), np.int64))[0])


def resampled_kernel(features: Tensor, reference: Tensor, weights: np.ndarray) -> np.ndarray:
    """Kernel distances to the reference of resampled features; arguments and result as in `resampled_frechet`.

    The matrices of all pairs, N×N, N×M and M×M, are never whole in memory: they are summed block by block.
    """

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    within_reference = 0.0
    for i, x in enumerate(_blocks(reference)):
        for y in islice(_blocks(reference), i):
            within_reference += 2 * kernel(x, y).sum()
        own = kernel(x, x)
        within_reference += own.sum() - np.trace(own)
    within_reference /= len(reference) * (len(reference) - 1)
    count, within, between = weights.sum(1), 0.0, 0.0
    parts = np.split(weights, range(BLOCK, weights.shape[1], BLOCK), axis=1)
    for i, (x, w) in enumerate(zip(_blocks(features), parts, strict=True)):
        for y, v in islice(zip(_blocks(features), parts, strict=True), i):
            within = within + 2 * (w @ kernel(x, y) * v).sum(1)
        own = kernel(x, x)
        within = within + (w @ own * w).sum(1) - w @ np.diag(own)
        between = between + 2 * w @ (sum(kernel(x, y).sum(1) for y in _blocks(reference)) / len(reference))
    return within / (count * (count - 1)) + within_reference - between / count


def set_distances(features: Tensor, reference: Tensor, subjects: pd.Series) -> dict[str, float]:
    """Both distances of the edits' features, N×D, to the reference, M×D, with 95 % intervals over the edits' people.

    `subjects` (N,) names the person of each edit. Keys: `frechet`, `frechet_low`, `frechet_high`, `kernel`, …
    """
    weights = intervals.draw_people(subjects, SET_SAMPLES)
    measured = {}
    for key, distance, resampled in (
        ("frechet", frechet_distance, resampled_frechet),
        ("kernel", kernel_distance, resampled_kernel),
    ):
        value = distance(features, reference)
        low, high = intervals.centred(value, resampled(features, reference, weights))
        measured |= {key: round(value, 6), f"{key}_low": round(low, 6), f"{key}_high": round(high, 6)}
    return measured
