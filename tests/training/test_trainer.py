import numpy as np
import pytest
import torch

from defgan.ablations import load_ablations
from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.models import MODELS, architecture, coefficients, create
from defgan.models.discriminator import Discriminator
from defgan.params import AugmentParams, HardeningParams
from defgan.training.checkpoint import run_key
from defgan.training.data import NO_CHANGE, Batch, Batches, to_network, to_pixels
from defgan.training.response import Response
from defgan.training.trainer import Trainer, discriminator_loss, hardness, learning_rate
from tests.conftest import ROOT
from tests.training.conftest import SIZE, tiny_params


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


def test_learning_rate_is_constant_then_falls_to_zero():
    rates = [learning_rate(i, 100, 1e-4, 0.5) for i in (0, 49, 50, 75, 99)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-4, 0.5e-4, 0.02e-4])


@pytest.mark.parametrize("name", list(MODELS))
def test_each_coefficient_weighs_its_own_term(name, params):
    """Adding 1 to a printed λ adds exactly its term (over 25 for AU terms) to the total."""
    torch.manual_seed(0)
    model = create(name, {**architecture(name, params), "precision": "32-true"})
    n = len(model.CONDITIONS)
    discriminator = Discriminator(SIZE, 4, n)
    batch = Batch(torch.rand(2, 3, SIZE, SIZE), torch.rand(2, n), torch.rand(2, n), torch.rand(2))
    projection = torch.randn(3 * SIZE * SIZE, 8)

    def embed(faces):
        return faces.flatten(1) @ projection

    own = coefficients(name, params)
    if name == "defgan":  # a term that is only computed where it counts
        own = own.model_copy(update={"lambda_id_comp": 1.0})
    lambdas = {key for key in type(own).model_fields if key.startswith("lambda_")}
    lambdas -= {"lambda_gp", "lambda_exp_d", "lambda_exp_fake"}  # the discriminator's
    with torch.no_grad():
        edit = model.edit(batch.images, batch.x, batch.y)
        total, terms = model.generator_loss(discriminator, embed, edit, batch, own)
        for key in lambdas:
            changed = own.model_copy(update={key: getattr(own, key) + 100})
            more, _ = model.generator_loss(discriminator, embed, edit, batch, changed)
            term = terms[key.removeprefix("lambda_")].item()
            term /= 25 if "exp" in key else 1
            assert (more - total).item() == pytest.approx(100 * term, rel=2e-2, abs=1e-3), key
        more, _ = model.generator_loss(discriminator, embed, edit, batch, own, critic_weight=101)
        assert (more - total).item() == pytest.approx(100 * terms["critic_g"].item(), rel=2e-2, abs=1e-3)
    assert terms.keys() - {"critic_g"} == {key.removeprefix("lambda_") for key in lambdas}


def test_the_free_part_of_the_identity_grows_with_what_is_asked(params):
    torch.manual_seed(0)
    model = create("defgan", {**architecture("defgan", params), "precision": "32-true"})
    x = torch.rand(3, 17)
    y = x + torch.tensor([0.0, 0.1, 1.0])[:, None] / 17**0.5  # ‖y − x‖² is 0, 0.01 and 1
    images, edited = torch.eye(3)[:, :, None, None].expand(-1, -1, SIZE, SIZE), torch.rand(3, 3, SIZE, SIZE)
    deformed = edited * torch.tensor([1.0, 0.8, 0.6])[:, None, None]
    edit = model.edit(images, x, y)._replace(image=edited, deformed=deformed)
    batch, discriminator = Batch(images, x, y, torch.rand(3)), Discriminator(SIZE, 4)

    def embed(faces):
        return faces.mean((2, 3))

    own = params.model_copy(update={"lambda_id_comp": 1.0, "identity_margin": 0.25})
    with torch.no_grad():
        _, terms = model.generator_loss(discriminator, embed, edit, batch, own)
    for name, faces in (("id", edit.deformed), ("id_comp", edit.image)):
        lost = 1 - torch.cosine_similarity(embed(faces), embed(images))
        free = torch.tensor([0.0, 0.0025, 0.25])
        assert lost.min() > 0.25
        assert terms[name].item() == pytest.approx((lost - free).mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    "ablation", load_ablations(ROOT / "ablations.yaml", ROOT / "params.yaml"), ids=lambda ablation: ablation.name
)
def test_every_ablation_of_the_project_trains(ablation, faces, tmp_path):
    params = ablation.params.model_copy(
        update={"image_size": SIZE, "training": tiny_params(batches=4, au_warmup_steps=0).training}
    )
    [*_, last] = Trainer("defgan", params, faces, tmp_path, ignore, ignore).fit().curves
    assert last["step"] == 2
    if not coefficients("defgan", params).lambda_id:
        assert last["id"] == 0


