"""Captured steps against the same steps as they are; only a GPU can capture."""

import pytest
import torch

from defgan.methods import registry
from defgan.training.trainer import Trainer
from tests.training.conftest import make_faces, material, tiny_params

STEPS = 20
TOLERANCE, CHANCE = 0.02, 3
"""A term may be off by this share, and by so many times what two runs without graphs differ by: a GPU does not make
sums in the same order every time, and an adversarial training enlarges that from step to step."""


def apart(one, other):
    """The largest relative difference of a term at any step."""
    pairs = [(a[name], b[name]) for a, b in zip(one, other, strict=True) for name in a]
    return max(abs(a - b) / max(abs(a), abs(b), 1e-3) for a, b in pairs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", [method.name for method in registry.trained()])
def test_a_captured_run_has_the_losses_of_one_without_graphs(name, tmp_path):
    """The warm-up, then steps before and after the schedule's start: each is captured after its first three calls."""
    runs = []
    for compile in ("off", "off", "graphs"):
        params = tiny_params(
            batches=2 * STEPS,
            au_warmup_steps=6,
            devices=1,
            precision="32-true",
            compile=compile,
            checkpoint_seconds=1e9,
        )
        supervised = params.supervised.model_copy(update={"batches": STEPS, "critic_start": 0.5})
        params = params.model_copy(update={"supervised": supervised})
        trainer = Trainer(name, params, material(name, make_faces()), tmp_path, lambda *_: None, lambda _: None)
        assert trainer.runtime.graphs == (compile == "graphs")
        made = [trainer.advance()[0] for _ in range(trainer.warm_up_steps + trainer.iterations)]
        runs.append([{key: term.item() for key, term in terms.items()} for terms in made])
    plain, again, captured = runs
    assert len(plain) >= STEPS
    assert apart(plain, captured) <= TOLERANCE + CHANCE * apart(plain, again)
