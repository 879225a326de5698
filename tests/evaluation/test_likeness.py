"""PSNR and SSIM against their definitions, written out with numpy and scipy."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from defgan.evaluation.likeness import psnr, ssim
from tests.stages.conftest import blobs


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    true = blobs(3, 48, seed=1)
    noise = np.random.default_rng(0).normal(0, 12, true.shape)
    return (true + noise).clip(0, 255).astype(np.uint8), true


def test_psnr(pair):
    images, true = pair
    error = ((images.astype(float) - true) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(psnr(images, true), 10 * np.log10(255**2 / error), rtol=1e-5)
    assert np.isnan(psnr(true, true)).all()


def test_ssim(pair):
    images, true = pair
    expected = []
    for first, second in zip(images / 255.0, true / 255.0, strict=True):
        channels = []
        for a, b in zip(first.transpose(2, 0, 1), second.transpose(2, 0, 1), strict=True):

            def mean(x):
                return gaussian_filter(x, 1.5, truncate=3.5, mode="mirror")  # an 11×11 window

            ma, mb = mean(a), mean(b)
            va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
            c1, c2 = 0.01**2, 0.03**2
            index = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
            channels.append(index.mean())
        expected.append(np.mean(channels))
    np.testing.assert_allclose(ssim(images, true), expected, rtol=1e-4)
    np.testing.assert_allclose(ssim(true, true), 1, rtol=1e-5)
