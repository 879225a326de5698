"""What a training run costs, told before it: sizes and work of the networks, time and memory of a few real steps."""

from __future__ import annotations

import gc
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from defgan import methods
from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.facs import AU_NAMES, RAFD_EXPRESSIONS
from defgan.methods.adversarial import BaselineCoefficients, OwnTraining
from defgan.training import graphs
from defgan.training.material import FacesMaterial
from defgan.training.trainer import Trainer
from defgan.weight_files import weights_path

if TYPE_CHECKING:
    from defgan.params import Params

STAND_IN_EMBEDDER = "dlib-resnet-128"
"""Takes the place of an embedder whose weights are not here; it comes inside a package."""
PATIENCE = 60.0
"""Seconds that the measured iterations may take; where they would take longer the batch is made smaller."""
MOST_ITERATIONS = 5
WARM_UP_STEPS = 3
ENDLESS = 10**9


@dataclass(frozen=True)
class Measured:
    """What the steps of a training cost on this device at one batch size; times are medians."""

    batch_size: int
    warm_up_s: float  # a step of the warm-up; 0 where there is none
    iteration_s: float
    iteration_flops: float  # multiply and add counted as two; convolutions and matrix products only
    memory_gb: float  # peak, as the training logs it: of the GPU's memory, or of the process


@dataclass(frozen=True)
class Plan:
    """A training run before it starts."""

    name: str
    batch_size: int
    warm_up_steps: int
    iterations: int
    batches_per_step: int
    faces: int | None  # to learn from; None where none are prepared
    parameters: dict[str, int]  # by network
    forward_flops: dict[str, float]  # by network, for one image
    measured: Measured
    probe: Measured  # the same at a batch of one
    notes: tuple[str, ...]

    @property
    def scale(self) -> float:
        """The run's batch over the measured one."""
        return self.batch_size / self.measured.batch_size

    @property
    def iteration_flops(self) -> float:
        return self.measured.iteration_flops * self.scale

    @property
    def iteration_s(self) -> float:
        """Scaled in proportion to the batch: too long rather than too short, for an optimiser's step stays the same."""
        return self.measured.iteration_s * self.scale

    @property
    def seconds(self) -> float:
        return self.warm_up_steps * self.measured.warm_up_s * self.scale + self.iterations * self.iteration_s

    @property
    def memory_gb(self) -> float:
        """On the line through both measured batch sizes; what does not grow with the batch is not scaled."""
        if self.scale == 1:
            return self.measured.memory_gb
        slope = (self.measured.memory_gb - self.probe.memory_gb) / (self.measured.batch_size - self.probe.batch_size)
        return self.measured.memory_gb + slope * (self.batch_size - self.measured.batch_size)

    @property
    def images(self) -> int:
        """That are seen, those of the warm-up included."""
        return self.batch_size * (self.warm_up_steps + self.iterations * self.batches_per_step)


class FlopCounter(TorchDispatchMode):
    """Counts the FLOPs of what runs inside it, multiply and add as two; convolutions and matrix products only.

    It is torch's FlopCounterMode without the modules' names, whose hooks fail in the penalty's gradient of a gradient.
    """

    def __init__(self):
        super().__init__()
        self.by_type: Counter[torch.dtype] = Counter()

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        count = flop_registry.get(function._overloadpacket)
        if count is not None:
            self.by_type[arguments[0].dtype] += count(*arguments, **(named or {}), out_val=result)
        return result

    @property
    def flops(self) -> int:
        return self.by_type.total()


