"""Nothing in an iteration waits for the device: a GPU could replay it as one graph."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from defgan.methods import registry
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
