import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from defgan import methods
from defgan.errors import MissingInputError, UserError
from defgan.methods import registry
from defgan.methods.model import computes_bfloat16, create, load, save_weights
from defgan.networks.discriminator import Discriminator
from defgan.networks.texture import TextureGenerator, blend
from defgan.warp import to_offsets, warp

SMALL = {"channels": 4, "residual_blocks": 1, "precision": "32-true"}


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    return torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 17), torch.rand(2, 17)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_published_sizes_of_ganimation():
    assert parameters(TextureGenerator(channels=64, residual_blocks=6)) == 8_471_296
    assert parameters(Discriminator(image_size=128, channels=64)) == 44_860_352


@pytest.mark.parametrize("size", [32, 64, 128])
def test_discriminator_ends_in_a_map_of_at_least_two_by_two(size):
    scores, aus = Discriminator(size, channels=2)(torch.zeros(1, 3, size, size))
    assert scores.shape == (1, 2, 2)
    assert aus.shape == (1, 17)


def test_blur_hides_a_pattern_of_two_pixels_and_a_random_one_dims_it_in_training():
    checks = torch.ones(1, 3, 32, 32)
    checks[..., ::2, 1::2] = checks[..., 1::2, ::2] = -1
    torch.manual_seed(0)
    discriminator = Discriminator(32, channels=4, blur=True)
    seen = []
    discriminator.trunk[0].register_forward_pre_hook(lambda _, args: seen.append(args[0].std((1, 2, 3))))
    discriminator(checks)
    assert seen[0].item() < 0.3  # the border
    discriminator.random_blur = True
    discriminator(checks.repeat(200, 1, 1, 1))
    assert seen[1].min() < 0.3 < 0.8 < seen[1].max()
    discriminator.eval()(checks)
    assert torch.equal(seen[2], seen[0])


def test_instance_noise_is_there_in_training_only():
    images = torch.rand(1, 3, 32, 32)
    discriminator = Discriminator(32, channels=4, instance_noise=0.1)
    assert not torch.equal(discriminator(images)[1], discriminator(images)[1])
    discriminator.eval()
    assert torch.equal(discriminator(images)[1], discriminator(images)[1])


def test_colors_change_in_training_only():
    images = torch.rand(4, 3, 32, 32) * 2 - 1
    discriminator = Discriminator(32, channels=4, color_change=1.0)
    assert not torch.equal(discriminator(images)[1], discriminator(images)[1])
    discriminator.eval()
    assert torch.equal(discriminator(images)[1], discriminator(images)[1])


