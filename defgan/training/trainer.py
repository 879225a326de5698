"""One trainer for every model: critic steps, a generator step, averages, checkpoints (sec. 3.2 and 4.1)."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from defgan.faces.table import Faces
from defgan.facs import AU_NAMES
from defgan.models import architecture, coefficients, create
from defgan.models.base import TrainableModel
from defgan.models.discriminator import Discriminator
from defgan.models.edit import Edit
from defgan.params import HardeningParams, Params
from defgan.training import losses
from defgan.training.checkpoint import load_state, save_state
from defgan.training.data import Batch, Batches, to_network
from defgan.training.monitor import Guard, Interval, Timings, edit_figures
from defgan.training.response import Response
from defgan.training.sheets import sample_sheet

LOG_EVERY = 10
"""Generator steps that one row of the curves averages."""
SHEET_FACES = 4
HELD_OUT_FACES = 64
"""Held-out faces on which the condition error of D and of the edits is followed."""


@dataclass
class Trained:
    """What a training run leaves: the generators used for editing and the curves."""

    model: TrainableModel
    curves: list[dict[str, float]] = field(default_factory=list)


def worst_images(
    discriminator: nn.Module, model: TrainableModel, batch: Batch, coefficients: Any, size: float
) -> Tensor:
    """The real images, changed by a root mean square of `size` in the way that D reads their condition worst."""
    images = batch.images.detach().requires_grad_(True)
    with model.autocast(images):
        _, predicted = discriminator(images)
    _, loss, _ = model.condition_term(predicted, batch.x, coefficients)
    (gradient,) = torch.autograd.grad(loss, images)
    return losses.worst_case(batch.images, gradient, size)


def discriminator_loss(
    discriminator: nn.Module,
    model: TrainableModel,
    batch: Batch,
    fake: Tensor,
    coefficients: Any,
    critic_weight: float = 1.0,
    worst_case: float = 0.0,
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """ℒ_Total^D of eq. 18, its named terms, unweighted, with the mean gradient norm `gp_norm` besides, and D_exp's
    reading of the real images, N×n."""
    images = [batch.images, fake]
    if worst_case:
        images.append(worst_images(discriminator, model, batch, coefficients, worst_case))
    # All are judged in one pass; there is no normalisation that would couple them.
    with model.autocast(fake):
        scores, conditions = discriminator(torch.cat(images))
    scores_real, scores_fake = scores.split(len(fake))[:2]
    learnt = conditions[2 * len(fake) :] if worst_case else conditions[: len(fake)]
    # A gradient of a gradient: always fp32.
    norms = losses.gradient_norms(discriminator, batch.images, fake, batch.mix)
    # Eq. 18 prints no coefficient for the AU term; GANimation's is taken.
    name, condition, weight = model.condition_term(learnt, batch.x, coefficients)
    terms = {
        "critic_d": losses.critic_loss(scores_fake, scores_real),  # eq. 7
        "gp": losses.gradient_penalty(norms),  # eq. 7
        name: condition,  # eq. 10
    }
    weights = {"critic_d": critic_weight, "gp": critic_weight * coefficients.lambda_gp, name: weight}
    if coefficient := getattr(coefficients, "lambda_exp_fake", 0):  # StarGAN has none
        # Not the paper's: what a generator makes of a face is to be read as that face was. D_exp unlearns what looks
        # like an expression to it and is none; what real expressions look like it cannot unlearn.
        terms["exp_fake"] = losses.expression_loss(conditions[len(fake) : 2 * len(fake)], batch.x)
        weights["exp_fake"] = losses.au_weight(coefficient)
    reading = conditions[: len(fake)].detach()
    return losses.weighted_sum(terms, weights), {**terms, "gp_norm": norms.mean()}, reading


def learning_rate(iteration: int, iterations: int, initial: float, decay_share: float) -> float:
    """Constant, then linear to 0 over the last `decay_share` of the iterations (sec. 4.1)."""
    return initial * min(1.0, (iterations - iteration) / max(1.0, decay_share * iterations))


def hardness(iteration: int, iterations: int, hardening: HardeningParams) -> tuple[float, float, bool]:
    """Weight of the critic, size of the worst case and whether D's filter is random; all at once after `start`, but the
    worst case, which grows linearly to its full size at the end: D_exp has to keep up with it."""
    first = hardening.start * iterations
    if iteration < first:
        return 1.0, 0.0, False
    share = (iteration + 1 - first) / (iterations - first)
    return hardening.critic_weight, share * hardening.worst_case, True


def make_fabric(params: Params) -> Fabric:
    """The devices of `training.devices` and `training.nodes`, in fp32: the models choose bfloat16 themselves.

    Under `torchrun` or `fabric run` the processes are those that it started; otherwise they are started here.
    """
    fabric = Fabric(
        accelerator="auto",
        devices=params.training.devices,
        num_nodes=params.training.nodes,
        precision="32-true",
    )
    fabric.launch()
    return fabric


def make_discriminator(params: Params, model: TrainableModel) -> Discriminator:
    """A fresh D for what the model is conditioned on; draws from torch's global generator."""
    training = params.training
    helps = (training.instance_noise, training.critic_color_change, training.critic_blur)
    return Discriminator(
        params.image_size,
        training.critic_channels,
        len(model.CONDITIONS),
        *(helps if model.HELPED_CRITIC else (0.0, 0.0, False)),
        model.NORMAL_INIT,
    )


