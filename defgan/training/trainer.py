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

from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.models import architecture, create
from defgan.models.discriminator import Discriminator
from defgan.params import Params
from defgan.training import losses
from defgan.training.checkpoint import load_state, save_state
from defgan.training.data import Batch, Batches, to_network
from defgan.training.sheets import sample_sheet

LOG_EVERY = 10
"""Generator steps that one row of the curves averages."""
SHEET_FACES = 4


@dataclass
class Trained:
    """What a training run leaves: the generators used for editing and the curves."""

    model: nn.Module
    curves: list[dict[str, float]] = field(default_factory=list)


def discriminator_loss(
    discriminator: nn.Module, batch: Batch, fake: Tensor, lambda_gp: float, lambda_exp_d: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """ℒ_Total^D of eq. 18 and its named terms, unweighted."""
    scores_real, aus_real = discriminator(batch.images)
    scores_fake, _ = discriminator(fake)
    terms = {
        "critic_d": losses.critic_loss(scores_fake, scores_real),  # eq. 7
        "gp": losses.gradient_penalty(discriminator, batch.images, fake, batch.mix),  # eq. 7
        "exp_d": losses.expression_loss(aus_real, batch.x),  # eq. 10
    }
    # Eq. 18 prints no coefficient for the AU term; GANimation's is taken.
    weights = {"critic_d": 1.0, "gp": lambda_gp, "exp_d": losses.au_weight(lambda_exp_d)}
    return losses.weighted_sum(terms, weights), terms


def learning_rate(iteration: int, iterations: int, initial: float, decay_share: float) -> float:
    """Constant, then linear to 0 over the last `decay_share` of the iterations (sec. 4.1)."""
    return initial * min(1.0, (iterations - iteration) / max(1.0, decay_share * iterations))


class Trainer:
    """Trains one model on a prepared role.

    Args:
        name: "defgan" or "ganimation".
        params: all params; the model's own coefficients are found by its name.
        faces: the prepared train role; rows with split "val" are held out.
        state: directory of the resume state and the sample sheets; the caller removes it when it has their results.
        on_row: called with (iteration, {name: value}) for each row of the curves.
        on_sheet: called with the path of each sample sheet.
    """

    def __init__(
        self,
        name: str,
        params: Params,
        faces: Faces,
        state: Path,
        on_row: Callable[[int, dict[str, float]], None],
        on_sheet: Callable[[Path], None],
    ):
        self.name, self.training, self.on_row, self.on_sheet = name, params.training, on_row, on_sheet
        self.state_path, self.sheets = state / "state.pt", state / "sheets"
        self.seed = params.seed
        self.coefficients = params if name == "defgan" else params.ganimation
        # Paper and GANimation take other numbers of critic steps; both count epochs of the critic's batches.
        self.iterations = self.training.batches // self.coefficients.critic_steps
        # fp32 for Fabric: the generators choose bf16 themselves, the critic and its gradient penalty never do.
        self.fabric = Fabric(accelerator="auto", devices=1, precision="32-true")
        self.device = self.fabric.device
        torch.manual_seed(params.seed)
        model = create(name, architecture(name, params))
        discriminator = Discriminator(
            params.image_size, self.training.critic_channels, self.training.instance_noise, self.training.critic_blur
        )
        self.model, self.optimizer_g = self._setup(model, "edit", "generator_loss")
        self.discriminator, self.optimizer_d = self._setup(discriminator)
        self.average = None
        if self.training.ema_decay:
            self.average = AveragedModel(self.model.module, multi_avg_fn=get_ema_multi_avg_fn(self.training.ema_decay))
        held_out = (faces.frame["split"] == "val").to_numpy()
        self.held_out = Faces(faces.frame[held_out].reset_index(drop=True), faces.pixels)
        learnt = Faces(faces.frame[~held_out].reset_index(drop=True), faces.pixels)
        self.batches = Batches(learnt, self.training.batch_size, params.seed, self.device)
        self.embed = self._embedder()
        self.step, self.curves = 0, []

    def _setup(self, module: nn.Module, *methods: str) -> tuple[Any, torch.optim.Optimizer]:
        module = module.to(memory_format=torch.channels_last)
        betas = (self.training.beta1, self.training.beta2)
        optimizer = torch.optim.Adam(module.parameters(), self.training.learning_rate, betas, fused=True)
        module, optimizer = self.fabric.setup(module, optimizer)
        for method in methods:
            module.mark_forward_method(method)
        return module, optimizer

    def _embedder(self) -> Callable[[Tensor], Tensor] | None:
        if self.name != "defgan":
            return None
        from defgan.faces.identity import load_embedder

        embedder = load_embedder("dlib-resnet-128").to(self.device)

        def embed(images: Tensor) -> Tensor:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.model.module.bf16):
                return embedder(images).float()

        return embed

    # --- the steps

    def _warm_up_step(self, step: int) -> dict[str, Tensor]:
        """The critic's AU head alone on real images: the generators learn from it, and it learns fastest by itself."""
        batch = self.batches[step]
        _, aus = self.discriminator(batch.images)
        loss = losses.expression_loss(aus, batch.x)
        self._descend(self.optimizer_d, losses.au_weight(self.coefficients.lambda_exp_d) * loss)
        return {"exp_d": loss.detach()}

    def _iteration(self, iteration: int) -> dict[str, Tensor]:
        """`critic_steps` steps of D, then one of the generators on the last batch, as in the reference code."""
        rate = learning_rate(iteration, self.iterations, self.training.learning_rate, self.training.decay_share)
        for optimizer in (self.optimizer_g, self.optimizer_d):
            for group in optimizer.param_groups:
                group["lr"] = rate
        c = self.coefficients
        first = self.training.au_warmup_steps + iteration * c.critic_steps
        for index in range(first, first + c.critic_steps):
            batch = self.batches[index]
            with torch.no_grad():
                fake = self.model.edit(batch.images, batch.x, batch.y).image
            loss_d, terms_d = discriminator_loss(self.discriminator, batch, fake, c.lambda_gp, c.lambda_exp_d)
            self._descend(self.optimizer_d, loss_d)
        # D only passes gradients on here; without this its weights' gradients would be computed for nothing.
        self.discriminator.requires_grad_(False)
        loss_g, terms_g = self.model.generator_loss(
            self.discriminator.module, self.embed, batch.images, batch.x, batch.y, c
        )
        self._descend(self.optimizer_g, loss_g)
        self.discriminator.requires_grad_(True)
        if self.average is not None:
            self.average.update_parameters(self.model.module)
        terms = {**terms_d, **terms_g, "loss_d": loss_d, "loss_g": loss_g}
        return {name: term.detach() for name, term in terms.items()}

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimizer.step()

    # --- the run

    @property
    def editor(self) -> nn.Module:
        """The generators used for editing: their moving average, or themselves where `ema_decay` is 0."""
        return self.model.module if self.average is None else self.average.module

    def fit(self) -> Trained:
        """Train to the end, from the resume state where there is one."""
        self._resume()
        warm_up, saved, sums, count = self.training.au_warmup_steps, time.monotonic(), {}, 0
        total = warm_up + self.iterations
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        with Progress(*columns) as progress:
            bar = progress.add_task(self.name, total=total, completed=self.step, losses="")
            while self.step < total:
                # Whatever is drawn in a step is a function of (seed, step), so a resumed run draws the same.
                torch.manual_seed(hash((self.seed, self.step)))
                warming = self.step < warm_up
                terms = self._warm_up_step(self.step) if warming else self._iteration(self.step - warm_up)
                self.step += 1
                iteration = self.step - warm_up
                sums = {name: sums.get(name, 0) + term for name, term in terms.items()}
                count += 1
                if iteration % LOG_EVERY == 0 or self.step == total:
                    row = {name: value.item() / count for name, value in sums.items()}
                    self._check_finite(row)
                    progress.update(bar, losses=" ".join(f"{name} {value:.3g}" for name, value in row.items()))
                    if not warming:
                        self.curves.append({"step": iteration, **row})
                        self.on_row(iteration, row)
                    sums, count = {}, 0
                    # Here only, so that a resumed run's rows average over the same steps.
                    if time.monotonic() - saved > self.training.checkpoint_seconds:
                        self._save()
                        saved = time.monotonic()
                if not warming and (iteration % self.training.sheet_every == 0 or self.step == total):
                    self._write_sheet(iteration)
                progress.advance(bar)
        return Trained(self.editor.eval(), self.curves)

    @torch.no_grad()
    def held_out_au_error(self) -> float:
        """Mean absolute AU error of D_exp on held-out real faces."""
        self.discriminator.eval()
        rows = self.held_out.frame["row"].to_numpy()
        errors = []
        for start in range(0, len(rows), 64):
            images = to_network(torch.from_numpy(np.array(self.held_out.pixels[rows[start : start + 64]])))
            _, aus = self.discriminator(images.to(self.device))
            errors.append((aus.cpu() - torch.from_numpy(self.held_out.aus[start : start + 64])).abs())
        self.discriminator.train()
        return torch.cat(errors).mean().item()

    def _write_sheet(self, iteration: int) -> None:
        sheet = sample_sheet(self.editor, self.held_out, SHEET_FACES, self.device)
        self.sheets.mkdir(parents=True, exist_ok=True)
        path = self.sheets / f"sheet_{iteration:06d}.png"
        Image.fromarray(sheet).save(path)
        self.on_sheet(path)

    def _check_finite(self, row: dict[str, float]) -> None:
        for name, value in row.items():
            if not math.isfinite(value):
                raise UserError(
                    f"{self.name}: {name} is {value} at step {self.step}; "
                    f"lower training.learning_rate or set training.precision=32-true"
                )

    def _parts(self) -> dict[str, Any]:
        parts = {
            "model": self.model,
            "discriminator": self.discriminator,
            "optimizer_g": self.optimizer_g,
            "optimizer_d": self.optimizer_d,
        }
        return parts if self.average is None else {**parts, "average": self.average}

    def _save(self) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        save_state(self.state_path, {**state, "step": self.step, "curves": self.curves})

    def _resume(self) -> None:
        state = load_state(self.state_path)
        if state is None:
            return
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step, self.curves = state["step"], state["curves"]
