import hashlib
import urllib.request
from typing import get_args

import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from torch import nn

from defgan import fields
from defgan import weight_files as weights
from defgan.alignment import crop, similarity_transform
from defgan.errors import UserError
from defgan.evaluation.identity import DISTANCE_NAMES
from defgan.faces.embedders import EMBEDDERS, identity_distance, load_embedder
from defgan.faces.embedders.openface_nn4 import OpenFaceNN4Small2, _Inception

DIMENSIONS = {
    "dlib-resnet-128": 128,
    "facenet-vggface2": 512,
    "facenet-casia-webface": 512,
    "openface-nn4.small2": 128,
}
DOWNLOADED = ("facenet-vggface2", "facenet-casia-webface", "openface-nn4.small2")


def randomise(network: nn.Module) -> nn.Module:
    """Weights that keep the scale of the features, and statistics that differ from those of a fresh batch norm."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
    return network.eval()


@pytest.fixture(scope="module")
def networks():
    """Full networks with random weights, by the name of the embedder."""
    facenet = randomise(InceptionResnetV1(pretrained=None, classify=False))
    openface = randomise(OpenFaceNN4Small2())
    return {"facenet-vggface2": facenet, "facenet-casia-webface": facenet, "openface-nn4.small2": openface}


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    """A cache with the networks' state dicts as they are published: FaceNet's with the classifier of its training."""
    folder = tmp_path_factory.mktemp("weights")
    for name in DOWNLOADED:
        state = networks[name].state_dict()
        if name.startswith("facenet"):
            state |= {"logits.weight": torch.zeros(7, 512), "logits.bias": torch.zeros(7)}
        torch.save(state, folder / weights.WEIGHTS[name].path)
    return folder


@pytest.fixture(scope="module")
def digests(files):
    """The hashes of those files, which have 200 MB."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files.iterdir()}


@pytest.fixture
def load(files, digests, monkeypatch):
    """`load_embedder`, which finds those files in its cache and their hashes pinned."""
    monkeypatch.setattr(weights, "CACHE", files)
    for name in DOWNLOADED:
        path = weights.WEIGHTS[name].path
        digest = digests[path]
        monkeypatch.setitem(weights.WEIGHTS, name, weights.WeightFile(path=path, licence="", sha256=digest))
    weights.weights_path.cache_clear()
    yield load_embedder
    weights.weights_path.cache_clear()


@pytest.fixture(scope="module")
def dlib_embedder():
    return load_embedder("dlib-resnet-128")


def noise(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_it_computes_what_dlib_computes(dlib_embedder):
    """dlib 20.0.1's `compute_face_descriptor` on a gradient: the first eight of its 128 numbers."""
    rows, columns = np.mgrid[:150, :150]
    chip = np.stack([rows, columns, 150 - rows], 2).astype(np.uint8)
    with torch.no_grad():
        embedding = dlib_embedder.embed_chips(torch.tensor(chip).permute(2, 0, 1)[None].float() / 127.5 - 1)[0]
    expected = [-0.0460339, 0.1045619, 0.0190513, -0.0709831, -0.0676608, -0.0915858, -0.1020613, -0.0624416]
    np.testing.assert_allclose(embedding[:8], expected, atol=1e-5)


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embeddings_do_not_depend_on_the_batch(name, load):
    embedder, images = load(name), noise(3, 64)
    with torch.no_grad():
        together = embedder(images)
        alone = torch.cat([embedder(image[None]) for image in images])
    assert together.shape == (3, DIMENSIONS[name])
    assert together.dtype == torch.float32
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    # Other faces are embedded elsewhere: the network looks at its input.
    assert identity_distance(together[:1], together[1:2]).item() > 1e-4


@pytest.mark.parametrize("name", EMBEDDERS)
def test_gradients_reach_the_image_and_not_the_weights(name, load):
    embedder, images = load(name), noise(2, 64).requires_grad_()
    identity_distance(embedder(images), embedder(noise(2, 64).flip(3))).sum().backward()
    assert torch.isfinite(images.grad).all()
    assert (images.grad.abs().sum((1, 2, 3)) > 0).all()
    assert not embedder.training
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in embedder.parameters())


@pytest.mark.parametrize("name", EMBEDDERS)
def test_it_runs_under_bf16_autocast_close_to_fp32(name, load):
    embedder, images = load(name), noise(2, 64)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        half = embedder(images)
    with torch.no_grad():
        full = embedder(images)
    assert half.dtype == torch.float32
    assert identity_distance(half, full).max() < 0.01


