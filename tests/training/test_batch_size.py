"""Every loss is a mean over the batch: its coefficients mean the same whatever the batch."""

import pytest
import torch

from defgan.models import MODELS, coefficients, create
from defgan.models.discriminator import Discriminator
from defgan.training.data import Batch
from defgan.training.trainer import discriminator_loss

SIZE, TIMES = 32, 3


@pytest.fixture(params=MODELS)
def setting(request):
    """A model's name, itself, a discriminator, and a batch of two."""
    torch.manual_seed(0)
    arguments = {"channels": 4, "residual_blocks": 1, "precision": "32-true"}
    model = create(request.param, {**arguments, "max_offset": 5.0} if request.param == "defgan" else arguments)
    if request.param == "defgan":
        # Offsets of pixels, as after some training, so that the losses on the grid are not all but zero.
        torch.nn.init.normal_(model.deformation.head.weight, 0.0, 0.1)
    conditions = len(model.CONDITIONS)
    discriminator = Discriminator(SIZE, 4, conditions)
    # So narrow a critic all but vanishes with weights of 0.02.
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    batch = Batch(
        torch.rand(2, 3, SIZE, SIZE) * 2 - 1, torch.rand(2, conditions), torch.rand(2, conditions), torch.rand(2)
    )
    return request.param, model, discriminator, batch


def repeated(batch: Batch) -> Batch:
    images = batch.images.repeat(TIMES, 1, 1, 1)
    return Batch(images, batch.x.repeat(TIMES, 1), batch.y.repeat(TIMES, 1), batch.mix.repeat(TIMES))


def assert_same(whole: dict[str, torch.Tensor], again: dict[str, torch.Tensor]) -> None:
    assert whole.keys() == again.keys()
    for name, term in whole.items():
        assert term.dtype == torch.float32, name
        assert abs(term.item()) > 1e-3, name
        assert again[name].item() == pytest.approx(term.item(), rel=1e-4), name


def test_generator_terms_do_not_depend_on_the_batch_size(setting, params):
    name, model, discriminator, batch = setting
    projection = torch.randn(3 * SIZE * SIZE, 8)

    def terms(batch: Batch) -> dict[str, torch.Tensor]:
        total, terms = model.generator_loss(
            discriminator,
            lambda images: images.flatten(1) @ projection,
            model.edit(batch.images, batch.x, batch.y),
            batch,
            coefficients(name, params),
        )
        return {**terms, "total": total}

    with torch.no_grad():
        assert_same(terms(batch), terms(repeated(batch)))


@pytest.mark.parametrize("worst_case", [0.0, 0.01])
def test_discriminator_terms_do_not_depend_on_the_batch_size(setting, params, worst_case):
    name, model, discriminator, batch = setting
    own = coefficients(name, params)

    def terms(batch: Batch) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = model.edit(batch.images, batch.x, batch.y).image
        total, terms, _ = discriminator_loss(discriminator, model, batch, fake, own, worst_case=worst_case)
        return {**terms, "total": total}

    assert_same(terms(batch), terms(repeated(batch)))
