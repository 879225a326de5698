import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from defgan import methods
from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.methods import registry
from defgan.params import AugmentParams, ScheduleParams
from defgan.pixels import to_network, to_pixels
from defgan.training.checkpoint import run_key
from defgan.training.data import Batches
from defgan.training.results import own_settings
from defgan.training.trainer import Average, Trainer, learning_rate
from tests.training.conftest import NO_CHANGE, material, tiny_params

TRAINED = [method.name for method in registry.trained()]
SHOWN_FACES = [method.name for method in registry.shown_faces()]


def ignore(*_):
    pass


def batches(faces, batch_size, seed=3, augment=NO_CHANGE, **arguments):
    rows = faces.frame["row"].to_numpy()
    return Batches(faces.pixels, rows, faces.aus, batch_size, seed, 0.1, augment, torch.device("cpu"), **arguments)


def weights(trained) -> torch.Tensor:
    return torch.cat([p.flatten() for p in trained.model.parameters()])


def test_pixels_survive_the_way_to_the_network_and_back():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(-1, -1, -1, 3)
    assert to_network(pixels).min() == -1
    assert to_network(pixels).max() == 1
    assert np.array_equal(to_pixels(to_network(pixels)), pixels.numpy())


def test_batches_are_a_function_of_their_index_and_an_epoch_sees_each_face_once(faces):
    whole = batches(faces, 5)
    later, first = whole[6], whole[0]
    again = batches(faces, 5)[6]
    assert torch.equal(later.images, again.images)
    assert torch.equal(later.y, again.y)
    assert not torch.equal(first.images, later.images)
    seen = torch.cat([whole[i].x for i in range(4)])
    assert len(seen.unique(dim=0)) == 20


def test_targets_are_other_faces_aus_with_noise_of_a_tenth(faces):
    aus = torch.from_numpy(faces.aus)
    for y in batches(faces, 5)[0].y:
        nearest = (aus - y).abs().amax(1).min().item()
        assert 0 < nearest <= 0.1


def test_images_change_by_their_index_alone_and_only_as_asked(faces):
    plain = batches(faces, 4)
    every = AugmentParams(start=0, turn=10, zoom=0.1, shift=0.05, color=0.4, jpeg_quality=40)
    assert torch.equal(batches(faces, 4, augment=every)[7].images, batches(faces, 4, augment=every)[7].images)
    for change in ({"turn": 10}, {"zoom": 0.1}, {"shift": 0.05}, {"color": 0.4}, {"jpeg_quality": 40}):
        changed = batches(faces, 4, augment=NO_CHANGE.model_copy(update=change))[7]
        assert not torch.equal(changed.images, plain[7].images) and changed.images.abs().max() <= 1
        assert torch.equal(changed.x, plain[7].x) and torch.equal(changed.y, plain[7].y)
    later = batches(faces, 4, augment=every, augment_from=7)
    assert torch.equal(later[6].images, plain[6].images)
    assert torch.equal(later[7].images, batches(faces, 4, augment=every)[7].images)


def test_epochs_are_counted_by_the_faces_that_are_learnt_from(faces, tmp_path):
    """16 of the 20 faces: 3 whole batches of 5 an epoch, and 2 of them make an iteration."""
    params = tiny_params(batches=None, epochs=2.5, batch_size=5)
    trainer = Trainer("ganimation", params, material("ganimation", faces), tmp_path, ignore, ignore)
    assert trainer.iterations == round(2.5 * 3) // 2
    assert trainer.batches.per_epoch == 3
    # Supervised methods have a length of their own.
    supervised = Trainer(
        "ganimation_supervised", params, material("ganimation_supervised", faces), tmp_path, ignore, ignore
    )
    assert supervised.iterations == params.supervised.batches


