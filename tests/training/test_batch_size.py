"""Every loss is a mean over the batch: its coefficients mean the same whatever the batch."""

import pytest
import torch

from defgan.methods import registry
from defgan.methods.base import Batch
from defgan.methods.gan import compute_d_loss, compute_g_loss
from tests.training.conftest import SIZE, make_learner

TIMES = 3


@pytest.fixture(params=[method.name for method in registry.shown_faces()])
def setting(request):
    """A learner of each method, and a batch of two."""
    torch.manual_seed(0)
    projection = torch.randn(3 * SIZE * SIZE, 8)
    learner = make_learner(request.param, embed=lambda images: images.flatten(1) @ projection)
    if request.param == "defgan":
        # Offsets of pixels, as after some training, so that the losses on the grid are not all but zero.
        torch.nn.init.normal_(learner.model.module.deformation.head.weight, 0.0, 0.1)
    # So narrow a critic all but vanishes with weights of 0.02.
    for parameter in learner.discriminator.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    n = len(learner.method.condition.names)
    batch = Batch(torch.rand(2, 3, SIZE, SIZE) * 2 - 1, torch.rand(2, n), torch.rand(2, n), torch.rand(2))
    return learner, batch


def repeated(batch: Batch) -> Batch:
    images = batch.images.repeat(TIMES, 1, 1, 1)
    return Batch(images, batch.x.repeat(TIMES, 1), batch.y.repeat(TIMES, 1), batch.mix.repeat(TIMES))


def assert_same(whole: dict[str, torch.Tensor], again: dict[str, torch.Tensor]) -> None:
    assert whole.keys() == again.keys()
    for name, term in whole.items():
        assert term.dtype == torch.float32, name
        assert abs(term.item()) > 1e-3, name
        assert again[name].item() == pytest.approx(term.item(), rel=1e-4), name


def test_generator_terms_do_not_depend_on_the_batch_size(setting):
    learner, batch = setting

    def terms(batch: Batch) -> dict[str, torch.Tensor]:
        edit, networks = learner.model.edit(batch.images, batch.x, batch.y), (learner.discriminator, learner.model)
        total, terms = compute_g_loss(*networks, batch, edit, learner.coefficients, learner.embed)
        return {**terms, "total": total}

    with torch.no_grad():
        assert_same(terms(batch), terms(repeated(batch)))


@pytest.mark.parametrize("perturbation", [None, torch.tensor(0.01)])
def test_discriminator_terms_do_not_depend_on_the_batch_size(setting, perturbation):
    learner, batch = setting
    networks = (learner.discriminator, learner.model.module)

    def terms(batch: Batch) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = learner.model.edit(batch.images, batch.x, batch.y).image
        total, terms, _ = compute_d_loss(*networks, batch, fake, learner.coefficients, perturbation=perturbation)
        return {**terms, "total": total}

    assert_same(terms(batch), terms(repeated(batch)))
