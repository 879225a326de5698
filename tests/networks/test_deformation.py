import pytest
import torch

from defgan.networks.deformation import DeformationGenerator, bounded_spacing
from defgan.warp import identity_grid, to_offsets


def grids(generator: DeformationGenerator) -> torch.Tensor:
    images, aus = torch.rand(2, 3, 32, 32), torch.rand(2, 17)
    return generator(images, aus, 1 - aus)


def test_offsets_start_small_and_keep_to_the_largest():
    torch.manual_seed(0)
    generator = DeformationGenerator(channels=4, residual_blocks=1, max_offset=5.0)
    assert to_offsets(grids(generator)).abs().max() < 0.5
    torch.nn.init.normal_(generator.head.weight, 0, 10.0)
    largest = to_offsets(grids(generator)).abs().max().item()
    assert 4.5 < largest <= 5.001


@pytest.mark.parametrize("stride", [4, 2])
def test_spacings_start_as_the_identity_and_keep_to_the_largest(stride):
    torch.manual_seed(0)
    generator = DeformationGenerator(4, 1, max_offset=5.0, grid_stride=stride, deformation="spacing")
    torch.testing.assert_close(grids(generator), identity_grid(32, 32).expand(2, -1, -1, -1))
    torch.nn.init.normal_(generator.head.weight, 0, 10.0)
    grid = grids(generator)
    # In [-1, 1], 5 / size at most; nearly 0 where the sigmoid is.
    for steps in (grid[..., 0].diff(dim=2), grid[..., 1].diff(dim=1)):
        assert -1e-6 <= steps.min() < 0.1 / 32 and 4.5 / 32 < steps.max() < 5.001 / 32
    generator.zero_grad()
    grid.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in generator.parameters())


def test_a_spacing_is_the_sigmoid_times_the_largest_and_one_at_0():
    features = torch.tensor([-30.0, 0.0, 30.0], dtype=torch.float64)
    torch.testing.assert_close(bounded_spacing(features, 5.0), torch.tensor([0, 1, 2.5], dtype=torch.float64))
    # sigmoid(0.5 − ln 1.5) = 1 / (1 + 1.5·e^−0.5)
    assert bounded_spacing(torch.tensor(0.5), 5.0).item() == pytest.approx(2.5 / (1 + 1.5 * 2.718281828**-0.5))
    assert torch.autograd.gradcheck(lambda x: bounded_spacing(x, 5.0), torch.randn(9, dtype=float, requires_grad=True))
