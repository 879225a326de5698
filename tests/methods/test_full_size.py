"""The networks at the paper's size: 128 px, 64 channels, 6 residual blocks (App. D.1)."""

import pytest
import torch
from torch import Tensor, nn

from defgan.facs import N_AUS
from defgan.methods.model import create
from defgan.networks.blocks import ConditionedConv2d, Encoder, ResidualBlock
from defgan.networks.deformation import DeformationGenerator
from defgan.networks.discriminator import Discriminator
from defgan.networks.texture import TextureGenerator

SIZE, CHANNELS, BLOCKS = 128, 64, 6
CONVOLUTIONS = nn.Conv2d | nn.ConvTranspose2d


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return {
        "deformation": DeformationGenerator(CHANNELS, BLOCKS, max_offset=5.0),
        "texture": TextureGenerator(CHANNELS, BLOCKS),
        "discriminator": Discriminator(SIZE, CHANNELS),
    }


def inputs(name: str) -> tuple[Tensor, ...]:
    images, x, y = torch.rand(1, 3, SIZE, SIZE) * 2 - 1, torch.rand(1, N_AUS), torch.rand(1, N_AUS)
    return {"deformation": (images, x, y), "texture": (images, y), "discriminator": (images,)}[name]


def convolutions(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, CONVOLUTIONS)]


def convolved(in_channels: int, out_channels: int, kernel: int, bias: bool = False) -> int:
    """Parameters of a convolution."""
    return in_channels * out_channels * kernel**2 + bias * out_channels


def normalised(channels: int) -> int:
    """Parameters of an affine normalisation."""
    return 2 * channels


def encoder_parameters(in_channels: int) -> int:
    residual = 2 * (convolved(256, 256, 3) + normalised(256))
    return (
        convolved(in_channels, 64, 7)
        + normalised(64)
        + convolved(64, 128, 4)
        + normalised(128)
        + convolved(128, 256, 4)
        + normalised(256)
        + 6 * residual
    )


