import numpy as np
import pytest
import torch

from defgan.faces.alignment import crop, similarity_transform
from defgan.faces.identity import identity_distance, load_embedder


@pytest.fixture(scope="module")
def embedder():
    return load_embedder("dlib-resnet-128")


def noise(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_it_computes_what_dlib_computes(embedder):
    """dlib 20.0.1's `compute_face_descriptor` on a gradient: the first eight of its 128 numbers."""
    rows, columns = np.mgrid[:150, :150]
    chip = np.stack([rows, columns, 150 - rows], 2).astype(np.uint8)
    with torch.no_grad():
        embedding = embedder.embed_chips(torch.tensor(chip).permute(2, 0, 1)[None].float() / 127.5 - 1)[0]
    expected = [-0.0460339, 0.1045619, 0.0190513, -0.0709831, -0.0676608, -0.0915858, -0.1020613, -0.0624416]
    np.testing.assert_allclose(embedding[:8], expected, atol=1e-5)


def test_embeddings_do_not_depend_on_the_batch(embedder):
    images = noise(5, 64)
    with torch.no_grad():
        together = embedder(images)
        alone = torch.cat([embedder(image[None]) for image in images])
    assert together.shape == (5, 128)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_gradients_reach_the_image_and_not_the_weights(embedder):
    images = noise(2, 64).requires_grad_()
    identity_distance(embedder(images), embedder(noise(2, 64).flip(3))).sum().backward()
    assert torch.isfinite(images.grad).all()
    assert (images.grad.abs().sum((1, 2, 3)) > 0).all()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in embedder.parameters())


def test_it_runs_under_bf16_autocast_close_to_fp32(embedder):
    images = noise(2, 64)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        half = embedder(images)
    with torch.no_grad():
        full = embedder(images)
    assert half.dtype == torch.float32
    assert identity_distance(half, full).max() < 0.01


def test_distance_of_known_vectors():
    a = torch.tensor([[1.0, 0], [1, 0], [1, 0]])
    b = torch.tensor([[3.0, 0], [0, 2], [-1, 0]])
    torch.testing.assert_close(identity_distance(a, b), torch.tensor([0.0, 1.0, 2.0]))


@pytest.mark.parametrize("size", [64, 128])
def test_it_tells_people_apart(embedder, shared, size):
    """Ten people of the London set, neutral and smiling, through our own detection and alignment."""
    from defgan.faces.detection import Detector
    from defgan.faces.preparation import read_photograph

    names = sorted(path.name for path in (shared / "faces/london/neutral").glob("*.jpg"))[:10]
    photographs = [
        read_photograph(shared / "faces/london" / kind / name) for kind in ("neutral", "smiling") for name in names
    ]
    found = Detector(threshold=0.9)(photographs)
    crops = np.stack(
        [
            crop(image, similarity_transform(face.points, size), size)
            for image, face in zip(photographs, found, strict=True)
        ]
    )
    with torch.no_grad():
        embeddings = embedder(torch.tensor(crops).permute(0, 3, 1, 2) / 127.5 - 1)
    neutral, smiling = embeddings[:10], embeddings[10:]
    distances = torch.stack([identity_distance(neutral, smiling.roll(shift, 0)) for shift in range(10)])
    assert distances[0].max() < distances[1:].min()
