from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from defgan.methods import losses
from defgan.methods.base import Term
from defgan.networks.discriminator import Discriminator
from defgan.warp import compose, identity_grid, to_offsets
from tests.grids import shift


class LinearCritic(torch.nn.Module):
    """D_c(ℐ) = ⟨w, ℐ⟩, whose gradient is w everywhere."""

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.weight = weight

    def forward(self, images):
        return (images * self.weight).sum((1, 2, 3))[:, None], None


def test_eq_7_critic_and_eq_8_adversarial():
    fake, real = torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]])
    assert losses.critic_loss(fake, real) == pytest.approx(1.5)
    assert losses.adversarial_loss(fake) == pytest.approx(-2.0)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_eq_7_penalty_of_a_linear_critic(scale):
    weight = torch.zeros(3, 4, 4)
    weight[0, 1, 2], weight[2, 3, 3] = 0.6 * scale, 0.8 * scale
    real, fake = torch.rand(5, 3, 4, 4), torch.rand(5, 3, 4, 4)
    norms = losses.gradient_norms(LinearCritic(weight), real, fake, torch.rand(5))
    assert norms.tolist() == pytest.approx([scale] * 5, abs=1e-5)
    penalty = losses.gradient_penalty(norms)
    assert penalty.item() == pytest.approx((scale - 1) ** 2, abs=1e-5)


def test_eq_7_penalty_looks_between_real_and_fake():
    class Square(torch.nn.Module):
        def forward(self, images):
            return 0.5 * images.square().sum((1, 2, 3))[:, None], None

    real, fake = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    # The gradient is Î itself, 0.25 here.
    penalty = losses.gradient_penalty(losses.gradient_norms(Square(), real, fake, torch.tensor([0.25])))
    assert penalty.item() == pytest.approx(0.75**2)


@pytest.mark.parametrize(("reduction", "squared"), [("mean", 1.5**2 + 4**2), ("sum", 3**2 + 8**2)])
def test_eq_7_penalty_of_a_critic_with_patches_is_on_the_gradient_of_their_mean_or_sum(reduction, squared):
    class TwoPatches(torch.nn.Module):
        """Patch scores 3·a and 8·b, where a and b are two pixels; their mean has the gradient (1.5, 4)."""

        def forward(self, images):
            return torch.stack([3 * images[:, 0, :1, 0], 8 * images[:, 0, :1, 1]], dim=2), None

    real, fake = torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2)
    norms = losses.gradient_norms(TwoPatches(), real, fake, torch.rand(3), reduction)
    assert norms.tolist() == pytest.approx([squared**0.5] * 3, rel=1e-5)


def test_eq_7_the_published_codes_norms_are_four_times_ours_on_the_2_by_2_patches_of_d():
    torch.manual_seed(0)
    images = (Discriminator(32, channels=4), torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32), torch.rand(2))
    mean, total = (losses.gradient_norms(*images, reduction) for reduction in ("mean", "sum"))
    assert mean.min() > 0
    torch.testing.assert_close(total, 4 * mean)


def test_eq_7_penalty_is_of_each_image_before_the_mean():
    # Not (2 − 1)², which the mean norm would give.
    assert losses.gradient_penalty(torch.tensor([1.0, 3.0])).item() == pytest.approx((0 + 4) / 2)


def test_eq_7_penalty_of_a_flat_critic_has_a_finite_gradient():
    weight = torch.nn.Parameter(torch.zeros(1, 2, 2))
    images = torch.rand(2, 1, 2, 2)
    losses.gradient_penalty(losses.gradient_norms(LinearCritic(weight), images, images, torch.rand(2))).backward()
    assert torch.isfinite(weight.grad).all()