ENCODER = [(64, 128, 128), (128, 64, 64), (256, 32, 32), *[(256, 32, 32)] * 12]
SHAPES = {
    "deformation": [*ENCODER, (2, 32, 32)],
    "texture": [*ENCODER, (128, 64, 64), (64, 128, 128), (3, 128, 128), (1, 128, 128)],
    "discriminator": [
        (64, 64, 64),
        (128, 32, 32),
        (256, 16, 16),
        (512, 8, 8),
        (1024, 4, 4),
        (2048, 2, 2),
        (1, 2, 2),
        (N_AUS, 1, 1),
    ],
}
OUTPUTS = {
    "deformation": [(1, 128, 128, 2)],
    "texture": [(1, 3, 128, 128), (1, 1, 128, 128)],
    "discriminator": [(1, 2, 2), (1, N_AUS)],
}
KERNELS = {
    "deformation": [7, 4, 4, *[3] * 12, 7],
    "texture": [7, 4, 4, *[3] * 12, 4, 4, 7, 7],
    "discriminator": [4] * 6 + [3, 2],
}
PARAMETERS = {
    # Image, x and y in; one convolution to offsets at a quarter of the resolution.
    "deformation": encoder_parameters(3 + 2 * 17) + convolved(256, 2, 7),
    # Image and y in; two up-convolutions; heads for colour and mask.
    "texture": encoder_parameters(3 + 17)
    + convolved(256, 128, 4)
    + normalised(128)
    + convolved(128, 64, 4)
    + normalised(64)
    + convolved(64, 3, 7)
    + convolved(64, 1, 7),
    "discriminator": sum(
        convolved(a, b, 4, bias=True) for a, b in [(3, 64), *((64 * 2**i, 128 * 2**i) for i in range(5))]
    )
    + convolved(2048, 1, 3)
    + convolved(2048, 17, 2),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_layer_by_layer(name, networks):
    shapes = []
    layers = convolutions(networks[name])
    hooks = [layer.register_forward_hook(lambda *seen: shapes.append(tuple(seen[2].shape[1:]))) for layer in layers]
    with torch.no_grad():
        outputs = networks[name](*inputs(name))
    for hook in hooks:
        hook.remove()
    assert shapes == SHAPES[name]
    assert [layer.kernel_size for layer in layers] == [(kernel, kernel) for kernel in KERNELS[name]]
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert [tuple(output.shape) for output in outputs] == OUTPUTS[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_numbers_of_parameters_are_those_of_the_layers(name, networks):
    assert sum(p.numel() for p in networks[name].parameters()) == PARAMETERS[name]


def test_numbers_of_parameters_of_the_models():
    # GANimation's as its reference code prints them; DefGAN adds the deformation generator.
    assert PARAMETERS["texture"] == 8_471_296
    assert PARAMETERS["discriminator"] == 44_860_352
    arguments = {"channels": CHANNELS, "residual_blocks": BLOCKS, "precision": "32-true"}
    sizes = {
        "ganimation": sum(p.numel() for p in create("ganimation", arguments).parameters()),
        "defgan": sum(p.numel() for p in create("defgan", {**arguments, "max_offset": 5.0}).parameters()),
    }
    assert sizes == {"ganimation": 8_471_296, "defgan": 8_471_296 + PARAMETERS["deformation"]}


@pytest.mark.parametrize("name", SHAPES)
def test_every_padding_is_zero_padding(name, networks):
    assert {layer.padding_mode for layer in convolutions(networks[name])} == {"zeros"}
    assert not [m for m in networks[name].modules() if type(m).__name__.startswith(("Reflection", "Replication"))]


@pytest.mark.parametrize(("name", "count"), [("deformation", 15), ("texture", 17), ("discriminator", 0)])
def test_every_normalisation_is_an_affine_instance_norm(name, count, networks):
    norms = [m for m in networks[name].modules() if isinstance(m, nn.modules.batchnorm._NormBase | nn.GroupNorm)]
    assert len(norms) == count
    assert all(isinstance(m, nn.InstanceNorm2d) and m.affine and not m.track_running_stats for m in norms)


def test_leaky_slopes_of_the_discriminator(networks):
    activations = [m for m in networks["discriminator"].modules() if isinstance(m, nn.LeakyReLU)]
    assert [m.negative_slope for m in activations] == [0.01] * 6


@pytest.mark.parametrize("name", SHAPES)
def test_convolutions_start_normal_with_a_deviation_of_0_02(name, networks):
    for index, layer in enumerate(convolutions(networks[name])):
        weights = layer.weight.detach().flatten()
        deviation = 1e-3 if (name, index) == ("deformation", 15) else 0.02
        # Six standard errors of the mean, of the deviation and of the share within one deviation (0.6827).
        z, error = weights / deviation, 6 / len(weights) ** 0.5
        assert abs(z.mean().item()) < error, index
        assert abs(z.std().item() - 1) < error / 2**0.5, index
        assert abs((z.abs() < 1).float().mean().item() - 0.6827) < 0.5 * error, index
        assert layer.bias is None or not layer.bias.any(), index


def test_a_residual_block_adds_to_its_input():
    # Negative ones too: there is no activation behind the sum.
    block, features = ResidualBlock(8), torch.linspace(-1, 1, 8 * 36).reshape(1, 8, 6, 6)
    nn.init.zeros_(block.body[-1].weight)
    assert torch.equal(block(features), features)


@pytest.mark.parametrize("au", range(N_AUS))
def test_each_action_unit_reaches_every_output(au):
    torch.manual_seed(1)
    deformation, texture = DeformationGenerator(8, 2, max_offset=5.0), TextureGenerator(8, 2)
    images, x, y = torch.rand(1, 3, 32, 32) * 2 - 1, torch.rand(1, N_AUS), torch.rand(1, N_AUS)
    other = torch.zeros(1, N_AUS)
    other[0, au] = 0.5

    def change(a: Tensor, b: Tensor) -> float:
        """Largest difference, as a share of the range."""
        return ((a - b).abs().max() / (a.max() - a.min())).item()

    with torch.no_grad():
        offsets = [deformation.head(deformation.encoder(images, *c)) for c in ((x, y), (x + other, y))]
        assert change(*offsets) > 0.01
        offsets[1] = deformation.head(deformation.encoder(images, x, y + other))
        assert change(*offsets) > 0.01
        for a, b in zip(texture(images, y), texture(images, y + other), strict=True):
            assert change(a, b) > 0.01


class WithMaps(nn.Conv2d):
    """The published first layer: the conditions appended to the images as constant maps, then convolved."""

    def forward(self, images: Tensor, conditions: Tensor) -> Tensor:
        maps = conditions[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return super().forward(torch.cat([images, maps], dim=1))


@pytest.mark.parametrize("shape", [(32, 32), (24, 40), (4, 4)])
def test_the_first_layer_convolves_images_and_constant_maps(shape):
    torch.manual_seed(0)
    own, published = (kind(3 + N_AUS, 8, 7, padding=3, bias=False) for kind in (ConditionedConv2d, WithMaps))
    published.load_state_dict(own.state_dict())
    images, y = torch.rand(2, 3, *shape), torch.rand(2, N_AUS)
    results = [layer(images, y) for layer in (own, published)]
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)
    gradients = [
        torch.autograd.grad(result.square().sum(), layer.weight)[0]
        for result, layer in zip(results, (own, published), strict=True)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


def test_an_edit_leaves_nothing_behind_that_training_cannot_use():
    layer = ConditionedConv2d(3 + N_AUS, 8, 7, padding=3, bias=False)
    images, y = torch.rand(2, 3, 20, 20), torch.rand(2, N_AUS)
    with torch.inference_mode():
        layer(images, y)
    layer(images, y).sum().backward()
    assert layer.weight.grad.isfinite().all()


def test_reflection_padding_would_let_instance_norm_erase_the_condition():
    """Why the padding is zero: a constant map stays constant in a convolution that sees it go on beyond the border."""
    torch.manual_seed(0)
    encoder = Encoder(3 + N_AUS, channels=8, residual_blocks=1)
    encoder[0] = WithMaps(3 + N_AUS, 8, 7, padding=3, bias=False)
    images, y = torch.rand(2, 3, 32, 32), torch.rand(2, N_AUS)

    def change() -> float:
        with torch.no_grad():
            return (encoder(images, y) - encoder(images, 1 - y)).abs().max().item()

    assert change() > 0.5
    convolutions(encoder)[0].padding_mode = "reflect"
    assert change() < 1e-3
