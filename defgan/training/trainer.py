"""The training loop of every method: batches, curves, guards, averages, resume (sec. 4.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from defgan import methods
from defgan.errors import UserError
from defgan.methods.base import Batch, Edit
from defgan.methods.model import Model
from defgan.training.checkpoint import load_state, save_state
from defgan.training.material import Material
from defgan.training.monitor import Guard, Interval, Timings, edit_figures
from defgan.training.runtime import Runtime
from defgan.training.sheets import sample_sheet

if TYPE_CHECKING:
    from defgan.params import Params

LOG_EVERY = 10
"""Iterations that one row of the curves averages, unless said otherwise."""
SHEET_FACES = 4


@dataclass
class Trained:
    """What a training run leaves: the model used for editing and the curves."""

    model: Model
    curves: list[dict[str, float]] = field(default_factory=list)


class Average(AveragedModel):
    """The exponential moving average of a model; torch's own update waits for the device.

    Args:
        decay: of the average from one update to the next.
    """

    def __init__(self, model: nn.Module, decay: float):
        super().__init__(model, multi_avg_fn=get_ema_multi_avg_fn(decay))

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """The first update takes the model over. The count lies on the host."""
        own, new = list(self.module.parameters()), list(model.parameters())
        if self.n_averaged:
            self.multi_avg_fn(own, new, None)
        else:
            torch._foreach_copy_(own, new)
        self.n_averaged += 1


def learning_rate(iteration: int, iterations: int, initial: float, decay_share: float) -> float:
    """Constant, then linear to 0 over the last `decay_share` of the iterations (sec. 4.1)."""
    return initial * min(1.0, (iterations - iteration) / max(1.0, decay_share * iterations))


class Trainer:
    """Trains a method to the end, from the resume state where there is one.

    Args:
        name: of the method.
        params: all params; the method's own coefficients are found by its name.
        material: what it learns from.
        state: directory of the resume state and the sample sheets; the caller removes it when it has their results.
        on_row: called with (iteration, {name: value}) for each row of the curves, speeds included.
        on_sheet: called with the path of each sample sheet.
        seconds: instead of a number of iterations: how long it trains. Schedules then follow the clock.
        log_every: iterations that one row of the curves averages; held-out errors are computed for each row.
    """

    def __init__(
        self,
        name: str,
        params: Params,
        material: Material,
        state: Path,
        on_row: Callable[[int, dict[str, float]], None],
        on_sheet: Callable[[Path], None],
        seconds: float | None = None,
        log_every: int = LOG_EVERY,
    ):
        self.log_every = log_every
        self.name, self.on_row, self.on_sheet = name, on_row, on_sheet
        self.state_path, self.sheets = state / "state.pt", state / "sheets"
        self.seed, self.method = params.seed, methods.get(name)
        self.training = self.method.training(params)
        self.runtime = Runtime(self.training)
        torch.manual_seed(params.seed)
        self.learner = self.method.learner(params, self.runtime)
        self.warm_up_steps = self.learner.warm_up_steps
        # The papers take different numbers of critic steps; all count epochs by batches.
        batches = self.training.count_batches(material.count)
        self.iterations = batches // self.learner.batches_per_step
        self.average = None
        if self.training.ema_decay:
            self.average = Average(self.learner.model.module, self.training.ema_decay).eval()
        self.shown, self.held_out = material.shown, material.held_out(self.runtime.device)
        first_changed = round(self.training.augment.start * self.iterations) * self.learner.batches_per_step
        self.batches = material.batches(params, self.runtime, self.warm_up_steps, first_changed)
        if not self.iterations and seconds is None:
            raise UserError(
                f"{name}: the training has {batches} batches, but an iteration takes {self.learner.batches_per_step}; "
                f"raise training.batches or training.epochs"
            )
        self.timings, self.guard = Timings(self.runtime.device), Guard(self.method.mask_remedies)
        self.seconds, self._started = seconds, time.monotonic()
        self.step, self.curves = 0, []

    # --- the steps

    def _pace(self, iteration: int) -> None:
        """By the clock, a run has as many iterations as its mean speed allows; the last one is made in time."""
        if self.seconds is not None and iteration:
            elapsed = (time.monotonic() - self._started) / self.seconds
            self.iterations = iteration + 1 if elapsed >= 1 else max(iteration + 2, round(iteration / elapsed))

    def advance(self) -> tuple[dict[str, Tensor], Edit | None]:
        """The next step of the run, of the warm-up or an iteration: its terms, and the edits of an iteration."""
        # Whatever is drawn in a step is a function of (seed, step), so a resumed run draws the same.
        torch.manual_seed(hash((self.seed, self.step)))
        iteration, edit = self.step - self.warm_up_steps, None
        if iteration < 0:
            terms = self.learner.warm_up(self._batch(self.step))
        else:
            self._pace(iteration)
            rate = learning_rate(iteration, self.iterations, self.training.learning_rate, self.training.decay_share)
            self.runtime.set_learning_rate(rate)
            terms, edit = self.learner.step(self._batches_of(iteration), iteration, self.iterations)
            if self.average is not None:
                self.average.update_parameters(self.learner.model.module)
        self.step += 1
        return terms, edit

    def _batches_of(self, iteration: int) -> Iterator[Batch]:
        first = self.warm_up_steps + iteration * self.learner.batches_per_step
        return map(self._batch, range(first, first + self.learner.batches_per_step))

    def _batch(self, index: int) -> Batch:
        started = time.perf_counter()
        batch = self.batches[index]
        self.timings.batch(time.perf_counter() - started, len(batch.images) * self.runtime.fabric.world_size)
        return batch

    # --- the run

    @property
    def _total(self) -> int:
        """Steps of the warm-up and iterations."""
        return self.warm_up_steps + self.iterations

    @property
    def editor(self) -> Model:
        """The model used for editing: the moving average, or the model itself where `ema_decay` is 0."""
        return self.learner.model.module if self.average is None else self.average.module

    def fit(self) -> Trained:
        """Train to the end."""
        self._resume()
        saved, interval = time.monotonic(), Interval(self.name)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        with Progress(*columns, disable=not self.runtime.is_main) as progress:
            bar = progress.add_task(self.name, total=self._total, completed=self.step, losses="")
            while self.step < self._total:
                terms, edit = self.advance()
                iteration = self.step - self.warm_up_steps
                interval.add(iteration, terms)
                if iteration % self.log_every == 0 or iteration in (0, self.iterations):
                    row = self._row(interval, edit)
                    progress.update(bar, losses=" ".join(f"{name} {value:.3g}" for name, value in row.items()))
                    if edit is not None:
                        self._record(iteration, row, progress)
                    # Here only, so that a resumed run's rows average over the same steps.
                    if time.monotonic() - saved > self.training.checkpoint_seconds:
                        self._save()
                        saved = time.monotonic()
                if edit is not None and (iteration % self.training.sheet_every == 0 or self.step == self._total):
                    self._write_sheet(iteration)
                progress.update(bar, completed=self.step, total=self._total)
        return Trained(self.editor.eval(), self.curves)

    def _record(self, iteration: int, row: dict[str, float], progress: Progress) -> None:
        self.curves.append({"step": iteration, **row})
        self.on_row(iteration, {**row, **self.timings.close()})
        for warning in self.guard.check(row):
            progress.console.print(f"{self.name}: at iteration {iteration}, {warning}")

    def _row(self, interval: Interval, edit: Edit | None) -> dict[str, float]:
        """Means of the terms over the interval and all processes; figures and errors of its last step."""
        row = interval.close(str(self.state_path) if self.state_path.is_file() else "none yet")
        if edit is not None:
            row |= {name: value.cpu() for name, value in {**edit_figures(edit), **self._held_out_errors()}.items()}
        mean = self.runtime.mean(torch.stack(list(row.values())).to(self.runtime.device))
        return dict(zip(row, mean.tolist(), strict=True))

    @torch.no_grad()
    def _held_out_errors(self) -> dict[str, Tensor]:
        """The learner's errors on held-out faces."""
        return self.learner.held_out(self.editor, self.held_out)

    def _write_sheet(self, iteration: int) -> None:
        if not self.runtime.is_main:
            return
        sheet = sample_sheet(self.editor, self.shown, SHEET_FACES, self.runtime.device)
        self.sheets.mkdir(parents=True, exist_ok=True)
        path = self.sheets / f"sheet_{iteration:06d}.png"
        Image.fromarray(sheet).save(path)
        self.on_sheet(path)

    # --- resume

    def _parts(self) -> dict[str, Any]:
        return {**self.learner.parts(), **({} if self.average is None else {"average": self.average})}

    def _save(self) -> None:
        if not self.runtime.is_main:
            return
        state = {name: part.state_dict() for name, part in self._parts().items()}
        save_state(self.state_path, {**state, "step": self.step, "curves": self.curves})

    def _resume(self) -> None:
        state = load_state(self.state_path)
        # Nobody writes before all have read.
        self.runtime.fabric.barrier()
        if state is None:
            return
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step, self.curves = state["step"], state["curves"]