def test_the_adversarial_perturbation_goes_along_the_gradient_by_a_length_of_its_own_in_each_image():
    images = torch.rand(2, 3, 4, 4)
    gradient = torch.randn(2, 3, 4, 4) * torch.tensor([1e-6, 1e3])[:, None, None, None]
    change = losses.perturb(images, gradient, 0.02) - images
    assert change.square().mean((1, 2, 3)).sqrt().tolist() == pytest.approx([0.02, 0.02], rel=1e-3)
    assert F.cosine_similarity(change.flatten(1), gradient.flatten(1)).tolist() == pytest.approx([1, 1], abs=1e-4)
    assert torch.equal(losses.perturb(images, torch.zeros_like(images), 0.02), images)


def test_eq_9_is_a_mean_over_batch_and_aus_whose_weight_is_independent_of_the_batch():
    predicted, wanted = torch.tensor([[1.0, 0.0], [0.0, 0.5]]), torch.zeros(2, 2)
    assert losses.expression_loss(predicted, wanted).item() == pytest.approx(1.25 / 4)
    term = Term("exp", "eq. 9", "lambda_exp", lambda v: v, "aus")
    assert term.weight(SimpleNamespace(lambda_exp=4000.0)) == 160.0


def test_eq_11_cycle():
    assert losses.cycle_loss(torch.full((2, 3, 4, 4), 0.5), torch.full((2, 3, 4, 4), -0.25)).item() == 0.75


def test_eq_12_identity_of_equal_orthogonal_and_opposite_embeddings():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    b = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    assert losses.face_identity_loss(a, b).item() == pytest.approx((0 + 1 + 2) / 3)
    margin = torch.tensor([0.25, 0.25, 0.5])
    assert losses.face_identity_loss(a, b, margin).item() == pytest.approx((0 + 0.75 + 1.5) / 3)


def test_a_face_within_the_margin_is_not_pulled_back():
    edits = torch.tensor([[1.0, 0.1], [1.0, 1.0]], requires_grad=True)  # 1 − cos is 0.005 and 0.29
    losses.face_identity_loss(edits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([0.02, 0.02])).backward()
    assert edits.grad[0].abs().max() == 0 < edits.grad[1].abs().max()


def test_eq_13_vanishes_for_a_grid_and_its_inverse_and_counts_squared_pixels_at_128():
    there, back = shift(1, 0, 16), shift(-1, 0, 16)
    assert losses.composition_loss(back, there).item() == pytest.approx(0, abs=1e-6)
    # Two shifts by one pixel at 16 px are 16 px at 128.
    assert losses.composition_loss(there, there).item() == pytest.approx(256, rel=1e-4)


def test_eq_13_vanishes_for_a_scaling_about_the_centre_and_its_inverse():
    identity = identity_grid(16, 16)
    # Halved positions stay inside, where twice themselves is found exactly.
    assert losses.composition_loss(0.5 * identity, 2 * identity).item() == pytest.approx(0, abs=1e-6)
    # Doubled ones leave the outer half of the image; its inner half is found all the same.
    inner = to_offsets(compose(2 * identity, 0.5 * identity))[:, 4:-4, 4:-4]
    assert inner.abs().max() < 1e-4
    assert losses.composition_loss(2 * identity, 0.5 * identity) > 1


def test_eq_13_samples_the_grid_at_the_positions_of_the_cycles_grid():
    identity, step = identity_grid(16, 16), torch.tensor([0.25, 0.0])
    there, back = identity + step, 0.5 * identity

    def loss(reached: torch.Tensor) -> float:
        return (64 * (reached - identity)).square().sum(-1).mean().item()

    # p → 𝒢(𝒢_cyc(p)): halved, then moved. The other way round it would be moved, then halved.
    assert losses.composition_loss(back, there).item() == pytest.approx(loss(0.5 * identity + step), rel=1e-4)
    assert loss(0.5 * (identity + step)) < 0.9 * loss(0.5 * identity + step)


def test_eq_14_size_and_variation():
    grid = shift(1, 2, 64)
    assert losses.grid_size_loss(grid).item() == pytest.approx(2**2 + 4**2, rel=1e-4)
    assert losses.grid_variation(grid).item() == pytest.approx(0, abs=1e-6)
    stretched = identity_grid(4, 4) * torch.tensor([1.5, 1.0])
    # x offsets are a ramp of step 0.25·64 = 16 px at 128; 3 differences in each of 4 rows.
    assert losses.grid_variation(stretched).item() == pytest.approx(12 * 16.0**2, rel=1e-4)