def test_versions_of_the_same_images_are_seen_alike():
    """In training each image has its own noise, colours and filter, the same for all versions of it."""
    torch.manual_seed(0)
    discriminator = Discriminator(32, channels=4, instance_noise=0.1, color_change=1.0, blur=True)
    discriminator.random_blur = True
    seen = []
    discriminator.trunk[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    discriminator(image.repeat(6, 1, 1, 1), versions=3)
    first, second, third = seen[0].chunk(3)
    assert torch.equal(first, second) and torch.equal(first, third)
    assert not torch.equal(first[0], first[1])


def test_a_mask_of_0_keeps_the_images_and_one_of_1_replaces_them():
    images, texture = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    assert torch.equal(blend(torch.zeros(1, 1, 4, 4), texture, images), images)
    assert torch.equal(blend(torch.ones(1, 1, 4, 4), texture, images), texture)


def test_defgan_composes_deformation_and_texture(inputs):
    model = create("defgan", {**SMALL, "max_offset": 5.0})
    edit = model.edit(*inputs)
    assert torch.allclose(edit.deformed, warp(edit.grid, inputs[0]))
    assert torch.allclose(edit.image, edit.mask * edit.texture + (1 - edit.mask) * edit.deformed)


@pytest.mark.parametrize("name", ["defgan", "ganimation"])
def test_every_condition_reaches_the_output(name, inputs):
    model = create(name, {**SMALL, "max_offset": 5.0} if name == "defgan" else SMALL)
    images, x, y = inputs
    base = model.edit(images, x, y)
    assert not torch.equal(base.image, model.edit(images, x, 1 - y).image)
    if name == "defgan":
        assert not torch.equal(base.grid, model.edit(images, 1 - x, y).grid)


def test_a_saved_model_edits_as_before(tmp_path, inputs):
    model = create("ganimation", SMALL)
    save_file(model.state_dict(), tmp_path / "ganimation.safetensors")
    (tmp_path / "ganimation.json").write_text(json.dumps({"architecture": SMALL}))
    assert torch.equal(load("ganimation", tmp_path).edit(*inputs).image, model.edit(*inputs).image)


def test_what_the_deformation_is_stands_beside_the_weights(tmp_path, inputs):
    architecture = {**SMALL, "max_offset": 5.0, "deformation": "spacing"}
    model = create("defgan", architecture)
    torch.nn.init.normal_(model.deformation.head.weight, 0, 0.1)
    save_file(model.state_dict(), tmp_path / "defgan.safetensors")
    made = {}
    for key in ("deformation", "nothing"):  # weights of before there was a choice say nothing of it
        told = {name: value for name, value in architecture.items() if name != key}
        (tmp_path / "defgan.json").write_text(json.dumps({"architecture": told}))
        made[key] = load("defgan", tmp_path).edit(*inputs).grid
    assert torch.equal(made["nothing"], model.edit(*inputs).grid)
    assert made["nothing"][..., 0].diff(dim=2).min() > 0
    assert to_offsets(made["deformation"]).abs().max() <= 5.001


def test_ablations_of_defgan_leave_its_supervised_twin_whole(params):
    params = params.model_copy(update={"use_texture": False, "deformation": "spacing", "max_offset": 3.0})
    assert (
        methods.get("defgan").architecture(params).items() >= {"deformation": "spacing", "use_texture": False}.items()
    )
    assert methods.get("defgan_supervised").architecture(params) == {
        **{key: getattr(params.training, key) for key in ("channels", "residual_blocks", "precision")},
        **{
            key: getattr(params.supervised, key) for key in ("conditioning", "deformation", "max_offset", "grid_stride")
        },
        "use_deformation": True,
        "use_texture": True,
    }


def test_missing_weights_name_the_file_and_the_remedy(tmp_path):
    with pytest.raises(MissingInputError, match=r"defgan\.safetensors.*not trained yet"):
        load("defgan", tmp_path)


def test_copy_returns_its_input(inputs):
    images, x, y = inputs
    edit = load("copy").edit(images.clone(), x, y)
    assert torch.equal(edit.image, images)
    assert edit.deformed is edit.grid is edit.mask is edit.texture is None


def test_an_unknown_method_is_named_with_the_file_of_those_that_are_known():
    with pytest.raises(UserError, match=r"defgun: no such method; defgan/methods/registry\.py lists them"):
        methods.get("defgun")
    with pytest.raises(UserError, match="base: no such method"):
        methods.get("base")


def test_every_method_has_a_name_a_label_and_a_colour_of_its_own():
    for key in ("name", "label", "colour"):
        values = [getattr(method, key) for method in registry.every()]
        assert len(set(values)) == len(values) and all(values), key
    assert tuple(method.name for method in registry.every()) == registry.NAMES
    for method in registry.trained():
        assert method.rival in ("", *registry.NAMES), method.name


def test_every_term_has_a_coefficient_of_its_method_and_a_name_of_its_own():
    for method in registry.trained():
        names = [term.name for term in method.terms()]
        assert len(set(names)) == len(names), method.name
        sharing = [other for other in registry.trained() if other.Coefficients is method.Coefficients]
        keys = {term.coefficient for other in sharing for term in other.terms()} - {""}
        lambdas = {key for key in method.Coefficients.model_fields if key.startswith("lambda_")}
        assert keys == lambdas, method.name


def test_descriptions_are_read_without_torch():
    code = "import sys; from defgan import params; from defgan.methods import registry; registry.every()"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("computes", "precision"), [(True, "bf16-mixed"), (False, "bf16-mixed"), (True, "32-true")])
def test_bfloat16_is_used_where_it_is_asked_for_and_the_device_computes_in_it(monkeypatch, computes, precision):
    monkeypatch.setattr("defgan.methods.model.computes_bfloat16", lambda device: computes)
    model = create("ganimation", SMALL | {"precision": precision})
    with model.autocast(torch.zeros(1)):
        assert torch.is_autocast_enabled("cpu") == (computes and precision == "bf16-mixed")


@pytest.mark.parametrize(
    ("machine", "instructions", "computes"),
    [
        ("x86_64", {}, False),  # AVX-512 alone: oneDNN emulates
        ("AMD64", {"_is_avx512_bf16_supported"}, True),
        ("x86_64", {"_is_amx_tile_supported"}, True),
        ("aarch64", {}, True),
    ],
)
def test_an_emulation_of_bfloat16_does_not_count(monkeypatch, machine, instructions, computes):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in instructions)
    assert computes_bfloat16(torch.device("cpu")) == computes


def test_weights_are_written_as_other_files_are(tmp_path):
    weights = {"kernel": torch.rand(4, 3, 2, 2).to(memory_format=torch.channels_last), "bias": torch.rand(4).half()}
    before = os.umask(0o027)
    try:
        save_weights(weights, tmp_path / "net.safetensors")
    finally:
        os.umask(before)
    assert (tmp_path / "net.safetensors").stat().st_mode & 0o777 == 0o640
    read = load_file(tmp_path / "net.safetensors")
    assert all(torch.equal(read[key], value) for key, value in weights.items()) and len(read) == 2