class Trainer:
    """Trains one model on the prepared role that it learns from.

    Args:
        name: "defgan", "ganimation" or "stargan".
        params: all params; the model's own coefficients are found by its name.
        faces: the prepared role; rows with split "val" are held out.
        state: directory of the resume state and the sample sheets; the caller removes it when it has their results.
        on_row: called with (iteration, {name: value}) for each row of the curves, speeds included.
        on_sheet: called with the path of each sample sheet.
        fabric: where it runs; by default `make_fabric(params)`.
    """

    def __init__(
        self,
        name: str,
        params: Params,
        faces: Faces,
        state: Path,
        on_row: Callable[[int, dict[str, float]], None],
        on_sheet: Callable[[Path], None],
        fabric: Fabric | None = None,
    ):
        self.name, self.training, self.on_row, self.on_sheet = name, params.training, on_row, on_sheet
        self.state_path, self.sheets = state / "state.pt", state / "sheets"
        self.seed = params.seed
        self.coefficients = coefficients(name, params)
        # The papers take different numbers of critic steps; all count epochs of the critic's batches.
        self.iterations = self.training.batches // self.coefficients.critic_steps
        self.fabric = fabric or make_fabric(params)
        self.device = self.fabric.device
        torch.set_float32_matmul_precision("high")
        torch.manual_seed(params.seed)
        model = create(name, architecture(name, params))
        discriminator = make_discriminator(params, model)
        self.model, self.optimizer_g = self._setup(model, "edit", "generator_loss")
        self.discriminator, self.optimizer_d = self._setup(discriminator)
        self.response = None
        if self.training.expression_changes and model.CONDITIONS == AU_NAMES:
            self.response = Response(len(AU_NAMES)).to(self.device)
        self.average = None
        if self.training.ema_decay:
            self.average = AveragedModel(self.model.module, multi_avg_fn=get_ema_multi_avg_fn(self.training.ema_decay))
        self.held_out, learnt = self._split(faces, model)
        self.batches = Batches(
            faces.pixels,
            learnt["row"].to_numpy(),
            model.conditions(learnt),
            self.training.batch_size,
            params.seed,
            model.TARGET_NOISE,
            self.training.augment,
            self.device,
            self.fabric.global_rank,
            self.fabric.world_size,
            self.training.au_warmup_steps
            + round(self.training.augment.start * self.iterations) * self.coefficients.critic_steps,
        )
        self.embed = self._embedder()
        self.timings, self.guard = Timings(self.device), Guard(model.MASK_REMEDIES)
        self.step, self.curves = 0, []

    @staticmethod
    def _split(faces: Faces, model: TrainableModel) -> tuple[Faces, Any]:
        """The held-out faces, and the rows of the frame to learn from; without held-out ones all serve as both."""
        usable = faces.frame[model.usable(faces.frame)]
        held_out = usable[usable["split"] == "val"]
        learnt = usable[usable["split"] != "val"]
        return Faces((held_out if len(held_out) else learnt).reset_index(drop=True), faces.pixels), learnt

    def _setup(self, module: nn.Module, *methods: str) -> tuple[Any, torch.optim.Optimizer]:
        module = module.to(memory_format=torch.channels_last)
        betas = (self.training.beta1, self.training.beta2)
        optimizer = torch.optim.Adam(module.parameters(), self.training.learning_rate, betas, fused=True)
        module, optimizer = self.fabric.setup(module, optimizer)
        for method in methods:
            module.mark_forward_method(method)
        return module, optimizer

    def _embedder(self) -> Callable[[Tensor], Tensor] | None:
        """The frozen embedder of eq. 12; None where nothing asks for it."""
        if not any(getattr(self.coefficients, key, 0) for key in ("lambda_id", "lambda_id_comp")):
            return None
        from defgan.faces.identity import load_embedder

        embedder = load_embedder(self.training.embedder).to(self.device)

        def embed(images: Tensor) -> Tensor:
            with self.model.module.autocast(images):
                return embedder(images).float()

        return embed

    # --- the steps

    def advance(self) -> tuple[dict[str, Tensor], Edit | None]:
        """The next step of the run, of the warm-up or an iteration: its terms, and the edits of an iteration."""
        # Whatever is drawn in a step is a function of (seed, step), so a resumed run draws the same.
        torch.manual_seed(hash((self.seed, self.step)))
        iteration, edit = self.step - self.training.au_warmup_steps, None
        if iteration < 0:
            terms = self._warm_up_step(self.step)
        else:
            terms, edit = self._iteration(iteration)
        self.step += 1
        return terms, edit

    def _batch(self, index: int) -> Batch:
        started = time.perf_counter()
        batch = self.batches[index]
        self.timings.batch(time.perf_counter() - started, len(batch.images) * self.fabric.world_size)
        return batch

    def _warm_up_step(self, step: int) -> dict[str, Tensor]:
        """The critic's condition head alone on real images: the generators learn from it, and alone it learns fast.

        A generator that does not begin with its input first has to learn to paint one: there it learns alone, to
        reproduce what it is given.
        """
        batch = self._batch(step)
        if self.model.module.REPAINTS:
            same = self.model.edit(batch.images, batch.x, batch.x).image
            loss = losses.cycle_loss(same, batch.images)
            # With its later weight: Adam's moments are then of the right size.
            weighted = self.coefficients.lambda_idt * loss
            norm = self._descend(self.optimizer_g, self.model, weighted, self.training.max_grad_norm)
            return {"idt": loss.detach(), "grad_g": norm}
        with self.model.module.autocast(batch.images):
            scores, predicted = self.discriminator(batch.images)
        self._follow(predicted.detach(), batch.x)
        name, loss, weight = self.model.module.condition_term(predicted, batch.x, self.coefficients)
        # 0·D_c: distributed training asks for a gradient of every parameter.
        norm = self._descend(self.optimizer_d, self.discriminator, weight * loss + 0 * scores.sum())
        return {name: loss.detach(), "grad_d": norm}

    def _follow(self, reading: Tensor, x: Tensor) -> None:
        """What D_exp reads on real images of conditions x tells how it responds to them."""
        if self.response is not None:
            moments = self.response.moments(reading, x)
            self.response.update(self.fabric.all_reduce(moments, reduce_op="mean"))

    def _iteration(self, iteration: int) -> tuple[dict[str, Tensor], Edit]:
        """`critic_steps` steps of D, then one of the generators on the last batch, as in the reference code."""
        rate = learning_rate(iteration, self.iterations, self.training.learning_rate, self.training.decay_share)
        for optimizer in (self.optimizer_g, self.optimizer_d):
            for group in optimizer.param_groups:
                group["lr"] = rate
        critic_weight, worst_case = 1.0, 0.0
        if self.model.module.HELPED_CRITIC:
            critic_weight, worst_case, self.discriminator.module.random_blur = hardness(
                iteration, self.iterations, self.training.hardening
            )
        first = self.training.au_warmup_steps + iteration * self.coefficients.critic_steps
        last = first + self.coefficients.critic_steps - 1
        for index in range(first, last + 1):
            batch = self._batch(index)
            # The generators' step takes the last edits over: they are not made twice.
            with torch.set_grad_enabled(index == last):
                edit = self.model.edit(batch.images, batch.x, batch.y)
            loss_d, terms_d, reading = discriminator_loss(
                self.discriminator,
                self.model.module,
                batch,
                edit.image.detach(),
                self.coefficients,
                critic_weight,
                worst_case,
            )
            self._follow(reading, batch.x)
            norm_d = self._descend(self.optimizer_d, self.discriminator, loss_d)
        # D only passes gradients on here; without this its weights' gradients would be computed for nothing.
        self.discriminator.requires_grad_(False)
        loss_g, terms_g = self.model.generator_loss(
            self.discriminator.module, self.embed, edit, batch, self.coefficients, critic_weight, self.response
        )
        norm_g = self._descend(self.optimizer_g, self.model, loss_g, self.training.max_grad_norm)
        self.discriminator.requires_grad_(True)
        if self.average is not None:
            self.average.update_parameters(self.model.module)
        terms = {**terms_d, **terms_g, "loss_d": loss_d, "loss_g": loss_g, "grad_d": norm_d, "grad_g": norm_g}
        return {name: term.detach() for name, term in terms.items()}, edit

    def _descend(
        self, optimizer: torch.optim.Optimizer, module: nn.Module, loss: Tensor, max_norm: float = 0.0
    ) -> Tensor:
        """A step down; returns the norm of the gradient before it was clipped to `max_norm` (0: it is not)."""
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(module, optimizer, max_norm=max_norm or math.inf, error_if_nonfinite=False)
        optimizer.step()
        return norm

    # --- the run

    @property
    def editor(self) -> TrainableModel:
        """The generators used for editing: their moving average, or themselves where `ema_decay` is 0."""
        return self.model.module if self.average is None else self.average.module

    def fit(self) -> Trained:
        """Train to the end, from the resume state where there is one."""
        self._resume()
        warm_up, saved = self.training.au_warmup_steps, time.monotonic()
        total = warm_up + self.iterations
        interval = Interval(self.name)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        with Progress(*columns, disable=not self.fabric.is_global_zero) as progress:
            bar = progress.add_task(self.name, total=total, completed=self.step, losses="")
            while self.step < total:
                terms, edit = self.advance()
                iteration = self.step - warm_up
                interval.add(iteration, terms)
                if iteration % LOG_EVERY == 0 or iteration in (0, self.iterations):
                    row = self._row(interval, edit)
                    progress.update(bar, losses=" ".join(f"{name} {value:.3g}" for name, value in row.items()))
                    if edit is not None:
                        self.curves.append({"step": iteration, **row})
                        self.on_row(iteration, {**row, **self.timings.close()})
                        for warning in self.guard.check(row):
                            progress.console.print(f"{self.name}: at iteration {iteration}, {warning}")
                    # Here only, so that a resumed run's rows average over the same steps.
                    if time.monotonic() - saved > self.training.checkpoint_seconds:
                        self._save()
                        saved = time.monotonic()
                if edit is not None and (iteration % self.training.sheet_every == 0 or self.step == total):
                    self._write_sheet(iteration)
                progress.advance(bar)
        return Trained(self.editor.eval(), self.curves)

    def _row(self, interval: Interval, edit: Edit | None) -> dict[str, float]:
        """Means of the terms over the interval and all processes; figures and errors of its last step."""
        row = interval.close(str(self.state_path) if self.state_path.is_file() else "none yet")
        if edit is not None:
            row |= {name: value.cpu() for name, value in {**edit_figures(edit), **self._held_out_errors()}.items()}
        mean = self.fabric.all_reduce(torch.stack(list(row.values())).to(self.device), reduce_op="mean")
        return dict(zip(row, mean.tolist(), strict=True))

    @torch.no_grad()
    def _held_out_errors(self) -> dict[str, Tensor]:
        """On held-out faces: how far D reads their conditions wrongly, and those of their edits."""
        count = len(self.held_out.frame)
        chosen = np.unique(np.linspace(0, count - 1, min(count, HELD_OUT_FACES)).round().astype(int))
        frame = self.held_out.frame.iloc[chosen]
        images = to_network(torch.from_numpy(self.held_out.pixels[frame["row"].to_numpy()])).to(self.device)
        x = torch.from_numpy(self.model.module.conditions(frame)).to(self.device)
        y = x.roll(1, dims=0)
        self.discriminator.eval()
        error = self.model.module.condition_error
        real = error(self.discriminator.module(images)[1], x).mean()
        edited = error(self.discriminator.module(self.editor.edit(images, x, y).image)[1], y).mean()
        self.discriminator.train()
        return {"held_out_d": real, "held_out_g": edited}

    def _write_sheet(self, iteration: int) -> None:
        if not self.fabric.is_global_zero:
            return
        sheet = sample_sheet(self.editor, self.held_out, SHEET_FACES, self.device)
        self.sheets.mkdir(parents=True, exist_ok=True)
        path = self.sheets / f"sheet_{iteration:06d}.png"
        Image.fromarray(sheet).save(path)
        self.on_sheet(path)

    def _parts(self) -> dict[str, Any]:
        parts = {
            "model": self.model,
            "discriminator": self.discriminator,
            "optimizer_g": self.optimizer_g,
            "optimizer_d": self.optimizer_d,
        }
        optional = {"average": self.average, "response": self.response}
        return parts | {name: part for name, part in optional.items() if part is not None}

    def _save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {name: part.state_dict() for name, part in self._parts().items()}
        save_state(self.state_path, {**state, "step": self.step, "curves": self.curves})

    def _resume(self) -> None:
        state = load_state(self.state_path)
        # Nobody writes before all have read.
        self.fabric.barrier()
        if state is None:
            return
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step, self.curves = state["step"], state["curves"]
