"""The step that the methods of the paper share."""

import pytest
import torch

from defgan import methods
from defgan.methods import registry
from defgan.methods.base import Batch, Edit
from defgan.methods.gan import GeneratorValues, au_errors, compute_d_loss, compute_g_loss, load_embed
from defgan.methods.response import Response
from defgan.params import ScheduleParams
from tests.training.conftest import SIZE, make_learner

TRAINED = [method.name for method in registry.shown_faces()]
TOLD_AUS = [method.name for method in registry.shown_faces() if method.told_aus]


def make_batch(n: int = 17) -> Batch:
    return Batch(torch.rand(2, 3, SIZE, SIZE), torch.rand(2, n), torch.rand(2, n), torch.rand(2))


def d_loss(learner, batch, fake, **options):
    networks = (learner.discriminator, learner.model.module)
    return compute_d_loss(*networks, batch, fake, learner.coefficients, **options)


def g_loss(learner, batch, edit, **options):
    networks = (learner.discriminator.module, learner.model)
    return compute_g_loss(*networks, batch, edit, learner.coefficients, learner.embed, **options)


@pytest.mark.parametrize("name", TRAINED)
def test_each_coefficient_weighs_its_own_term(name):
    """Adding 1 to a printed λ adds exactly its term (over 25 for AU terms) to the total."""
    torch.manual_seed(0)
    projection = torch.randn(3 * SIZE * SIZE, 8)
    # A term is computed only where it counts.
    every = {"lambda_id_comp": 1.0} if name == "defgan" else {}
    learner = make_learner(name, embed=lambda faces: faces.flatten(1) @ projection, **every)
    batch, own = make_batch(len(learner.method.condition.names)), learner.coefficients
    with torch.no_grad():
        edit = learner.model.edit(batch.images, batch.x, batch.y)
        total, terms = g_loss(learner, batch, edit)
        assert list(terms) == [term.name for term in learner.method.generator_terms]
        for term in learner.method.generator_terms:
            if term.coefficient:
                value = getattr(own, term.coefficient)
                learner.coefficients = own.model_copy(update={term.coefficient: value + 100})
                more, _ = g_loss(learner, batch, edit)
                weighted = terms[term.name].item() / (25 if "exp" in term.name else 1)
                assert (more - total).item() == pytest.approx(100 * weighted, rel=2e-2, abs=1e-3), term.name
        learner.coefficients = own
        more, _ = g_loss(learner, batch, edit, critic_weight=101)
        assert (more - total).item() == pytest.approx(100 * terms["critic_g"].item(), rel=2e-2, abs=1e-3)


def test_the_margin_of_the_identity_loss_grows_with_what_is_asked():
    torch.manual_seed(0)
    learner = make_learner("defgan", embed=lambda faces: faces.mean((2, 3)), lambda_id_comp=1.0, identity_margin=0.25)
    x = torch.rand(3, 17)
    y = x + torch.tensor([0.0, 0.1, 1.0])[:, None] / 17**0.5  # ‖y − x‖² is 0, 0.01 and 1
    images, edited = torch.eye(3)[:, :, None, None].expand(-1, -1, SIZE, SIZE), torch.rand(3, 3, SIZE, SIZE)
    deformed = edited * torch.tensor([1.0, 0.8, 0.6])[:, None, None]
    with torch.no_grad():
        edit = learner.model.edit(images, x, y)._replace(image=edited, deformed=deformed)
        _, terms = g_loss(learner, Batch(images, x, y, torch.rand(3)), edit)
    for name, faces in (("id", edit.deformed), ("id_comp", edit.image)):
        lost = 1 - torch.cosine_similarity(faces.mean((2, 3)), images.mean((2, 3)))
        assert lost.min() > 0.25
        assert terms[name].item() == pytest.approx((lost - torch.tensor([0.0, 0.0025, 0.25])).mean().item(), rel=1e-5)


def test_ganimations_masks_are_smoothed_as_asked_on_the_edit_and_on_the_way_back():
    torch.manual_seed(0)
    learner, batch = make_learner("ganimation"), make_batch()
    edge, flat = torch.zeros(2, 1, SIZE, SIZE), torch.full((2, 1, SIZE, SIZE), 0.5)
    edge[..., 3:] = 0.5
    [term] = [term for term in learner.method.generator_terms if term.name == "tv"]
    for variation, weight in (("squared", 0.25), ("absolute", 25 * 0.5)):
        learner.coefficients = learner.coefficients.model_copy(update={"mask_variation": variation})
        for there, back, edges in ((edge, flat, 1), (flat, edge, 1), (edge, edge, 2)):
            masks = (Edit(None, mask=mask) for mask in (there, back))
            values = GeneratorValues(batch, *masks, None, (), learner.coefficients, None)
            assert term.loss(values).item() == edges * SIZE * weight


@pytest.mark.parametrize("name", TRAINED)
def test_the_penalty_takes_the_mean_or_the_sum_of_the_patches(name):
    torch.manual_seed(0)
    learner, fake = make_learner(name), torch.rand(2, 3, SIZE, SIZE)
    batch = make_batch(len(learner.method.condition.names))
    norms = []
    for reduction in ("mean", "sum"):
        learner.coefficients = learner.coefficients.model_copy(update={"critic_reduction": reduction})
        _, terms, _ = d_loss(learner, batch, fake)
        norms.append(terms["gp_norm"].item())
    assert norms[1] == pytest.approx(4 * norms[0], rel=1e-5)


