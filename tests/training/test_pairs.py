"""Batches of rendered pairs, and methods that are shown the truth."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from defgan import methods
from defgan.methods import registry, truth_losses
from defgan.methods.base import Batch, Truth
from defgan.methods.supervised import PairChanges
from defgan.methods.supervision import asked, jitter
from defgan.pairs import Pairs
from defgan.training.material import PairsMaterial
from defgan.training.pairs import PairBatches
from defgan.training.runtime import Runtime
from defgan.training.trainer import Trainer
from defgan.warp import to_grid, warp
from tests.training.conftest import make_pairs, material, tiny_params

SHOWN = [method.name for method in registry.shown_pairs()]
STILL = PairChanges(turn=0, zoom=0, shift=0, color=0, tint=0, gamma=0, shade=0, blur=0, noise=0, exposure=[0, 0])
CPU = torch.device("cpu")


def smooth_pairs() -> Pairs:
    """Smooth pictures, of which the second is the first after a smooth motion that its flow tells exactly enough."""
    rng, size = np.random.default_rng(1), 128
    noise = torch.from_numpy(rng.standard_normal((6, 3, 8, 8)).astype(np.float32))
    first = F.interpolate(noise, size, mode="bicubic").clamp(-2, 2) / 2
    field = torch.from_numpy(rng.uniform(-6, 6, (6, 2, 4, 4)).astype(np.float32))
    flow = F.interpolate(field, size, mode="bicubic").clamp(-15, 15)
    second = warp(to_grid(flow.permute(0, 2, 3, 1)), first)
    images = torch.stack([first, second], dim=1).add(1).mul(127.5).byte().permute(0, 1, 3, 4, 2).numpy()
    stored = F.avg_pool2d(flow, 4).permute(0, 2, 3, 1).mul(8).round().numpy().astype(np.int8)[:, None]
    aus = rng.random((6, 2, 17), dtype=np.float32)
    return Pairs(images, aus, stored, np.array([[0, 1]]), np.zeros(6, bool), np.zeros(6, np.float32))


def unexplained(batch: Batch) -> float:
    """Mean error of the input after the batch's own flow, over that of the input, where the flow is seen."""
    size = batch.images.shape[2:]
    flow = F.interpolate(batch.truth.flow.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False)
    seen = F.interpolate(batch.truth.seen[:, None], size)
    moved = warp(to_grid(flow.permute(0, 2, 3, 1)), batch.images)
    after, before = (((image - batch.truth.images).abs() * seen).mean().item() for image in (moved, batch.images))
    return after / before


def test_a_flow_is_turned_zoomed_and_flipped_with_its_images():
    pairs = smooth_pairs()
    assert unexplained(PairBatches(pairs, 6, 0, STILL, CPU)[0]) < 0.3
    framed = PairBatches(pairs, 6, 0, STILL.model_copy(update={"turn": 40, "zoom": 0.3, "shift": 0.1}), CPU)
    for index in range(4):
        batch = framed[index]
        assert unexplained(batch) < 0.3, index
        assert 0.4 < batch.truth.seen.mean() < 1


@pytest.mark.parametrize("change", ["color", "tint", "gamma", "shade", "blur"])
def test_both_images_of_a_pair_are_changed_alike(change):
    """Where both images are the same they stay the same."""
    pairs = make_pairs()
    pairs.images[:] = pairs.images[:, :1]
    plain = PairBatches(pairs, 12, 0, STILL, CPU)[1]
    changed = PairBatches(pairs, 12, 0, STILL.model_copy(update={change: 0.3}), CPU)[1]
    assert not torch.equal(plain.images, changed.images)
    torch.testing.assert_close(changed.images, changed.truth.images, atol=1e-6, rtol=0)
    assert torch.equal(plain.truth.flow, changed.truth.flow)