def test_a_baselines_own_training_decides_over_the_common_one(faces, tmp_path):
    params = tiny_params(batches=60, batch_size=4, decay_share=0.7)
    own = params.stargan.training.model_copy(update={"epochs": 3.0, "batch_size": 8, "decay_share": 0.5})
    params = params.model_copy(update={"stargan": params.stargan.model_copy(update={"training": own})})
    trained = {
        name: Trainer(name, params, material(name, faces), tmp_path / name, ignore, ignore)
        for name in ("stargan", "ganimation")
    }
    assert {name: trainer.iterations for name, trainer in trained.items()} == {"stargan": 3, "ganimation": 30}
    assert {name: trainer.batches.batch_size for name, trainer in trained.items()} == {"stargan": 8, "ganimation": 4}
    assert own_settings(methods.get("stargan"), params)["training"].items() >= own.model_dump().items()
    trained["stargan"].advance()
    rates = [learning_rate(i, 10, 1.0, trained["stargan"].training.decay_share) for i in (5, 8)]
    assert rates == pytest.approx([1.0, 0.4])


def test_fewer_batches_than_an_iteration_takes_name_the_keys(faces, tmp_path):
    with pytest.raises(
        UserError, match=r"1 batches, but an iteration takes 2; raise training\.batches or training\.ep"
    ):
        Trainer("defgan", tiny_params(batches=1), material("defgan", faces), tmp_path, ignore, ignore)


def test_learning_rate_is_constant_then_falls_to_zero():
    rates = [learning_rate(i, 100, 1e-4, 0.5) for i in (0, 49, 50, 75, 99)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-4, 0.5e-4, 0.02e-4])


@pytest.mark.parametrize("name", SHOWN_FACES)
def test_before_the_first_iteration_d_learns_alone_or_a_generator_that_repaints(name, faces, params, tmp_path):
    trainer = Trainer(name, params, material(name, faces), tmp_path, ignore, ignore)
    networks = {"g": trainer.learner.model, "d": trainer.learner.discriminator}
    before = {key: [p.detach().clone() for p in network.parameters()] for key, network in networks.items()}
    for _ in range(params.training.au_warmup_steps):
        terms, edit = trainer.advance()
        assert edit is None
    changed = {
        key: any(not torch.equal(a, b) for a, b in zip(before[key], network.parameters(), strict=True))
        for key, network in networks.items()
    }
    assert changed == {"g": name == "stargan", "d": name != "stargan"}
    assert ("idt" in terms) == (name == "stargan")


@pytest.mark.parametrize("name", SHOWN_FACES)
def test_stabilisers_and_schedule_are_for_methods_with_an_au_head(name, faces, tmp_path):
    stabilisers = {"instance_noise": 0.1, "critic_color_change": 1.0, "critic_blur": True}
    schedule = ScheduleParams(start=0, critic_weight=3, perturbation=0.02)
    never = schedule.model_copy(update={"start": 1})
    without = {"instance_noise": 0.0, "critic_color_change": 0.0, "critic_blur": False, "schedule": never}
    ends = []
    for number, settings in enumerate([without, without | stabilisers, without | {"schedule": schedule}]):
        params = tiny_params(batches=4, au_warmup_steps=0, **settings)
        ends.append(weights(Trainer(name, params, material(name, faces), tmp_path / str(number), ignore, ignore).fit()))
    stabilised, scheduled = (not torch.equal(end, ends[0]) for end in ends[1:])
    assert stabilised == scheduled == methods.get(name).told_aus


@pytest.mark.parametrize("name", TRAINED)
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(name, faces, tmp_path):
    # All that begins within a run has begun before iteration 10, whose state the rest starts from.
    schedule = ScheduleParams(start=0.25, critic_weight=3, perturbation=0.02)
    params = tiny_params(batches=40, sheet_every=10, schedule=schedule)
    supervised = params.supervised.model_copy(update={"batches": 20, "critic_start": 0.25})
    params = params.model_copy(update={"supervised": supervised})
    whole = Trainer(name, params, material(name, faces), tmp_path / "whole", ignore, ignore).fit()

    class Killed(Exception):
        pass

    def kill(step, _):
        if step == 20:
            raise Killed

    with pytest.raises(Killed):
        Trainer(name, params, material(name, faces), tmp_path / "cut", kill, ignore).fit()
    resumed_at = []
    rest = Trainer(
        name, params, material(name, faces), tmp_path / "cut", lambda step, _: resumed_at.append(step), ignore
    ).fit()
    assert resumed_at == [20]
    assert torch.equal(weights(whole), weights(rest))
    assert whole.curves == rest.curves
    assert sorted(p.name for p in (tmp_path / "whole" / "sheets").iterdir()) == ["sheet_000010.png", "sheet_000020.png"]


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("defgan", {"critic_reduction": "sum", "grid_units": "grid", "deformation": "spacing"}),
        ("ganimation", {"critic_reduction": "sum", "mask_variation": "squared"}),
    ],
)
def test_each_of_the_other_readings_is_another_training(name, readings, faces, tmp_path):
    block, ends = methods.get(name).block, []
    for number, changes in enumerate([{}, *({key: value} for key, value in readings.items())]):
        params = tiny_params(batches=4, au_warmup_steps=0).model_copy(update={"lambda_id": 0.0})  # no embedder
        if block:
            changes = {block: getattr(params, block).model_copy(update=changes)}
        trained = Trainer(
            name, params.model_copy(update=changes), material(name, faces), tmp_path / str(number), ignore, ignore
        ).fit()
        assert all(np.isfinite(value) for row in trained.curves for value in row.values())
        ends.append(weights(trained))
    assert all(not torch.equal(end, ends[0]) for end in ends[1:])