def test_eq_13_and_14_in_units_of_the_grid():
    """A shift by one pixel of 64 is by 1/32 where the image is [-1, 1]; the same way again misses by twice that."""
    grid = shift(1, 2, 64)
    assert losses.grid_size_loss(grid, "grid").item() == pytest.approx((1 + 4) / 32**2, rel=1e-4)
    assert losses.composition_loss(grid, grid, "grid").item() == pytest.approx(4 * (1 + 4) / 32**2, rel=1e-4)
    stretched = identity_grid(4, 4) * torch.tensor([1.5, 1.0])
    assert losses.grid_variation(stretched, "grid").item() == pytest.approx(12 * 0.25**2, rel=1e-4)
    for loss in (losses.grid_size_loss, losses.grid_variation):
        assert loss(stretched).item() == 64**2 * loss(stretched, "grid").item()


def test_eq_15_size_and_variation_of_a_ramp():
    mask = torch.arange(4.0).expand(1, 1, 3, 4) / 4
    assert losses.mask_size_loss(mask).item() == pytest.approx((1 + 4 + 9) / 16 / 4)
    assert losses.total_variation(mask).item() == pytest.approx(3 * 3 / 16)


def test_total_variation_sums_both_directions_over_all_channels():
    rows, columns = torch.meshgrid(torch.arange(3.0), torch.arange(5.0), indexing="ij")
    ramp = 2 * rows + 0.5 * columns
    # 2·5 differences of 2 downwards and 3·4 of 0.5 to the right; the second channel's are three times as large.
    field = torch.stack([ramp, 3 * ramp])[None]
    assert losses.total_variation(field).item() == pytest.approx((10 * 4 + 12 * 0.25) * (1 + 9))


def test_ganimations_variation_is_absolute_and_summed_over_a_batch_of_25_whatever_the_batch():
    mask = torch.tensor([[[[0.0, 0.5, 0.25], [1.0, 0.5, 0.75]]]])
    # Down: 1 + 0 + 0.5; to the right: 0.5 + 0.25 and 0.5 + 0.25.
    one_image = 1.5 + 1.5
    assert losses.absolute_variation(mask.repeat(25, 1, 1, 1)).item() == pytest.approx(25 * one_image)
    assert losses.absolute_variation(mask.repeat(4, 1, 1, 1)).item() == pytest.approx(25 * one_image)
    # Squares of eq. 15: 1 + 0.25, and twice 0.25 + 0.0625.
    assert losses.total_variation(mask).item() == pytest.approx(1.875)


def test_total_variation_is_a_mean_over_the_batch():
    field = torch.randn(1, 2, 5, 5)
    assert losses.total_variation(field.repeat(7, 1, 1, 1)).item() == pytest.approx(
        losses.total_variation(field).item(), rel=1e-5
    )


def test_the_total_takes_every_term_once_and_computes_none_whose_coefficient_is_0():
    def fail(_):
        raise AssertionError("computed")

    terms = (
        Term("a", "", "lambda_a", lambda v: v.a),
        Term("b", "", "lambda_b", lambda v: v.b),
        Term("c", "", "lambda_c", fail),
        Term("critic", "", "", lambda v: v.a, "critic"),
    )
    values = SimpleNamespace(a=torch.tensor(2.0), b=torch.tensor(3.0))
    coefficients = SimpleNamespace(lambda_a=10.0, lambda_b=0.5, lambda_c=0.0)
    total, named = losses.total_loss(terms, values, coefficients, critic_weight=3)
    assert total.item() == 2 * 10 + 3 * 0.5 + 3 * 2
    assert {name: value.item() for name, value in named.items()} == {"a": 2, "b": 3, "critic": 2}
