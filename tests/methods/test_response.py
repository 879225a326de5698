import pytest
import torch

from defgan.methods.losses import change_loss, expression_loss
from defgan.methods.response import RIDGE, Response, eliminate


def test_the_response_is_the_linear_part_of_the_reading():
    """Readings made by a known matrix, with noise, a constant of their own and AUs that go together."""
    torch.manual_seed(0)
    matrix = torch.tensor([[0.5, 0.0, 0.1], [0.0, 0.3, 0.0], [0.2, 0.0, 0.8]])
    response = Response(3)
    for _ in range(200):
        x = torch.rand(64, 3)
        x[:, 1] = (x[:, 0] + x[:, 1]) / 2
        response.update(response.moments(x @ matrix.T + 4 + 0.1 * torch.randn(64, 3), x))
    torch.testing.assert_close(response.matrix(), matrix, rtol=0, atol=0.05)


def test_the_response_follows_a_discriminator_that_learns():
    response, x = Response(2), torch.eye(2).repeat(50, 1)
    for slope in [0.1] * 100 + [0.9] * 300:
        response.update(response.moments(slope * x, x))
    assert response.matrix()[0, 0] - response.matrix()[0, 1] == pytest.approx(0.9, abs=0.02)


def test_halves_of_a_batch_average_to_its_moments():
    torch.manual_seed(0)
    response, reading, x = Response(4), torch.rand(8, 4), torch.rand(8, 4)
    halves = [response.moments(r, c) for r, c in zip(reading.chunk(2), x.chunk(2), strict=True)]
    torch.testing.assert_close(torch.stack(halves).mean(0), response.moments(reading, x))


def test_a_unit_that_never_occurs_has_no_response():
    torch.manual_seed(0)
    response, x = Response(2), torch.rand(100, 2) * torch.tensor([1.0, 0.0])
    response.update(response.moments(x, x))
    assert response.matrix().isfinite().all()
    assert response.matrix()[:, 1].abs().max() == 0


def test_elimination_solves_as_the_library_does():
    """Also with AUs that go together and one that never occurs, where the ridge alone makes a solution."""
    torch.manual_seed(0)
    x = torch.rand(64, 18)
    x[:, 1], x[:, 2], x[:, 17] = x[:, 0], 0, 1
    system, right = x.T @ x / 64 + RIDGE * torch.eye(18), torch.randn(18, 17)
    exact = torch.linalg.solve(system.double(), right.double()).float()
    torch.testing.assert_close(eliminate(system, right), exact, rtol=1e-3, atol=1e-3 * exact.abs().max().item())


def test_changes_are_measured_in_units_of_intensity():
    """D_exp reads half of each unit: no change at all misses (y − x)², the right change nothing."""
    before, change = torch.rand(3, 5) + 9, torch.rand(3, 5) - 0.5
    half = 0.5 * torch.eye(5)
    assert change_loss(before, before, change, half).item() == pytest.approx(change.square().mean().item())
    assert change_loss(before, before + change / 2, change, half).item() == pytest.approx(0, abs=1e-10)


def test_where_d_exp_reads_exactly_it_is_equation_9():
    x, y, after = torch.rand(3, 5), torch.rand(3, 5), torch.rand(3, 5)
    assert change_loss(x, after, y - x, torch.eye(5)).item() == pytest.approx(expression_loss(after, y).item())


def test_a_discriminator_that_has_learnt_nothing_does_not_divide_by_zero():
    zeros = torch.zeros(2, 3)
    assert change_loss(zeros, zeros, torch.ones(2, 3), torch.zeros(3, 3)).item() == 0
