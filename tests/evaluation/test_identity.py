"""Identity distances of images whose distance is known."""

import numpy as np
import pytest
import torch

from defgan.evaluation import identity
from defgan.faces.embedders import load_embedder


def test_distances_of_known_vectors():
    edited = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [1.0, 1.0]])
    inputs = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert identity.distances(edited, inputs) == pytest.approx([0, 1, 2, 1 - 0.5**0.5])


def test_rounding_never_makes_a_distance_negative():
    vectors = torch.randn(1000, 128, generator=torch.Generator().manual_seed(0))
    assert (identity.distances(vectors, vectors * 3) >= 0).all()


def test_the_same_image_has_distance_zero_and_another_does_not():
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    embedder = load_embedder("dlib-resnet-128")
    together = identity.embeddings(embedder, images, 2, "")
    alone = identity.embeddings(embedder, images[:1], 1, "")
    assert together.shape == (3, 128)
    assert identity.distances(together[:1], alone) == pytest.approx([0], abs=1e-6)
    assert identity.distances(together[:1], together[1:2])[0] > 1e-3
    # The embedder sees [-1, 1]: white is 1, black −1.
    white = identity.embeddings(embedder, np.full((1, 64, 64, 3), 255, np.uint8), 1, "")
    assert torch.allclose(white, embedder(torch.ones(1, 3, 64, 64)), atol=1e-5)