def test_the_critics_weight_counts_for_its_loss_and_its_penalty(params):
    torch.manual_seed(0)
    model = create("ganimation", {**architecture("ganimation", params), "precision": "32-true"})
    discriminator = Discriminator(SIZE, 4)
    batch = Batch(torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 17), torch.rand(2, 17), torch.rand(2))
    own, fake = params.ganimation, torch.rand(2, 3, SIZE, SIZE)
    total, terms, _ = discriminator_loss(discriminator, model, batch, fake, own)
    more, *_ = discriminator_loss(discriminator, model, batch, fake, own, critic_weight=2)
    assert (more - total).item() == pytest.approx((terms["critic_d"] + own.lambda_gp * terms["gp"]).item(), rel=1e-3)


@pytest.mark.parametrize("name", ["defgan", "ganimation"])
def test_d_learns_to_read_edits_as_their_inputs(name, params):
    torch.manual_seed(0)
    model = create(name, {**architecture(name, params), "precision": "32-true"})
    discriminator = Discriminator(SIZE, 4)
    batch = Batch(torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 17), torch.rand(2, 17), torch.rand(2))
    fake, own = torch.rand(2, 3, SIZE, SIZE), coefficients(name, params)
    totals = []
    for coefficient in (0.0, 100.0):
        total, terms, reading = discriminator_loss(
            discriminator, model, batch, fake, own.model_copy(update={"lambda_exp_fake": coefficient})
        )
        totals.append(total.item())
    of_fake, of_real = discriminator(fake)[1], discriminator(batch.images)[1]
    error = (of_fake - batch.x).square().mean().item()
    assert terms["exp_fake"].item() == pytest.approx(error, rel=1e-5)
    assert totals[1] - totals[0] == pytest.approx(100 / 25 * error, rel=1e-3)
    torch.testing.assert_close(reading, of_real.detach())


@pytest.mark.parametrize("name", ["defgan", "ganimation"])
def test_with_a_response_the_expression_losses_are_on_changes(name, params):
    """D_exp reads AUs by half and misreads this face: an edit that does nothing misses y − x, and no more."""
    torch.manual_seed(0)
    model = create(name, {**architecture(name, params), "precision": "32-true"})
    batch = Batch(torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 17), torch.rand(2, 17), torch.rand(2))
    seen = []

    def discriminator(images, versions=1):
        seen.append((len(images), versions))
        return torch.zeros(len(images), 3, 3), (batch.x / 2 + 7).repeat(len(images) // 2, 1)

    response = Response(17)
    x = torch.rand(400, 17)
    response.update(response.moments(x / 2, x))
    edits = [batch.images] * (2 if name == "defgan" else 1)
    _, errors = model.judge(discriminator, edits, batch, response)
    wanted = (batch.y - batch.x).square().mean().item()
    assert [error.item() for error in errors] == pytest.approx([wanted] * len(edits), rel=0.05)
    assert seen == [(2 * len(edits) + 2, len(edits) + 1)]
    _, errors = model.judge(discriminator, edits, batch, None)
    assert min(errors) > 30


def test_d_learns_aus_on_images_that_are_worse_and_judges_those_that_are_real(params):
    torch.manual_seed(0)
    model = create("ganimation", {**architecture("ganimation", params), "precision": "32-true"})
    discriminator = Discriminator(SIZE, 4)
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    batch = Batch(torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 17), torch.rand(2, 17), torch.rand(2))
    fake = torch.rand(2, 3, SIZE, SIZE)
    _, plain, _ = discriminator_loss(discriminator, model, batch, fake, params.ganimation)
    _, worse, _ = discriminator_loss(discriminator, model, batch, fake, params.ganimation, worst_case=0.01)
    assert worse["exp_d"] > 1.01 * plain["exp_d"]
    for name in ("critic_d", "gp"):
        assert worse[name].item() == pytest.approx(plain[name].item(), rel=1e-5)
    batch.images.add_(0.01 * torch.randn_like(batch.images))
    _, random, _ = discriminator_loss(discriminator, model, batch, fake, params.ganimation)
    assert abs(random["exp_d"] - plain["exp_d"]) < 0.3 * (worse["exp_d"] - plain["exp_d"])


