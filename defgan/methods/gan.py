"""The step of generators against a discriminator, which the three methods of the paper share (sec. 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from defgan.facs import AU_NAMES
from defgan.fields import Units
from defgan.methods import base, losses
from defgan.methods.adversarial import AdversarialMethod, Schedule
from defgan.methods.base import Batch, Edit, Runtime, Term
from defgan.methods.conditions import ACTION_UNITS
from defgan.methods.model import Model
from defgan.methods.response import Response

if TYPE_CHECKING:
    from defgan.params import Params

Embed = Callable[[Tensor], Tensor]
"""The frozen face embedder of eq. 12: images N×3×H×W in [-1, 1] to N×d."""
Discriminate = Callable[..., tuple[Tensor, Tensor]]
"""As `defgan.networks.discriminator.Discriminator.forward`."""


@dataclass(frozen=True)
class DiscriminatorValues:
    """What the discriminator's terms are made of."""

    batch: Batch
    predicted: Tensor  # D_exp of the real images, or of their adversarial perturbations, N×n
    scores_real: Tensor | None = None  # D_c, N×h×w; None where only D_exp learns
    scores_fake: Tensor | None = None
    gradient_norms: Tensor | None = None  # of eq. 7, (N,)
    predicted_fake: Tensor | None = None  # D_exp of the edits, N×n