def synthetic_faces(count: int, image_size: int) -> Faces:
    """Noise under random labels: as good as faces for measuring speed."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((count, len(AU_NAMES)), dtype=np.float32), columns=list(AU_NAMES))
    expressions = [RAFD_EXPRESSIONS[i % len(RAFD_EXPRESSIONS)] for i in range(count)]
    frame = frame.assign(subject="nobody", expression=expressions, split="train", row=np.arange(count))
    return Faces(frame, rng.integers(0, 256, (count, image_size, image_size, 3), dtype=np.uint8))


def trial(name: str, params: Params, faces: Faces, state: Path) -> Trainer:
    """A trainer on one device that never comes to its end and whose rows and sheets nobody reads.

    `params` are what `settled` returns. Where the run has a schedule, its last part is measured: it costs more.
    """
    schedule = params.training.schedule
    if schedule.start < 1:
        schedule = schedule.model_copy(update={"start": 0.0})
    changes = {"batches": ENDLESS, "epochs": None, "devices": 1, "nodes": 1, "schedule": schedule}
    params = params.model_copy(update={"training": params.training.model_copy(update=changes)})
    return Trainer(name, params, FacesMaterial(faces, methods.get(name)), state, _ignore, _ignore)


def settled(name: str, params: Params) -> Params:
    """The same training of a method, with nothing left that its own block says otherwise."""
    method = methods.get(name)
    params = params.model_copy(update={"training": method.training(params)})
    own = method.coefficients(params)
    if not isinstance(own, BaselineCoefficients):
        return params
    nothing = OwnTraining.model_validate(dict.fromkeys(OwnTraining.model_fields))
    return params.model_copy(update={method.block: own.model_copy(update={"training": nothing})})


def _ignore(*_: object) -> None:
    pass


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes, until the device has finished what it started."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else _ignore
    wait()
    started = time.perf_counter()
    function()
    wait()
    return time.perf_counter() - started


def with_batch_size(params: Params, batch_size: int) -> Params:
    """The same params with another batch size and no more warm-up than is measured."""
    most = WARM_UP_STEPS + (graphs.WARM_UP + 1 if torch.cuda.is_available() else 0)
    steps = min(most, params.training.au_warmup_steps)
    training = params.training.model_copy(update={"batch_size": batch_size, "au_warmup_steps": steps})
    return params.model_copy(update={"training": training})


def measure(trainer: Trainer, iterations: int) -> Measured:
    """Run a fresh trainer's warm-up and some iterations."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    warm_up = [seconds(trainer.advance) for _ in range(trainer.warm_up_steps)]
    # The first iteration also loads kernels and fills caches: it is counted and not timed.
    with FlopCounter() as counter:
        trainer.advance()
    for _ in range(trainer.runtime.slow_calls):
        trainer.advance()
    times = [seconds(trainer.advance) for _ in range(iterations)]
    return Measured(
        trainer.training.batch_size,
        statistics.median(warm_up[-WARM_UP_STEPS:]) if warm_up else 0.0,
        statistics.median(times),
        counter.flops,
        trainer.timings.close()["memory_gb"],
    )


def networks(trainer: Trainer) -> dict[str, torch.nn.Module]:
    """The networks of a training by name, generators first."""
    return {**dict(trainer.learner.model.module.named_children()), **trainer.learner.critics()}


@torch.no_grad()
def forward_flops(trainer: Trainer) -> dict[str, float]:
    """FLOPs of each network for one image."""
    model, batch = trainer.learner.model.module, trainer.batches[0]
    images, x, y = batch.images[:1], batch.x[:1], batch.y[:1]
    counts: dict[str, float] = {}
    with FlopCounter() as counter:
        for name, network in model.named_children():
            seen: list[int] = []
            hooks = (
                network.register_forward_pre_hook(lambda *_, at=seen: at.append(counter.flops)),
                network.register_forward_hook(lambda *_, at=seen: at.append(counter.flops)),
            )
            model.edit(images, x, y)
            for hook in hooks:
                hook.remove()
            counts[name] = seen[1] - seen[0]
        for name, network in trainer.learner.critics().items():
            before = counter.flops
            network(images)
            counts[name] = counter.flops - before
    return counts


def embedder_at_hand(params: Params) -> tuple[Params, list[str]]:
    """The params with an embedder whose weights are here, and a note where that is another one."""
    wanted = params.training.embedder
    try:
        weights_path(wanted)
        return params, []
    except UserError:
        training = params.training.model_copy(update={"embedder": STAND_IN_EMBEDDER})
        note = f"the weights of {wanted} are not here; {STAND_IN_EMBEDDER} stands in for it"
        return params.model_copy(update={"training": training}), [note]