@pytest.mark.parametrize("size", [96, 160, 200])
def test_facenet_sees_pixels_less_127_5_over_128_at_160(size, load, networks):
    images = noise(1, size)
    resized = nn.functional.interpolate(images, (160, 160), mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = networks["facenet-vggface2"](((resized + 1) * 127.5 - 127.5) / 128)
        torch.testing.assert_close(load("facenet-vggface2")(images), expected, atol=1e-5, rtol=1e-4)


def test_openface_sees_0_to_1_at_96(load):
    embedder = load("openface-nn4.small2")
    seen = []
    embedder.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    embedder(torch.ones(1, 3, 40, 40))
    embedder(-torch.ones(1, 3, 40, 40))
    torch.testing.assert_close(seen[0], torch.ones(1, 3, 96, 96))
    torch.testing.assert_close(seen[1], torch.zeros(1, 3, 96, 96))


def test_published_numbers_of_parameters(load):
    # OpenFace's documentation; torchsummary's 27,910,327 for VGGFace2, less the classifier of its 8631 people.
    assert parameters(load("openface-nn4.small2")) == 3_733_968
    assert parameters(load("facenet-vggface2")) == 27_910_327 - 8631 * 513


def test_openface_layers_have_the_sizes_of_its_definition(load):
    embedder = load("openface-nn4.small2")
    shapes = {}
    for layer, module in embedder.named_children():
        module.register_forward_hook(lambda _, __, output, layer=layer: shapes.update({layer: tuple(output.shape[1:])}))
    embedder(noise(1, 96))
    assert shapes == {
        "conv1": (64, 48, 48),
        "bn1": (64, 48, 48),
        "conv2": (64, 24, 24),
        "bn2": (64, 24, 24),
        "conv3": (192, 24, 24),
        "bn3": (192, 24, 24),
        "incept3a": (256, 12, 12),
        "incept3b": (320, 12, 12),
        "incept3c": (640, 6, 6),
        "incept4a": (640, 6, 6),
        "incept4e": (1024, 3, 3),
        "incept5a": (736, 3, 3),
        "incept5b": (736, 3, 3),
        "ln": (128,),
    }


def test_openface_keys_are_those_of_its_own_conversion():
    """`conversion/convert_to_pytorch.py` of OpenFace fills these (branch, layer) of each inception block."""
    full = {"conv": "00 03 10 13 21 30", "norm": "01 04 11 14 22 31"}
    strided = {"conv": "00 03 10 13", "norm": "01 04 11 14"}
    single = {"conv": "00 03 11 20", "norm": "01 04 12 21"}
    blocks = {"3a": full, "3b": full, "3c": strided, "4a": full, "4e": strided, "5a": single, "5b": single}
    places = {"conv": ["conv1", "conv2", "conv3", "ln"], "norm": ["bn1", "bn2", "bn3"]}
    for block, layers in blocks.items():
        for kind, indices in layers.items():
            places[kind] += [f"incept{block}.branches.{branch}.{layer}" for branch, layer in indices.split()]
    expected = {f"{place}.{key}" for place in places["conv"] for key in ("weight", "bias")}
    statistics = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected |= {f"{place}.{key}" for place in places["norm"] for key in statistics}
    assert OpenFaceNN4Small2().state_dict().keys() == expected


def test_openface_pads_a_smaller_branch_evenly():
    block = _Inception(1, ((3, 1, 1),), nn.AvgPool2d(3)).eval()
    pooled = block(torch.ones(1, 1, 12, 12))[0, 1]
    expected = torch.zeros(12, 12)
    expected[4:8, 4:8] = 1
    assert torch.equal(pooled, expected)


def test_every_embedder_has_a_pinned_file_and_a_label():
    assert EMBEDDERS.keys() <= weights.WEIGHTS.keys()
    assert EMBEDDERS.keys() == set(get_args(fields.Embedder))
    assert DISTANCE_NAMES.keys() == EMBEDDERS.keys() == DIMENSIONS.keys()
    assert len(set(DISTANCE_NAMES.values())) == len(DISTANCE_NAMES)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match=r"facenet: no such embedder; choose one of dlib-resnet-128, facenet-vggface2"):
        load_embedder("facenet")


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_file_that_is_not_the_published_one_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "CACHE", tmp_path)
    weights.weights_path.cache_clear()
    torch.save({}, tmp_path / weights.WEIGHTS[name].path)
    with pytest.raises(UserError, match=r"(SHA-256|MD5) is [0-9a-f]+, expected [0-9a-f]+; delete it"):
        load_embedder(name)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_file_that_cannot_be_downloaded_is_named_with_its_address(name, tmp_path, monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(weights, "CACHE", tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    weights.weights_path.cache_clear()
    with pytest.raises(UserError) as caught:
        load_embedder(name)
    assert str(tmp_path / weights.WEIGHTS[name].path) in str(caught.value)
    assert weights.WEIGHTS[name].url in str(caught.value)
    assert "get the file by other means and put it there" in str(caught.value)


def test_distance_of_known_vectors():
    a = torch.tensor([[1.0, 0], [1, 0], [1, 0]])
    b = torch.tensor([[3.0, 0], [0, 2], [-1, 0]])
    torch.testing.assert_close(identity_distance(a, b), torch.tensor([0.0, 1.0, 2.0]))


@pytest.mark.parametrize("size", [64, 128])
def test_it_tells_people_apart(dlib_embedder, shared, size):
    """Ten people of the London set, neutral and smiling, through our own detection and alignment."""
    from defgan.faces.detection import Detector
    from defgan.photographs import read_photograph

    names = sorted(path.name for path in (shared / "faces/london/neutral").glob("*.jpg"))[:10]
    photographs = [
        read_photograph(shared / "faces/london" / kind / name).pixels
        for kind in ("neutral", "smiling")
        for name in names
    ]
    found = Detector(threshold=0.9)(photographs)
    crops = np.stack(
        [
            crop(image, similarity_transform(face.points, size), size)
            for image, face in zip(photographs, found, strict=True)
        ]
    )
    with torch.no_grad():
        embeddings = dlib_embedder(torch.tensor(crops).permute(0, 3, 1, 2) / 127.5 - 1)
    neutral, smiling = embeddings[:10], embeddings[10:]
    distances = torch.stack([identity_distance(neutral, smiling.roll(shift, 0)) for shift in range(10)])
    assert distances[0].max() < distances[1:].min()
