import pytest
import torch

from defgan import methods
from defgan.errors import UserError
from defgan.methods.model import create, load
from defgan.networks.blocks import Encoder
from defgan.networks.modulated import Code, DeformationGenerator, ModulatedNorm2d, TextureGenerator
from defgan.params import load_params, validate_params
from defgan.training.results import write_model
from defgan.training.trainer import Trained
from defgan.warp import to_offsets

SHOWN = ("defgan_supervised", "ganimation_supervised")


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 32, 32, generator=generator) * 2 - 1
    x, y = torch.rand(2, 2, 17, generator=generator)
    return images, x, y


def test_offsets_start_small_and_keep_to_the_largest(inputs):
    torch.manual_seed(0)
    generator = DeformationGenerator(channels=4, residual_blocks=1, max_offset=5.0)
    assert to_offsets(generator(*inputs)).abs().max() < 1
    torch.nn.init.normal_(generator.head.weight, 0, 10.0)
    assert 4.5 < to_offsets(generator(*inputs)).abs().max() <= 5.001


def test_a_texture_and_a_mask_are_in_their_ranges_and_every_weight_is_learnt(inputs):
    torch.manual_seed(0)
    generator = TextureGenerator(channels=4, residual_blocks=1)
    images, _, y = inputs
    texture, mask = generator(images, y)
    assert texture.shape == images.shape and mask.shape == (2, 1, 32, 32)
    assert texture.abs().max() <= 1 and 0 <= mask.min() <= mask.max() <= 1
    (texture.square().mean() + mask.square().mean()).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_maps_survive_the_first_norm_of_the_papers_generators_at_the_border_alone():
    torch.manual_seed(0)
    convolution, norm, *_ = Encoder(3 + 17, channels=8, residual_blocks=0)
    images, y = torch.rand(1, 3, 64, 64), torch.rand(1, 17)
    other = y.index_fill(1, torch.tensor([3]), 0)
    change = (norm(convolution(images, y)) - norm(convolution(images, other))).abs().mean((0, 1))
    assert change[0].mean() > 5 * change[20:44, 20:44].mean()


def test_one_au_and_the_brightness_reach_every_pixel(inputs):
    torch.manual_seed(0)
    generator = TextureGenerator(channels=4, residual_blocks=0).double()
    images, _, y = (tensor.double() for tensor in inputs)
    other = y.clone()
    other[:, 3] = 1 - other[:, 3]
    before = generator(images * 0.5, y)[0]
    for after in (generator(images * 0.5, other)[0], generator(images * 0.5 + 0.3, y)[0]):
        assert (after - before).abs().amin((1, 2, 3)).min() > 0


def test_a_norm_has_the_scale_and_the_shift_that_its_code_asks_for():
    torch.manual_seed(0)
    norm = ModulatedNorm2d(2)
    torch.nn.init.zeros_(norm.steer.weight)
    norm.steer.bias.data = torch.tensor([1.0, -0.5, 3.0, -7.0])
    made = norm(torch.randn(2, 2, 16, 16) * 5 + 3, torch.zeros(2, norm.steer.in_features))
    torch.testing.assert_close(made.mean((2, 3)), torch.tensor([[3.0, -7.0]] * 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(made.std((2, 3), correction=0), torch.tensor([[2.0, 0.5]] * 2), atol=1e-4, rtol=0)


def test_a_code_tells_aus_apart_from_the_start():
    torch.manual_seed(0)
    code, images = Code(17), torch.zeros(17, 3, 8, 8)
    differences = torch.cdist(code(images, torch.eye(17)), code(images, torch.zeros(17, 17)))
    assert differences.min() > 1


@pytest.mark.parametrize("name", SHOWN)
def test_a_method_is_made_and_read_back_with_them(name, inputs, tmp_path):
    params = load_params()
    changed = params.supervised.model_copy(update={"conditioning": "norms", "grid_stride": 2})
    training = params.training.model_copy(update={"channels": 4, "residual_blocks": 1, "precision": "32-true"})
    params = params.model_copy(update={"supervised": changed, "training": training})
    torch.manual_seed(0)
    model = create(name, methods.get(name).architecture(params)).eval()
    write_model(tmp_path, methods.get(name), params, Trained(model))
    assert torch.equal(load(name, tmp_path).edit(*inputs).image, model.edit(*inputs).image)
    assert any(isinstance(module, ModulatedNorm2d) for module in model.modules())


def test_they_need_offsets_at_half_the_resolution():
    raw = load_params().model_dump()
    raw["supervised"] |= {"conditioning": "norms", "grid_stride": 4}
    with pytest.raises(UserError, match=r"supervised\.conditioning: norms needs .*grid_stride: 2"):
        validate_params(raw, "params.yaml")
