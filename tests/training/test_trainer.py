import numpy as np
import pandas as pd
import pytest
import torch

from defgan.errors import UserError
from defgan.faces.table import COLUMNS, Faces
from defgan.facs import AU_NAMES
from defgan.models import create
from defgan.models.discriminator import Discriminator
from defgan.params import load_params
from defgan.training.checkpoint import run_key
from defgan.training.data import Batches, to_network, to_pixels
from defgan.training.trainer import Trainer, learning_rate

SIZE = 32


@pytest.fixture
def faces():
    rng = np.random.default_rng(0)
    count = 20
    frame = pd.DataFrame({column: [""] * count for column in COLUMNS})
    frame["image_id"] = [f"face{i}" for i in range(count)]
    frame["subject"] = [f"subject{i // 2}" for i in range(count)]
    frame["split"] = ["val" if i < 4 else "train" for i in range(count)]
    frame["row"] = np.arange(count)
    frame[list(AU_NAMES)] = rng.random((count, len(AU_NAMES)), dtype=np.float32)
    return Faces(frame, rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8))


@pytest.fixture
def params():
    params = load_params()
    training = params.training.model_copy(
        update={
            "batches": 60,
            "batch_size": 4,
            "channels": 4,
            "critic_channels": 4,
            "residual_blocks": 1,
            "au_warmup_steps": 5,
            "sheet_every": 20,
            "checkpoint_seconds": 1e-9,
        }
    )
    return params.model_copy(update={"image_size": SIZE, "training": training})


def ignore(*_):
    pass


def weights(trained) -> torch.Tensor:
    return torch.cat([p.flatten() for p in trained.model.parameters()])


def test_pixels_survive_the_way_to_the_network_and_back():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(-1, -1, -1, 3)
    assert to_network(pixels).min() == -1
    assert to_network(pixels).max() == 1
    assert np.array_equal(to_pixels(to_network(pixels)), pixels.numpy())


def test_batches_are_a_function_of_their_index_and_an_epoch_sees_each_face_once(faces):
    batches = Batches(faces, 5, seed=3, device=torch.device("cpu"))
    later, first = batches[6], batches[0]
    again = Batches(faces, 5, seed=3, device=torch.device("cpu"))[6]
    assert torch.equal(later.images, again.images)
    assert torch.equal(later.y, again.y)
    assert not torch.equal(first.images, later.images)
    seen = torch.cat([batches[i].x for i in range(4)])
    assert len(seen.unique(dim=0)) == 20


def test_targets_are_other_faces_aus_with_noise_of_a_tenth(faces):
    batches = Batches(faces, 5, seed=3, device=torch.device("cpu"))
    aus = torch.from_numpy(faces.aus)
    for y in batches[0].y:
        nearest = (aus - y).abs().amax(1).min().item()
        assert 0 < nearest <= 0.1


def test_learning_rate_is_constant_then_falls_to_zero():
    rates = [learning_rate(i, 100, 1e-4, 0.5) for i in (0, 49, 50, 75, 99)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-4, 0.5e-4, 0.02e-4])


@pytest.mark.parametrize("name", ["defgan", "ganimation"])
def test_each_coefficient_weighs_its_own_term(name, params):
    """Adding 1 to a printed λ adds exactly its term (over 25 for AU terms) to the total."""
    torch.manual_seed(0)
    arguments = {"channels": 4, "residual_blocks": 1, "precision": "32-true"}
    model = create(name, {**arguments, "max_offset": 5.0} if name == "defgan" else arguments)
    discriminator = Discriminator(SIZE, 4)
    images, x, y = torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 17), torch.rand(2, 17)
    projection = torch.randn(3 * SIZE * SIZE, 8)

    def embed(faces):
        return faces.flatten(1) @ projection

    coefficients = params if name == "defgan" else params.ganimation
    lambdas = {key for key in type(coefficients).model_fields if key.startswith("lambda_")}
    lambdas -= {"lambda_gp", "lambda_exp_d"}  # the discriminator's
    with torch.no_grad():
        total, terms = model.generator_loss(discriminator, embed, images, x, y, coefficients)
        for key in lambdas:
            changed = coefficients.model_copy(update={key: getattr(coefficients, key) + 100})
            more, _ = model.generator_loss(discriminator, embed, images, x, y, changed)
            term = terms[key.removeprefix("lambda_")].item()
            term /= 25 if "exp" in key else 1
            assert (more - total).item() == pytest.approx(100 * term, rel=2e-2, abs=1e-3), key
    assert terms.keys() - {"critic_g"} == {key.removeprefix("lambda_") for key in lambdas}


@pytest.mark.parametrize("name", ["defgan", "ganimation"])
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


def test_a_loss_that_is_not_finite_stops_with_its_name(faces, params, tmp_path):
    trainer = Trainer("ganimation", params, faces, tmp_path, ignore, ignore)
    with torch.no_grad():
        next(trainer.model.module.parameters()).fill_(float("nan"))
    with pytest.raises(UserError, match="nan at step"):
        trainer.fit()


def test_fewer_faces_than_a_batch_name_the_key(faces):
    with pytest.raises(UserError, match=r"training\.batch_size"):
        Batches(faces, 21, 0, torch.device("cpu"))