def test_the_discriminator_hardens_from_its_start_on_and_the_worst_case_grows_to_its_size():
    setting = HardeningParams(start=0.5, critic_weight=3, worst_case=0.02)
    assert [hardness(i, 10, setting) for i in (0, 4)] == [(1.0, 0.0, False)] * 2
    weights, sizes, random = zip(*(hardness(i, 10, setting) for i in range(5, 10)), strict=True)
    assert set(weights) == {3} and all(random)
    assert sizes == pytest.approx([0.004, 0.008, 0.012, 0.016, 0.02])
    never = HardeningParams(start=1, critic_weight=3, worst_case=0.02)
    assert hardness(9, 10, never) == (1.0, 0.0, False)


@pytest.mark.parametrize("name", list(MODELS))
def test_before_the_first_iteration_d_learns_alone_or_a_generator_that_repaints(name, faces, params, tmp_path):
    trainer = Trainer(name, params, faces, tmp_path, ignore, ignore)
    networks = {"g": trainer.model, "d": trainer.discriminator}
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


@pytest.mark.parametrize("name", list(MODELS))
def test_the_helps_against_what_an_au_regressor_misreads_are_for_those_who_have_one(name, faces, tmp_path):
    helps = {"instance_noise": 0.1, "critic_color_change": 1.0, "critic_blur": True}
    hardening = HardeningParams(start=0, critic_weight=3, worst_case=0.02)
    never = hardening.model_copy(update={"start": 1})
    without = {"instance_noise": 0.0, "critic_color_change": 0.0, "critic_blur": False, "hardening": never}
    ends = []
    for number, settings in enumerate([without, without | helps, without | {"hardening": hardening}]):
        params = tiny_params(batches=4, au_warmup_steps=0, **settings)
        ends.append(weights(Trainer(name, params, faces, tmp_path / str(number), ignore, ignore).fit()))
    helped, hardened = (not torch.equal(end, ends[0]) for end in ends[1:])
    assert helped == hardened == (name != "stargan")


@pytest.mark.parametrize("name", list(MODELS))
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(name, faces, params, tmp_path):
    whole = Trainer(name, params, faces, tmp_path / "whole", ignore, ignore).fit()

    class Killed(Exception):
        pass

    def kill(step, _):
        if step == 20:
            raise Killed

    with pytest.raises(Killed):
        Trainer(name, params, faces, tmp_path / "cut", kill, ignore).fit()
    resumed_at = []
    rest = Trainer(name, params, faces, tmp_path / "cut", lambda step, _: resumed_at.append(step), ignore).fit()
    assert resumed_at == [20, 30]
    assert torch.equal(weights(whole), weights(rest))
    assert whole.curves == rest.curves
    assert sorted(p.name for p in (tmp_path / "whole" / "sheets").iterdir()) == ["sheet_000020.png", "sheet_000030.png"]


def test_training_changes_the_weights_and_the_average_lags_behind(faces, params, tmp_path):
    trainer = Trainer("ganimation", params, faces, tmp_path, ignore, ignore)
    before = [p.detach().clone() for p in trainer.model.module.parameters()]
    trainer.fit()
    raw = list(trainer.model.module.parameters())
    average = list(trainer.average.module.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, raw, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(average, raw, strict=True))


def test_a_changed_coefficient_or_image_is_another_run(faces):
    key = run_key("defgan", {"lambda_cyc": 100}, faces)
    assert key != run_key("defgan", {"lambda_cyc": 50}, faces)
    pixels = faces.pixels.copy()
    pixels[3, 0, 0, 0] ^= 1
    assert key != run_key("defgan", {"lambda_cyc": 100}, Faces(faces.frame, pixels))


def test_the_generators_gradient_is_clipped_and_logged_as_it_was(faces, tmp_path):
    trainer = Trainer("ganimation", tiny_params(max_grad_norm=0.5), faces, tmp_path, ignore, ignore)
    for _ in range(trainer.training.au_warmup_steps + 1):
        terms, _ = trainer.advance()
    gradients = [p.grad.flatten() for p in trainer.model.module.parameters()]
    assert torch.cat(gradients).norm().item() == pytest.approx(0.5, rel=1e-3)
    assert terms["grad_g"] > 1


def test_a_loss_that_is_not_finite_stops_with_its_name(faces, params, tmp_path):
    trainer = Trainer("ganimation", params, faces, tmp_path, ignore, ignore)
    with torch.no_grad():
        next(trainer.model.module.parameters()).fill_(float("nan"))
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
