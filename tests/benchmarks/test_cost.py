"""What a training will cost; nothing here looks at a time."""

import dataclasses

import pytest
import torch
from torch import nn

from benchmarks import cost
from benchmarks.cost import FlopCounter, Measured, Plan, make_plan, summary, synthetic_faces
from defgan.errors import UserError
from defgan.methods import registry
from tests.training.conftest import SIZE, make_faces, tiny_params

CONVOLUTION = 2 * (5 * 4 * 4) * (3 * 4 * 4)
"""FLOPs of a 4×4 convolution with stride 2 from 3 to 5 channels on 8×8 pixels: output values × kernel values, twice."""


def convolution() -> nn.Module:
    return nn.Conv2d(3, 5, 4, 2, 1, bias=False)


def test_flops_of_a_convolution_forward_and_backward():
    layer, images = convolution(), torch.rand(2, 3, 8, 8)
    with FlopCounter() as forward:
        layer(images)
    assert forward.flops == 2 * CONVOLUTION
    with FlopCounter() as both:
        layer(images.requires_grad_()).sum().backward()
    assert both.flops == 3 * forward.flops
    assert both.by_type == {torch.float32: both.flops}


def test_flops_of_a_gradient_of_a_gradient():
    layer, images = convolution(), torch.rand(1, 3, 8, 8, requires_grad=True)
    with FlopCounter() as counter:
        (gradient,) = torch.autograd.grad(layer(images).square().sum(), images, create_graph=True)
        assert counter.flops == 2 * CONVOLUTION
        # Through the gradient and through the layer, for the weight and for the images each.
        gradient.square().sum().backward()
    assert counter.flops == 6 * CONVOLUTION


def test_flops_are_told_apart_by_type():
    layer, images = convolution(), torch.rand(1, 3, 8, 8)
    with FlopCounter() as counter:
        layer(images)
        with torch.autocast("cpu", torch.bfloat16):
            layer(images)
    assert counter.by_type == {torch.float32: CONVOLUTION, torch.bfloat16: CONVOLUTION}


@pytest.fixture
def plan() -> Plan:
    """Made up: a batch of 20 in the run, of 5 in the measured iterations."""
    return Plan(
        name="defgan",
        batch_size=20,
        warm_up_steps=10,
        iterations=100,
        batches_per_step=3,
        faces=1240,
        parameters={"texture": 7},
        forward_flops={"texture": 1e9},
        measured=Measured(5, 0.5, 2.0, 4e9, 1.4),
        probe=Measured(1, 0.1, 0.5, 1e9, 1.0),
        notes=("a note",),
    )


def test_a_plan_is_scaled_from_the_measured_batch_to_the_runs(plan):
    assert plan.iteration_flops == 16e9
    assert plan.iteration_s == 8.0
    assert plan.seconds == 10 * 0.5 * 4 + 100 * 8.0
    assert plan.images == 20 * (10 + 100 * 3)
    # 0.1 GB for each image between a batch of 1 and of 5, and so on to 20.
    assert plan.memory_gb == pytest.approx(1.4 + 15 * 0.1)


def test_at_the_runs_own_batch_nothing_is_scaled(plan):
    plan = dataclasses.replace(plan, batch_size=5)
    assert (plan.scale, plan.memory_gb, plan.iteration_s) == (1, 1.4, 2.0)


def test_the_summary_says_it_all(plan):
    rows = dict(summary(plan))
    assert rows["texture"].startswith("7 parameters, 1 GFLOP")
    assert "100, of 3 batches each" in rows["iterations"] and "10 steps of warm-up" in rows["iterations"]
    assert "6,200, 5 epochs of 1,240" in rows["images seen"]
    assert rows["time to finish"].startswith("13.7 min")
    assert rows["note"] == "a note"


@pytest.mark.parametrize("name", [method.name for method in registry.shown_faces()])
def test_a_model_is_planned_by_real_iterations(name):
    faces, params = make_faces(), tiny_params(batch_size=3)
    made = make_plan(name, params, faces)
    assert made.faces == 16  # the four held-out ones are not learnt from
    assert made.measured.batch_size == 3
    assert made.iteration_flops == pytest.approx(3 * made.probe.iteration_flops, rel=1e-6)
    assert made.parameters.keys() == made.forward_flops.keys()
    assert "discriminator" in made.parameters and all(made.parameters.values()) and all(made.forward_flops.values())
    assert made.notes == ()


def test_a_length_in_epochs_needs_a_number_of_faces(monkeypatch):
    monkeypatch.setattr(cost, "measure", lambda trainer, _: Measured(trainer.training.batch_size, 0.1, 0.1, 1e9, 1.0))
    params = tiny_params(batches=None, epochs=40, batch_size=25)
    own = params.stargan.training.model_copy(update={"epochs": 200, "batch_size": 16})
    params = params.model_copy(update={"stargan": params.stargan.model_copy(update={"training": own})})
    made = make_plan("ganimation", params, None, 180_500)
    assert (made.iterations, made.faces, made.batch_size) == (40 * 7220 // 2, 180_500, 25)
    made = make_plan("stargan", params, None, 160)
    assert (made.iterations, made.batch_size) == (200 * 10 // 2, 16)
    with pytest.raises(UserError, match=r"takes 40 epochs, but no faces are prepared.*--faces"):
        make_plan("ganimation", params, None)


def test_noise_stands_in_for_faces_of_another_size():
    params = tiny_params(batch_size=2)
    other = make_plan("ganimation", params.model_copy(update={"image_size": 2 * SIZE}), make_faces())
    assert f"the prepared faces are of {SIZE} px" in other.notes[0]
    assert other.faces == 16
    assert synthetic_faces(3, SIZE).pixels.shape == (3, SIZE, SIZE, 3)


def test_a_slow_device_is_measured_at_a_smaller_batch_and_says_so():
    made = make_plan("ganimation", tiny_params(batch_size=8), make_faces(), patience=0.0)
    assert made.measured.batch_size == 2
    assert made.scale == 4
    assert "measured at a batch of 2 and scaled to 8" in made.notes[-1]


def test_an_embedder_whose_weights_are_not_here_is_replaced(monkeypatch):
    def missing(name: str) -> None:
        raise UserError(f"{name}: cannot be downloaded")

    monkeypatch.setattr(cost, "weights_path", missing)
    params, notes = cost.embedder_at_hand(tiny_params(embedder="openface-nn4.small2"))
    assert params.training.embedder == "dlib-resnet-128"
    assert "openface-nn4.small2" in notes[0]
