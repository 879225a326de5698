import torch

from defgan.networks.deformation import DeformationGenerator
from defgan.warp import to_offsets


def test_generator_starts_near_the_identity_and_keeps_to_its_largest_offset():
    torch.manual_seed(0)
    generator = DeformationGenerator(channels=4, residual_blocks=1, max_offset=5.0)
    images, aus = torch.rand(2, 3, 32, 32), torch.rand(2, 17)
    assert to_offsets(generator(images, aus, aus)).abs().max() < 0.5
    torch.nn.init.normal_(generator.head.weight, 0, 10.0)
    largest = to_offsets(generator(images, aus, aus)).abs().max().item()
    assert 4.5 < largest <= 5.001
