import torch
from torch import nn

from defgan.networks.blocks import InstanceNorm2d, normalise


def derivatives(norm, features, weight, bias):
    """Output, gradients, and the gradients of a gradient's norm."""
    parts = [tensor.clone().requires_grad_(True) for tensor in (features, weight, bias)]
    out = norm(*parts)
    first = torch.autograd.grad(out.sin().sum(), parts, create_graph=True)
    second = torch.autograd.grad(first[0].square().sum(), parts[:2])
    return [out.detach(), *(tensor.detach() for tensor in first), *second]


def test_the_norm_that_keeps_the_layout_is_torchs_own_forward_backward_and_twice_backward():
    torch.manual_seed(0)
    features = torch.randn(2, 3, 6, 5, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    weight, bias = torch.rand(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)

    def theirs(x, w, b):
        return nn.functional.instance_norm(x, weight=w, bias=b, eps=1e-5)

    def ours(x, w, b):
        return normalise(x, w, b, 1e-5)

    for own, other in zip(
        derivatives(ours, features, weight, bias), derivatives(theirs, features, weight, bias), strict=True
    ):
        torch.testing.assert_close(own, other, atol=1e-4, rtol=1e-4)
    assert ours(features, weight, bias).is_contiguous(memory_format=torch.channels_last)


def test_on_a_cpu_the_norm_is_torchs_own():
    torch.manual_seed(0)
    own, other = InstanceNorm2d(3, affine=True), nn.InstanceNorm2d(3, affine=True)
    assert own.state_dict().keys() == other.state_dict().keys()
    features = torch.randn(2, 3, 6, 5)
    assert torch.equal(own(features), other(features))