def test_batches_of_pairs_are_a_function_of_their_index_and_leave_out_what_is_held_out():
    pairs = make_pairs()
    pairs.images[pairs.held_out] = 255
    batches = PairBatches(pairs, 6, 3, STILL, CPU)
    assert torch.equal(batches[5].images, PairBatches(pairs, 6, 3, STILL, CPU)[5].images)
    assert not torch.equal(batches[5].images, batches[6].images)
    assert max(batches[index].images.mean(dim=(1, 2, 3)).max() for index in range(9)) < 0.5
    whole = batches[2]
    shares = [PairBatches(pairs, 6, 3, STILL, CPU, rank, 3)[2] for rank in range(3)]
    assert torch.equal(torch.cat([share.truth.images for share in shares]), whole.truth.images)


def test_the_held_out_pairs_are_edits_of_the_first_image():
    pairs = make_pairs()
    batch = PairsMaterial(pairs).held_out(CPU)
    assert torch.equal(batch.x, torch.from_numpy(pairs.aus[[6, 7, 6, 7], 0]))
    assert torch.equal(batch.y, torch.from_numpy(pairs.aus[[6, 7, 6, 7], [1, 2, 2, 1]]))
    assert batch.truth.seen[:, :2].max() == 0 and batch.truth.seen[:, 2:].min() == 1
    assert batch.truth.flow[:, 3, 3].tolist() == [[0, -1]] * 4


def test_the_motion_loss_is_the_end_point_error_in_pixels_at_128_where_the_flow_is_seen():
    flow = torch.zeros(1, 8, 8, 2)
    flow[..., 0], flow[..., 1] = 3, -4
    seen = torch.ones(1, 8, 8)
    seen[:, :4] = 0
    offsets = torch.zeros(1, 32, 32, 2)
    offsets[:, :16] = 99  # not seen
    truth = Truth(torch.zeros(1, 3, 32, 32), flow, seen)
    assert truth_losses.motion_loss(to_grid(offsets), truth).item() == pytest.approx(5, rel=1e-4)
    offsets[:, 16:] = flow[0, 0, 0]
    assert truth_losses.motion_loss(to_grid(offsets), truth).item() < 0.02


def test_a_small_change_gets_as_much_attention_as_a_large_one():
    images = torch.zeros(2, 3, 64, 64)
    true = images.clone()
    true[0, :, 10:50, 10:50], true[1, :, 30:36, 30:36] = 0.5, 0.5
    weight = truth_losses.attention(images, true)
    assert weight[1].max() > 2 * weight[0].max() and weight.min() >= 1
    lids = (weight * (true - images).abs().mean(1, keepdim=True)).sum((1, 2, 3))
    assert lids[1] / lids[0] > 2 * 36 / 1600


def test_a_mask_is_dearer_where_the_true_warp_makes_the_truth():
    pairs = smooth_pairs()
    batch = PairBatches(pairs, 6, 0, STILL, CPU)[0]
    true = batch.truth.images.clone()
    true[:, :, 40:60, 40:60] = 1 - true[:, :, 40:60, 40:60]
    known = truth_losses.explained(batch.images, batch.truth._replace(images=true))
    assert known[..., 48:52, 48:52].max() == 0 and known[..., 80:, 80:].mean() > 0.8
    mask = torch.zeros(6, 1, 128, 128)
    mask[..., 80:, 80:] = 1
    elsewhere = mask.roll((-34, -34), dims=(2, 3))
    assert truth_losses.mask_loss(mask, known) > truth_losses.mask_loss(elsewhere, known)


def test_jitter_moves_every_au_a_little_and_a_few_by_more():
    torch.manual_seed(0)
    x = torch.full((200, 17), 0.4)
    moved = (jitter(x, 0.1) - x).abs()
    assert 0.02 < (moved > 0.1).float().mean() < 0.12 and moved.max() > 0.3
    assert torch.equal(jitter(x, 0.0), x)