def make_plan(
    name: str, params: Params, faces: Faces | None, count: int | None = None, patience: float = PATIENCE
) -> Plan:
    """Measure model `name` under `params` on this device.

    Args:
        name: of the model.
        params: all params, also a preset's; `training.devices` and `nodes` are taken as 1.
        faces: the prepared role, or None; then, and where its images have another size, noise takes its place.
        count: how many faces there are to learn from; without it, those of the prepared role.
        patience: seconds that the measured iterations may take.

    Raises:
        UserError: the training's length is in epochs, and nobody knows of how many faces.
    """
    params, notes = embedder_at_hand(settled(name, params))
    batch_size, usable = params.training.batch_size, count
    if faces is not None and count is None:
        usable = int((methods.get(name).condition.usable(faces.frame) & (faces.frame["split"] != "val")).sum())
    if usable is None and params.training.batches is None:
        raise UserError(
            f"the training takes {params.training.length}, but no faces are prepared that could be counted; say how"
            " many there are to learn from: --faces 180500"
        )
    if faces is None or faces.pixels.shape[1] != params.image_size:
        found = "no faces are prepared" if faces is None else f"the prepared faces are of {faces.pixels.shape[1]} px"
        notes.append(f"{found}: measured on noise of {params.image_size} px")
        faces = synthetic_faces(max(64, batch_size), params.image_size)

    with TemporaryDirectory() as state:
        trainer = trial(name, with_batch_size(params, 1), faces, Path(state))
        parameters = {key: sum(p.numel() for p in net.parameters()) for key, net in networks(trainer).items()}
        flops, probe = forward_flops(trainer), measure(trainer, 1)
        batches_per_step = trainer.learner.batches_per_step
        # Two trainers at a time would be measured as one's memory.
        del trainer
        gc.collect()
        # An untimed iteration goes before the timed ones. A GPU is not slow, and a batch of one says little about it.
        affordable = batch_size if torch.cuda.is_available() else int(patience / (2 * probe.iteration_s))
        measured_batch = min(batch_size, max(2, affordable))
        timed = int(patience / (measured_batch * probe.iteration_s)) - 1
        trainer = trial(name, with_batch_size(params, measured_batch), faces, Path(state))
        measured = measure(trainer, min(MOST_ITERATIONS, max(1, timed)))
    if measured_batch < batch_size:
        notes.append(
            f"measured at a batch of {measured_batch} and scaled to {batch_size}: times in proportion, which is too "
            f"long rather than too short; memory along the line from a batch of 1"
        )
    return Plan(
        name=name,
        batch_size=batch_size,
        warm_up_steps=params.training.au_warmup_steps,
        iterations=params.training.count_batches(usable or 0) // batches_per_step,
        batches_per_step=batches_per_step,
        faces=usable,
        parameters=parameters,
        forward_flops=flops,
        measured=measured,
        probe=probe,
        notes=tuple(notes),
    )


def device_name() -> str:
    """The device that trainings on this machine run on, and what its speed depends on."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _duration(seconds: float) -> str:
    units = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))
    size, unit = next((unit for unit in units if seconds >= 2 * unit[0]), units[-1])
    return f"{seconds / size:.3g} {unit}"


def summary(plan: Plan) -> list[tuple[str, str]]:
    """The plan as rows of (what, how much), notes last."""
    rows = [("device", device_name())]
    for name, count in plan.parameters.items():
        rows.append((name, f"{count:,} parameters, {plan.forward_flops[name] / 1e9:.3g} GFLOP forward per image"))
    seen = f"{plan.images:,}"
    if plan.faces:
        seen += f", {plan.images / plan.faces:.3g} epochs of {plan.faces:,}"
    measured = plan.measured
    steps = f"{plan.iterations:,}, of {plan.batches_per_step} batches each"
    if plan.warm_up_steps:
        steps = f"{steps}; before them {plan.warm_up_steps:,} steps of warm-up"
    rows += [
        ("iterations", steps),
        ("images seen", f"{seen}; batches of {plan.batch_size}"),
        ("an iteration", f"{plan.iteration_flops / 1e9:,.4g} GFLOP, {_duration(plan.iteration_s)}"),
        ("speed", f"{measured.iteration_flops / measured.iteration_s / 1e9:,.4g} GFLOP/s"),
        ("peak memory", f"{plan.memory_gb:.3g} GB"),
        # Curves, sample sheets and checkpoints add a few percent.
        ("time to finish", f"{_duration(plan.seconds)}, curves, sheets and checkpoints not counted"),
    ]
    return rows + [("note", note) for note in plan.notes]
