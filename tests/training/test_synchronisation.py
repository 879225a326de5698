"""Nothing in an iteration waits for the device: a GPU could replay it as one graph."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from defgan.methods import registry
from defgan.training.runtime import Runtime
from defgan.training.trainer import Trainer
from tests.training.conftest import make_faces, material, tiny_params

WAITING = {
    "_local_scalar_dense",  # .item(), float(tensor), `if tensor`
    "equal",
    "is_nonzero",
    "nonzero",  # sizes that depend on values
    "masked_select",
    "_unique2",
    "lift_fresh",  # torch.tensor(…): made on the host, copied to the device
    "_linalg_check_errors",  # torch.linalg.solve and inv read on the host whether they could
}
"""Operations after which the host needs a value of the device, or the device one of the host."""


class NoWaiting(TorchDispatchMode):
    """Fails at an operation that waits; on a CPU, where none does, it is known by its name."""

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        name, named = function._overloadpacket.__name__, named or {}
        moved = name == "_to_copy" and named.get("device") not in (None, arguments[0].device)
        chosen = name == "index" and any(index is not None and index.dtype == torch.bool for index in arguments[1])
        assert not (name in WAITING or moved or chosen), f"{name} waits for the device"
        return function(*arguments, **named)


@pytest.mark.parametrize(
    "waits",
    [
        lambda values: values.sum().item(),
        lambda values: bool(values.sum()),
        lambda values: values[values > 0],
        lambda values: torch.tensor([1.0, 2.0]),
        lambda values: torch.linalg.solve(values, values),
        lambda values: values.to("meta"),
    ],
)
def test_what_waits_is_seen(waits):
    values = torch.eye(2)
    with NoWaiting(), pytest.raises(AssertionError, match="waits for the device"):
        waits(values)


@pytest.mark.parametrize("name", [method.name for method in registry.trained()])
def test_an_iteration_does_not_wait(name, tmp_path):
    """One of the first and one of the last: the schedule and a supervised method's critic have started by then."""
    trainer = Trainer(name, tiny_params(), material(name, make_faces()), tmp_path, lambda *_: None, lambda _: None)
    learner, iterations = trainer.learner, trainer.iterations
    batches = [trainer.batches[i] for i in range(learner.batches_per_step)]
    learner.step(iter(batches), 0, iterations)  # makes Adam's moments and constants that are kept
    with NoWaiting():
        for iteration in (1, iterations - 1):
            terms, _ = learner.step(iter(batches), iteration, iterations)
    assert all(term.isfinite() for term in terms.values())


class Recorder:
    """Takes the place of capturing: which step was called with which tensors."""

    def __init__(self):
        self.steps, self.calls = [], []

    def capture(self, step):
        number = len(self.steps)
        self.steps.append(step)

        def recorded(*tensors):
            shapes = [(tensor.shape, tensor.dtype, tensor.stride()) for tensor in tensors]
            terms, rest = step(*tensors)
            # A graph of gradients that outlives its step would reach into the next capture.
            made = [*terms.values(), *(part for part in rest or () if part is not None)]
            assert terms and not any(tensor.requires_grad for tensor in made)
            assert not {tensor.data_ptr() for tensor in made} & {tensor.data_ptr() for tensor in tensors}
            self.calls.append((number, shapes))
            return terms, rest

        return recorded


@pytest.mark.parametrize("name", [method.name for method in registry.trained()])
def test_each_part_of_a_run_is_a_step_of_tensors_alone(name, monkeypatch, tmp_path):
    """The warm-up, then critic and last steps before the schedule's start and after it; the images' sizes stay."""
    recorder = Recorder()
    monkeypatch.setattr("defgan.training.runtime.Runtime.capture", lambda _, step: recorder.capture(step))
    params = tiny_params(batches=12, au_warmup_steps=2)
    params = params.model_copy(update={"supervised": params.supervised.model_copy(update={"batches": 6})})
    trainer = Trainer(name, params, material(name, make_faces()), tmp_path, lambda *_: None, lambda _: None)
    trainer.fit()
    used = [number for number, _ in recorder.calls]
    if trainer.method.supervised:
        assert used == [0, 0, 0, 1, 1, 1]
    else:  # 0 is the warm-up; StarGAN has no schedule
        assert used == [0, 0] + ([1, 2] * 6 if name == "stargan" else [1, 2] * 3 + [3, 4] * 3)
    for number, shapes in recorder.calls:
        assert shapes == recorder.calls[used.index(number)][1]


def test_the_size_of_the_perturbation_is_no_constant_of_a_step(monkeypatch, tmp_path):
    """It rises from step to step, and one graph serves all of them."""
    seen = []
    trainer = Trainer("ganimation", tiny_params(), material("ganimation", make_faces()), tmp_path, print, print)
    monkeypatch.setattr(
        "defgan.methods.losses.perturb", lambda images, gradient, size: seen.append(size.item()) or images
    )
    learner = trainer.learner
    for iteration in (15, 22, 29):
        learner.step(iter([trainer.batches[i] for i in range(2)]), iteration, 30)
    ramp = [share / 15 * trainer.training.schedule.perturbation for share in (1, 8, 15)]
    assert seen == pytest.approx([size for size in ramp for _ in range(2)])
    assert len(learner._steps) == 2


def test_what_a_run_with_graphs_has_saved_one_without_resumes_and_the_other_way_round(monkeypatch):
    """A graph reads Adam's rate from the device; elsewhere it is a plain number."""
    optimizers = {}
    for graphs in (False, True):
        monkeypatch.setattr(Runtime, "graphs", graphs)
        _, optimizers[graphs] = Runtime(tiny_params().training).setup(torch.nn.Linear(2, 2))
    for graphs in (False, True):
        monkeypatch.setattr(Runtime, "graphs", graphs)
        optimizers[graphs].load_state_dict(optimizers[not graphs].state_dict())
        [group] = optimizers[graphs].param_groups
        assert isinstance(group["lr"], torch.Tensor) == group["capturable"] == graphs
        assert float(group["lr"]) == pytest.approx(tiny_params().training.learning_rate)