def test_the_critics_weight_counts_for_its_loss_and_its_penalty():
    torch.manual_seed(0)
    learner = make_learner("ganimation")
    batch, fake = make_batch(), torch.rand(2, 3, SIZE, SIZE)
    total, terms, _ = d_loss(learner, batch, fake)
    more, *_ = d_loss(learner, batch, fake, critic_weight=2)
    expected = terms["critic_d"] + learner.coefficients.lambda_gp * terms["gp"]
    assert (more - total).item() == pytest.approx(expected.item(), rel=1e-3)


@pytest.mark.parametrize("name", TOLD_AUS)
def test_the_au_head_learns_the_inputs_aus_on_edits(name):
    torch.manual_seed(0)
    learner, batch, fake = make_learner(name), make_batch(), torch.rand(2, 3, SIZE, SIZE)
    own, totals = learner.coefficients, []
    for coefficient in (0.0, 100.0):
        learner.coefficients = own.model_copy(update={"lambda_exp_fake": coefficient})
        total, terms, predicted = d_loss(learner, batch, fake)
        assert ("exp_fake" in terms) == bool(coefficient)
        totals.append(total.item())
    of_fake, of_real = learner.discriminator(fake)[1], learner.discriminator(batch.images)[1]
    error = (of_fake - batch.x).square().mean().item()
    assert terms["exp_fake"].item() == pytest.approx(error, rel=1e-5)
    assert totals[1] - totals[0] == pytest.approx(100 / 25 * error, rel=1e-3)
    torch.testing.assert_close(predicted, of_real.detach())


@pytest.mark.parametrize("edits", [1, 2])
def test_with_a_response_the_expression_losses_are_on_changes(edits):
    """D_exp predicts half of the AUs and errs on this face: an edit that does nothing misses y − x, and no more."""
    torch.manual_seed(0)
    model, batch, seen = make_learner("ganimation").model.module, make_batch(), []

    def discriminator(images, versions=1):
        seen.append((len(images), versions))
        return torch.zeros(len(images), 3, 3), (batch.x / 2 + 7).repeat(len(images) // 2, 1)

    response = Response(17)
    x = torch.rand(400, 17)
    response.update(response.moments(x / 2, x))
    _, errors = au_errors(discriminator, model, [batch.images] * edits, batch, response)
    wanted = (batch.y - batch.x).square().mean().item()
    assert [error.item() for error in errors] == pytest.approx([wanted] * edits, rel=0.05)
    assert seen == [(2 * edits + 2, edits + 1)]
    _, errors = au_errors(discriminator, model, [batch.images] * edits, batch, None)
    assert min(errors) > 30


def test_the_au_head_learns_from_perturbed_images_and_the_critic_judges_real_ones():
    torch.manual_seed(0)
    learner, batch, fake = make_learner("ganimation"), make_batch(), torch.rand(2, 3, SIZE, SIZE)
    for parameter in learner.discriminator.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    _, plain, _ = d_loss(learner, batch, fake)
    _, worse, _ = d_loss(learner, batch, fake, perturbation=torch.tensor(0.01))
    assert worse["exp_d"] > 1.01 * plain["exp_d"]
    for name in ("critic_d", "gp"):
        assert worse[name].item() == pytest.approx(plain[name].item(), rel=1e-5)
    batch.images.add_(0.01 * torch.randn_like(batch.images))
    _, random, _ = d_loss(learner, batch, fake)
    assert abs(random["exp_d"] - plain["exp_d"]) < 0.3 * (worse["exp_d"] - plain["exp_d"])


def test_the_schedule_switches_on_at_its_start_and_the_perturbation_ramps_up_to_its_size():
    schedule, options = methods.get("defgan").schedule, ScheduleParams(start=0.5, critic_weight=3, perturbation=0.02)
    for early in (0, 4):
        assert vars(schedule(early, 10, options)) == {"critic_weight": 1, "perturbation": 0, "random_blur": False}
    later = [schedule(i, 10, options) for i in range(5, 10)]
    assert {step.critic_weight for step in later} == {3} and all(step.random_blur for step in later)
    assert [step.perturbation for step in later] == pytest.approx([0.004, 0.008, 0.012, 0.016, 0.02])
    never = ScheduleParams(start=1, critic_weight=3, perturbation=0.02)
    assert schedule(9, 10, never).critic_weight == 1


@pytest.mark.parametrize(
    ("name", "lambda_id", "loaded"), [("defgan", 1.0, True), ("defgan", 0.0, False), ("ganimation", None, False)]
)
def test_an_embedder_is_loaded_where_equation_12_has_a_weight(monkeypatch, name, lambda_id, loaded):
    monkeypatch.setattr("defgan.faces.embedders.load_embedder", lambda name: torch.nn.Identity())
    learner = make_learner(name, **({} if lambda_id is None else {"lambda_id": lambda_id}))
    assert (load_embed(learner) is not None) == loaded