def test_training_changes_the_weights_and_the_average_lags_behind(faces, params, tmp_path):
    trainer = Trainer("ganimation", params, material("ganimation", faces), tmp_path, ignore, ignore)
    before = [p.detach().clone() for p in trainer.learner.model.module.parameters()]
    trainer.fit()
    raw = list(trainer.learner.model.module.parameters())
    average = list(trainer.average.module.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, raw, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(average, raw, strict=True))


def test_a_changed_coefficient_or_image_is_another_run(faces):
    key = run_key("defgan", {"lambda_cyc": 100}, material("defgan", faces).digest())
    assert key != run_key("defgan", {"lambda_cyc": 50}, material("defgan", faces).digest())
    pixels = faces.pixels.copy()
    pixels[3, 0, 0, 0] ^= 1
    assert key != run_key("defgan", {"lambda_cyc": 100}, material("defgan", Faces(faces.frame, pixels)).digest())


def test_the_generators_gradient_is_clipped_and_logged_as_it_was(faces, tmp_path):
    trainer = Trainer(
        "ganimation", tiny_params(max_grad_norm=0.5), material("ganimation", faces), tmp_path, ignore, ignore
    )
    for _ in range(trainer.training.au_warmup_steps + 1):
        terms, _ = trainer.advance()
    gradients = [p.grad.flatten() for p in trainer.learner.model.module.parameters()]
    assert torch.cat(gradients).norm().item() == pytest.approx(0.5, rel=1e-3)
    assert terms["grad_g"] > 1


def test_a_loss_that_is_not_finite_stops_with_its_name(faces, params, tmp_path):
    trainer = Trainer("ganimation", params, material("ganimation", faces), tmp_path, ignore, ignore)
    with torch.no_grad():
        next(trainer.learner.model.module.parameters()).fill_(float("nan"))
    with pytest.raises(UserError, match=r"is nan at iteration .*last good checkpoint"):
        trainer.fit()


def test_fewer_faces_than_a_batch_name_the_key(faces):
    with pytest.raises(UserError, match=r"training\.batch_size"):
        batches(faces, 21)


def test_processes_share_a_batch(faces):
    whole = batches(faces, 6)[7]
    shares = [batches(faces, 6, rank=rank, processes=3)[7] for rank in range(3)]
    for name in ("images", "x", "y", "mix"):
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(whole, name)), name


def test_a_batch_that_cannot_be_shared_names_the_key(faces):
    with pytest.raises(UserError, match=r"training\.batch_size=8"):
        batches(faces, 10, processes=4)


def test_the_average_is_torchs_own_to_the_bit():
    torch.manual_seed(0)
    model, decay = torch.nn.Linear(3, 2), 0.9
    own, theirs = Average(model, decay), AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    for _ in range(3):
        torch.nn.init.normal_(model.weight)
        for average in (own, theirs):
            average.update_parameters(model)
        assert own.state_dict().keys() == theirs.state_dict().keys()
        assert all(
            torch.equal(a, b) for a, b in zip(own.state_dict().values(), theirs.state_dict().values(), strict=True)
        )
