"""The Fréchet distance against closed forms, and its features against what the network is known to recognise."""

import tracemalloc
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageFilter
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from defgan.evaluation import frechet


@pytest.fixture(scope="module")
def extractor():
    return frechet.load_extractor("efficientnet-lite0")


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Crops of matplotlib's sample photograph, uint8 24×64×64×3."""
    with Image.open(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")) as image:
        photograph = np.asarray(image.convert("RGB"))
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 512 - 128, (24, 2))
    return np.stack([photograph[y : y + 128 : 2, x : x + 128 : 2] for y, x in corners])


def whitened(count: int, dimensions: int, seed: int) -> torch.Tensor:
    """Samples whose sample mean is 0 and sample covariance the identity, exactly."""
    samples = torch.randn(count, dimensions, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    samples -= samples.mean(0)
    return samples @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(samples.T)).T)


def test_closed_form_of_two_gaussians():
    # Commuting covariances: ‖μ₁ − μ₂‖² + Σ (σ₁ − σ₂)².
    deviations = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([3.0, 2.0, 0.1])
    a = whitened(50, 3, seed=1) * deviations[0] + torch.tensor([1.0, 0.0, -1.0])
    b = whitened(70, 3, seed=2) * deviations[1] + torch.tensor([0.0, 2.0, -1.0])
    assert frechet.frechet_distance(a, b) == pytest.approx(1 + 4 + 4 + 0 + 0.16, rel=1e-9)


def test_closed_form_of_covariances_that_do_not_commute():
    # Tr(Σ₁Σ₂)^½ of 2×2 matrices: (Tr + 2 √det)^½ of the product.
    first = torch.tensor([[2.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    second = torch.tensor([[1.0, -0.5], [-0.5, 3.0]], dtype=torch.float64)
    a = whitened(40, 2, seed=3) @ torch.linalg.cholesky(first).T
    b = whitened(40, 2, seed=4) @ torch.linalg.cholesky(second).T
    product = first @ second
    root = torch.sqrt(torch.trace(product) + 2 * torch.sqrt(torch.linalg.det(product)))
    expected = torch.trace(first) + torch.trace(second) - 2 * root
    assert frechet.frechet_distance(a, b) == pytest.approx(expected.item(), rel=1e-9)


def test_fewer_images_than_features():
    features = torch.rand(30, 200, generator=torch.Generator().manual_seed(0))
    assert frechet.frechet_distance(features, features) == pytest.approx(0, abs=1e-5)
    # A shift alone leaves the covariance as it is.
    assert frechet.frechet_distance(features, features + 0.5) == pytest.approx(200 * 0.25, rel=1e-5)


def test_the_network_recognises_a_photograph(extractor):
    with Image.open(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")) as image:
        photograph = np.asarray(image.convert("RGB"))[:512]
    batch = torch.from_numpy(np.array(photograph)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        (features,) = extractor(batch)
        likelihoods = extractor.network._fc(features).softmax(1)
    assert features.shape == (1, 1280)
    military_uniform = 652  # of ImageNet's thousand classes
    assert likelihoods.argmax() == military_uniform and likelihoods.max() > 0.5


def test_features_do_not_depend_on_the_batch_size(extractor, pictures):
    one_by_one = frechet.features(extractor, pictures[:5], 1, "")
    together = frechet.features(extractor, pictures[:5], 4, "")
    assert torch.allclose(one_by_one, together, atol=1e-4)


def test_distance_is_zero_for_the_same_images_and_rises_with_blur(extractor, pictures):
    def blurred(radius: float) -> torch.Tensor:
        images = [np.asarray(Image.fromarray(p).filter(ImageFilter.GaussianBlur(radius))) for p in pictures]
        return frechet.features(extractor, np.stack(images), 8, "")

    sharp = frechet.features(extractor, pictures, 8, "")
    distances = [frechet.frechet_distance(sharp, sharp)]
    distances += [frechet.frechet_distance(sharp, blurred(radius)) for radius in (1, 3)]
    assert distances[0] == pytest.approx(0, abs=1e-3)
    assert distances == sorted(distances) and distances[1] > 1


def test_only_inception_features_make_an_fid():
    fid = {name for name, shown in frechet.DISTANCE_NAMES.items() if "FID" in shown}
    kid = {name for name, shown in frechet.KERNEL_NAMES.items() if "KID" in shown}
    assert fid == kid == {"inception-v3-compat"}


@pytest.fixture
def sets() -> tuple[torch.Tensor, torch.Tensor]:
    """Features of two sets, one of them with more dimensions than images, as ours are."""
    generator = torch.Generator().manual_seed(5)
    return torch.rand(12, 30, generator=generator), 0.3 + torch.rand(40, 30, generator=generator)


def test_resampled_distances_are_those_of_the_repeated_images(sets):
    edits, reference = sets
    weights = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=5)
    weights[0] = 1
    for resampled, distance in (
        (frechet.resampled_frechet, frechet.frechet_distance),
        (frechet.resampled_kernel, frechet.kernel_distance),
    ):
        expected = [distance(edits[np.repeat(np.arange(12), draw)], reference) for draw in weights]
        assert resampled(edits, reference, weights) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("block", [5, 12, 100])
@pytest.mark.parametrize("dimensions", [4, 30])  # fewer than images, and more
def test_blocks_change_no_distance(sets, monkeypatch, block, dimensions):
    edits, reference = (own[:, :dimensions] for own in sets)
    weights = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), size=4)
    draws = [edits[np.repeat(np.arange(12), draw)] for draw in weights]
    monkeypatch.setattr(frechet, "BLOCK", block)
    mean, covariance = frechet.statistics(edits)
    np.testing.assert_allclose(mean, edits.double().mean(0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(edits.double().numpy(), rowvar=False), rtol=1e-9, atol=1e-12)
    found = frechet.resampled_frechet(edits, reference, weights), frechet.resampled_kernel(edits, reference, weights)
    monkeypatch.setattr(frechet, "BLOCK", 1000)
    for own, distance in zip(found, (frechet.frechet_distance, frechet.kernel_distance), strict=True):
        assert own == pytest.approx([distance(draw, reference) for draw in draws], rel=1e-6, abs=1e-7)


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch):
    monkeypatch.setattr(frechet, "BLOCK", 128)
    monkeypatch.setattr(frechet, "SET_SAMPLES", 5)
    people, peaks = pd.Series(np.arange(2000) // 6), []
    for count in (500, 2000):
        features = torch.rand(count, 16, generator=torch.Generator().manual_seed(0))
        tracemalloc.start()
        frechet.set_distances(features, features + 0.1, people[:count])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # What grows are the features and the draws, a few numbers per image. All pairs of 2,000 images would take 32 MB.
    assert peaks[1] - peaks[0] < 4e6, peaks


def test_kernel_distance_is_torch_fidelitys(sets):
    edits, reference = sets[0], sets[1][:12]
    # One subset that is the whole set: no chance is left.
    theirs = kid_features_to_metric(
        edits.double(), reference.double(), kid_subsets=1, kid_subset_size=12, verbose=False
    )
    assert frechet.kernel_distance(edits, reference) == pytest.approx(theirs[KEY_METRIC_KID_MEAN], rel=1e-6)


def test_kernel_distance_by_hand():
    a, b = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [3.0]])
    # Within: (1·2 + 1)³ and (0·3 + 1)³; between: the mean of 1³, 4³, 1³, 7³.
    assert frechet.kernel_distance(a, b) == pytest.approx(27 + 1 - 2 * (1 + 64 + 1 + 343) / 4)