def test_a_unit_that_stays_is_asked_for_as_it_was_read_and_another_as_it_is():
    x, y = torch.tensor([[0.2, 0.0, 0.5]]), torch.tensor([[0.2, 0.0, 0.9]])
    assert torch.equal(asked(torch.tensor([[0.3, 0.1, 0.4]]), x, y), torch.tensor([[0.3, 0.1, 0.9]]))


def test_an_exposure_brightens_both_images_alike_and_leaves_white():
    pairs = smooth_pairs()
    plain = PairBatches(pairs, 6, 0, STILL, CPU)[0]
    brighter = PairBatches(pairs, 6, 0, STILL.model_copy(update={"exposure": [1.0, 1.0]}), CPU)[0]
    for before, after in ((plain.images, brighter.images), (plain.truth.images, brighter.truth.images)):
        light, more = (((image + 1) / 2) ** 2.2 for image in (before, after))
        dark = (light > 0.01) & (light < 0.02)
        # A stop is a factor of 2 where it is dark.
        torch.testing.assert_close(more[dark] / light[dark], torch.full_like(light[dark], 2.0), atol=0.05, rtol=0)
        assert (after >= before - 1e-5).all() and after.max() <= 1
        white = before == 1
        assert white.any() and (after[white] > 0.999).all()


@pytest.mark.parametrize("name", SHOWN)
def test_each_coefficient_weighs_its_own_term(name, tmp_path):
    """Each of the block's λ changes the step of a judged run, as long as its method has that term."""
    params = tiny_params(precision="32-true")
    method = methods.get(name)

    def end(**coefficients: float) -> torch.Tensor:
        supervised = params.supervised.model_copy(update={"critic_start": 0.0, **coefficients})
        torch.manual_seed(0)
        learner = method.learner(params.model_copy(update={"supervised": supervised}), Runtime(params.training))
        batches = PairBatches(make_pairs(), 4, 0, STILL, CPU)
        for index in range(2):
            torch.manual_seed(index)
            learner.step(iter([batches[index]]), index, 2)
        networks = (learner.model.module, learner.discriminator.module)
        return torch.cat([p.detach().flatten() for network in networks for p in network.parameters()])

    plain = end()
    assert torch.equal(plain, end())
    for term in method.terms():
        if term.coefficient:
            value = getattr(params.supervised, term.coefficient)
            assert not torch.equal(plain, end(**{term.coefficient: 3 * value})), term.name


def test_a_method_that_is_shown_the_truth_learns_the_motion(tmp_path):
    """All pairs move by one pixel at 128 px; what is asked is the motion alone."""
    params = tiny_params(precision="32-true", ema_decay=0.5)
    alone = {term.coefficient: 0.0 for term in methods.get("defgan_supervised").image_terms} | {"lambda_motion": 1.0}
    supervised = params.supervised.model_copy(update={**alone, "batches": 60, "critic_start": 1.0})
    params = params.model_copy(update={"supervised": supervised})
    name = "defgan_supervised"
    trainer = Trainer(name, params, material(name, None), tmp_path, lambda *_: None, lambda _: None)
    rows = trainer.fit().curves
    assert rows[-1]["held_out_motion_removed"] > 0.9
    assert {"motion", "held_out_gain"} <= rows[-1].keys() and not {"gp", "final"} & rows[-1].keys()


def test_by_the_clock_a_run_ends_in_time_and_its_rate_has_fallen(tmp_path):
    name, seconds = "ganimation_supervised", 3.0
    trainer = Trainer(name, tiny_params(), material(name, None), tmp_path, lambda *_: None, lambda _: None, seconds)
    rates, set_rate = [], trainer.runtime.set_learning_rate
    trainer.runtime.set_learning_rate = lambda rate: (rates.append(rate), set_rate(rate))
    trainer.fit()
    assert len(rates) == trainer.iterations > 3
    assert rates[-1] < 0.5 * rates[0] and rates == sorted(rates, reverse=True)