@dataclass(frozen=True)
class GeneratorValues:
    """What the generators' terms are made of."""

    batch: Batch
    edit: Edit
    back: Any  # what `AdversarialMethod.round_trip` returns
    scores: Tensor  # D_c of the final images, N×h×w
    expression_errors: Sequence[Tensor]  # of each of `AdversarialMethod.expression_images`, scalars
    coefficients: Any
    embed: Embed | None

    @property
    def units(self) -> Units:
        """Of the losses on the grid."""
        return self.coefficients.grid_units

    @cached_property
    def _embedding(self) -> Tensor:
        with torch.no_grad():
            return self.embed(self.batch.images)

    def identities(self, edited: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Embeddings of edited images and of their inputs, both N×d, and the margin of eq. 12, (N,) or None."""
        inputs, margin = self._embedding, None
        if self.coefficients.identity_margin:
            # Not the paper's: the more is asked for, the more it may cost.
            margin = self.coefficients.identity_margin * (self.batch.y - self.batch.x).square().sum(1)
        return self.embed(edited), inputs, margin


def perturbed_images(discriminator: nn.Module, model: Model, batch: Batch, term: Term, size: Tensor) -> Tensor:
    """The real images after an adversarial perturbation by a root mean square of `size`: `term` is worst there."""
    images = batch.images.detach().requires_grad_(True)
    with model.autocast(images):
        _, predicted = discriminator(images)
    (gradient,) = torch.autograd.grad(term.loss(DiscriminatorValues(batch, predicted)), images)
    return losses.perturb(batch.images, gradient, size)


def compute_d_loss(
    discriminator: nn.Module,
    model: Model,
    batch: Batch,
    fake: Tensor,
    coefficients: Any,
    critic_weight: float = 1.0,
    perturbation: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """ℒ_Total^D of eq. 18 and its terms, with the mean gradient norm `gp_norm`; and D_exp of the real images, N×n.

    `perturbation` is a scalar: a size above 0, as `Schedule`'s; None: D_exp learns from the real images themselves.
    `fake` are the edits of the batch, without a gradient. The penalty is one of the terms of the one step, as in
    eq. 18. The published codes make two steps: one without the penalty, and one on the penalty alone.
    """
    images, method = [batch.images, fake], model.method
    if perturbation is not None:
        images.append(perturbed_images(discriminator, model, batch, method.condition_term, perturbation))
    # All are judged in one pass; there is no normalisation that would couple them.
    with model.autocast(fake):
        scores, predictions = discriminator(torch.cat(images))
    scores_real, scores_fake = scores.split(len(fake))[:2]
    learnt = predictions[: len(fake)] if perturbation is None else predictions[2 * len(fake) :]
    # A gradient of a gradient: always fp32.
    norms = losses.gradient_norms(discriminator, batch.images, fake, batch.mix, coefficients.critic_reduction)
    predicted_fake = predictions[len(fake) : 2 * len(fake)]
    values = DiscriminatorValues(batch, learnt, scores_real, scores_fake, norms, predicted_fake)
    total, terms = losses.total_loss(method.discriminator_terms, values, coefficients, critic_weight)
    return total, {**terms, "gp_norm": norms.mean()}, predictions[: len(fake)].detach()


def compute_g_loss(
    discriminator: Discriminate,
    model: Model,
    batch: Batch,
    edit: Edit,
    coefficients: Any,
    embed: Embed | None = None,
    response: Response | None = None,
    critic_weight: float = 1.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """ℒ_Total^G of eq. 16 and its terms; `edit` is that of the batch from x to y.

    With a `response` the expression losses are on changes of D_exp's prediction, where the method has such losses.
    """
    back = model.method.round_trip(model, edit, batch)
    scores, errors = model.method.expression_errors(discriminator, model, edit, batch, response)
    values = GeneratorValues(batch, edit, back, scores, errors, coefficients, embed)
    return losses.total_loss(model.method.generator_terms, values, coefficients, critic_weight)


def au_errors(
    discriminator: Discriminate, model: Model, images: Sequence[Tensor], batch: Batch, response: Response | None
) -> tuple[Tensor, list[Tensor]]:
    """D_c's scores of the first of the batch's edits, and of each the expression loss of eq. 9.

    One pass of D over all. With a `response` the losses are those on changes, and D sees the inputs too.
    """
    seen = images if response is None else [*images, batch.images]
    with model.autocast(batch.images):
        scores, aus = discriminator(torch.cat(list(seen)), 1 if response is None else len(seen))
    predictions = aus.chunk(len(seen))
    if response is None:
        errors = [losses.expression_loss(predicted, batch.y) for predicted in predictions]
    else:
        *predictions, before = predictions
        change, matrix = batch.y - batch.x, response.matrix()
        errors = [losses.change_loss(before.detach(), predicted, change, matrix) for predicted in predictions]
    return scores[: len(batch.images)], errors


def label_errors(
    discriminator: Discriminate, model: Model, images: Tensor, batch: Batch
) -> tuple[Tensor, list[Tensor]]:
    """D_c's scores of edits, and the cross-entropy of D's labels and the wanted ones."""
    with model.autocast(batch.images):
        scores, labels = discriminator(images)
    return scores, [losses.classification_loss(labels, batch.y)]


def needs_embedder(method: AdversarialMethod, coefficients: Any) -> bool:
    """Whether a term of eq. 12 has a weight."""
    return any(term.weight(coefficients) for term in method.generator_terms if term.equation == "eq. 12")


def _detached(terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: term.detach() for name, term in terms.items()}


def load_embed(learner: Learner) -> Embed | None:
    """The frozen embedder of eq. 12, in the model's precision; None where no term of it has a weight."""
    if not needs_embedder(learner.method, learner.coefficients):
        return None
    from defgan.faces.embedders import load_embedder

    embedder = load_embedder(learner.training.embedder).to(learner.runtime.device)

    def embed(images: Tensor) -> Tensor:
        with learner.model.module.autocast(images):
            return embedder(images).float()

    return embed


class Learner(base.Learner):
    """Generators and a discriminator, trained in turn."""

    def __init__(self, method: AdversarialMethod, params: Params, runtime: Runtime):
        self.method, self.training, self.runtime = method, method.training(params), runtime
        self.coefficients = method.coefficients(params)
        self.warm_up_steps = self.training.au_warmup_steps
        self.batches_per_step = self.coefficients.critic_steps
        model, discriminator = Model(method, **method.architecture(params)), method.discriminator(params)
        self.model, self._optimizer_g = runtime.setup(model, "edit")
        self.discriminator, self._optimizer_d = runtime.setup(discriminator)
        self.response = None
        if self.training.expression_changes and method.condition is ACTION_UNITS:
            self.response = Response(len(AU_NAMES)).to(runtime.device)
        self.embed = load_embed(self)
        self._warm_up_step = runtime.capture(self._warm_up)
        self._steps: dict[tuple[Any, ...], Callable[..., tuple[dict[str, Tensor], Edit | None]]] = {}

    # --- the warm-up

    def warm_up(self, batch: Batch) -> dict[str, Tensor]:
        """A step of what the method learns first."""
        terms, _ = self._warm_up_step(*batch.tensors())
        return terms

    def _warm_up(self, *tensors: Tensor) -> tuple[dict[str, Tensor], None]:
        return self.method.warm_up(self, Batch.of(*tensors)), None

    def warm_up_condition_head(self, batch: Batch) -> dict[str, Tensor]:
        """D_exp alone, on real images: so it learns fast."""
        term = self.method.condition_term
        with self.model.module.autocast(batch.images):
            scores, predicted = self.discriminator(batch.images)
        self._follow(predicted.detach(), batch.x)
        loss = term.loss(DiscriminatorValues(batch, predicted))
        # 0·D_c: distributed training asks for a gradient of every parameter.
        weighted = term.weight(self.coefficients) * loss + 0 * scores.sum()
        norm = self.runtime.descend(self._optimizer_d, self.discriminator, weighted)
        return {term.name: loss.detach(), "grad_d": norm}

    def descend_generators(self, loss: Tensor) -> Tensor:
        """A step of the generators; returns the norm of the gradient before it was clipped."""
        return self.runtime.descend(self._optimizer_g, self.model, loss, self.training.max_grad_norm)

    def _follow(self, predicted: Tensor, x: Tensor) -> None:
        """D_exp's predictions on real images of conditions x tell how it responds to them."""
        if self.response is not None:
            self.response.update(self.runtime.mean(self.response.moments(predicted, x)))

    # --- an iteration

    def step(self, batches: Iterator[Batch], iteration: int, iterations: int) -> tuple[dict[str, Tensor], Edit]:
        """`critic_steps` steps of D, then one of the generators on the last batch, as in the reference code."""
        schedule = self.method.schedule(iteration, iterations, self.training.schedule)
        self.discriminator.module.random_blur = schedule.random_blur
        # It changes from step to step: on the device, by a kernel that the host does not wait for.
        size = torch.full((), schedule.perturbation, device=self.runtime.device)
        for index, batch in enumerate(batches, 1):
            step = self._captured(self._critic_step if index < self.batches_per_step else self._last_step, schedule)
            terms, edit = step(size, *batch.tensors())
        return terms, edit

    def _captured(self, step: Callable[..., Any], schedule: Schedule) -> Callable[..., Any]:
        """A step as a function of tensors alone, one for each part of the schedule: all else in it is constant."""
        constants = schedule.critic_weight, schedule.perturbation > 0
        key = (step, schedule.random_blur, *constants)
        if key not in self._steps:
            self._steps[key] = self.runtime.capture(partial(step, *constants))
        return self._steps[key]

    def _critic_step(
        self, critic_weight: float, perturbed: bool, size: Tensor, *tensors: Tensor
    ) -> tuple[dict[str, Tensor], None]:
        """A step of D alone."""
        batch = Batch.of(*tensors)
        with torch.no_grad():
            edit = self.model.edit(batch.images, batch.x, batch.y)
        terms, loss, norm = self._discriminate(batch, edit, critic_weight, size if perturbed else None)
        return _detached({**terms, "loss_d": loss, "grad_d": norm}), None

    def _last_step(
        self, critic_weight: float, perturbed: bool, size: Tensor, *tensors: Tensor
    ) -> tuple[dict[str, Tensor], Edit]:
        """A step of D, then one of the generators; both take the same edits, which are not made twice."""
        batch = Batch.of(*tensors)
        edit = self.model.edit(batch.images, batch.x, batch.y)
        terms_d, loss_d, norm_d = self._discriminate(batch, edit, critic_weight, size if perturbed else None)
        # D only passes gradients on here; without this its weights' gradients would be computed for nothing.
        self.discriminator.requires_grad_(False)
        loss_g, terms_g = compute_g_loss(
            self.discriminator.module,
            self.model,
            batch,
            edit,
            self.coefficients,
            self.embed,
            self.response,
            critic_weight,
        )
        norm_g = self.descend_generators(loss_g)
        self.discriminator.requires_grad_(True)
        terms = {**terms_d, **terms_g, "loss_d": loss_d, "loss_g": loss_g, "grad_d": norm_d, "grad_g": norm_g}
        return _detached(terms), edit.detached()

    def _discriminate(
        self, batch: Batch, edit: Edit, critic_weight: float, perturbation: Tensor | None
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """A step of D on the edits of a batch: its terms, their total, and the norm of the gradient."""
        loss, terms, predicted = compute_d_loss(
            self.discriminator,
            self.model.module,
            batch,
            edit.image.detach(),
            self.coefficients,
            critic_weight,
            perturbation,
        )
        self._follow(predicted, batch.x)
        norm = self.runtime.descend(self._optimizer_d, self.discriminator, loss)
        return terms, loss, norm

    # --- what the trainer asks

    @torch.no_grad()
    def held_out(self, editor: Model, batch: Batch) -> dict[str, Tensor]:
        """How far D's predictions are off: `held_out_d` of held-out faces, `held_out_g` of their edits."""
        discriminator, error = self.discriminator.module.eval(), self.method.condition.error
        real = error(discriminator(batch.images)[1], batch.x).mean()
        edited = error(discriminator(editor.edit(batch.images, batch.x, batch.y).image)[1], batch.y).mean()
        discriminator.train()
        return {"held_out_d": real, "held_out_g": edited}

    def critics(self) -> Mapping[str, nn.Module]:
        """The discriminator."""
        return {"discriminator": self.discriminator.module}

    def parts(self) -> Mapping[str, Any]:
        """Networks, optimisers, and the response where it is asked for."""
        parts = {
            "model": self.model,
            "discriminator": self.discriminator,
            "optimizer_g": self._optimizer_g,
            "optimizer_d": self._optimizer_d,
        }
        return parts | ({} if self.response is None else {"response": self.response})
