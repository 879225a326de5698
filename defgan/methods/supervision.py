"""The step of generators that are shown the truth, with a critic beside them where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from defgan.methods import base, losses, truth_losses
from defgan.methods.base import Batch, Edit, Runtime, Truth
from defgan.methods.gan import DiscriminatorValues
from defgan.methods.model import Model
from defgan.methods.supervised import CRITIC_GENERATOR_TERMS, DISCRIMINATOR_TERMS, SupervisedMethod

if TYPE_CHECKING:
    from defgan.params import Params

MATCHED_LAYERS = 4
"""Of D's trunk, the finest first, whose activations are matched."""
RARE_SHARE, RARE_SIZE = 0.08, 0.4
"""Share of the AUs of x that are misread by much, and by how much at most; an AU estimator does so on photographs."""
CHANGED, REACH = 0.08, 8
"""A pixel has changed if a channel differs by more than this, in [-1, 1]; gains count all pixels this near to one."""
MOVED = 0.5
"""Motion in pixels at 128 px from which a held-out cell counts as moved."""


@dataclass(frozen=True)
class Values:
    """What the generators' terms are made of."""

    batch: Batch
    edit: Edit
    scores: Tensor | None = None  # D_c of the final images, N×h×w
    predicted: Tensor | None = None  # D_exp of the final images, N×17
    features: list[Tensor] | None = None  # D's activations of the final images
    true_features: list[Tensor] | None = None  # and of the true ones

    @property
    def true(self) -> Truth:
        """The true edits."""
        return self.batch.truth

    @cached_property
    def attention(self) -> Tensor:
        """How much each pixel counts, N×1×H×W."""
        with torch.no_grad():
            return truth_losses.attention(self.batch.images, self.true.images)

    @cached_property
    def explained(self) -> Tensor:
        """Where motion makes the truth, N×1×H×W."""
        with torch.no_grad():
            return truth_losses.explained(self.batch.images, self.true)

    @property
    def seen(self) -> Tensor:
        """Where the true motion is known, N×1×H×W."""
        return nn.functional.interpolate(self.true.seen[:, None], self.batch.images.shape[2:])


def jitter(x: Tensor, size: float) -> Tensor:
    """AUs, N×17, as an estimator could read them: all off by up to `size`, a few by more; in [0, 1]."""
    noise = (2 * torch.rand_like(x) - 1) * size
    rare = (torch.rand_like(x) < RARE_SHARE) * torch.rand_like(x) * RARE_SIZE
    return (x + noise + rare * bool(size)).clamp(0, 1)


def asked(read: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The target AUs of an edit whose input was read as `read`, all N×17: y, but as read where y keeps x.

    So one edits a photograph: what is to stay is as it was read. Such a unit then keeps still, however it was read.
    """
    return torch.where(x == y, read, y)


class Learner(base.Learner):
    """Generators shown the truth; from `critic_start` of the run on, D judges them too."""

    def __init__(self, method: SupervisedMethod, params: Params, runtime: Runtime):
        self.method, self.training, self.runtime = method, method.training(params), runtime
        self.coefficients = params.supervised
        self.model, self._optimizer_g = runtime.setup(Model(method, **method.architecture(params)), "edit")
        self.discriminator = None
        if self.coefficients.critic_start < 1:
            self.discriminator, self._optimizer_d = runtime.setup(method.discriminator(params), "features")
        # Each of the two kinds of step can be a captured graph.
        self._steps = {judged: runtime.capture(self._step(judged)) for judged in (False, True)}

    def step(self, batches: Iterator[Batch], iteration: int, iterations: int) -> tuple[dict[str, Tensor], Edit]:
        """A step on one batch."""
        judged = self.discriminator is not None and iteration >= self.coefficients.critic_start * iterations
        (batch,) = batches
        return self._steps[judged](*batch.tensors())

    def _step(self, judged: bool) -> Any:
        """The step as a function of tensors alone: nothing in it waits for the device."""

        def step(*tensors: Tensor) -> tuple[dict[str, Tensor], Edit]:
            batch = Batch.of(*tensors)
            x = jitter(batch.x, self.coefficients.au_jitter)
            y = asked(x, batch.x, batch.y) if self.coefficients.jitter_both else batch.y
            edit = self.model.edit(batch.images, x, y)
            terms = {} if self.discriminator is None else self._discriminate(batch, edit.image.detach(), judged)
            judgement = self._judge(batch, edit) if judged else {}
            summands = (*self.method.image_terms, *(CRITIC_GENERATOR_TERMS if judged else ()))
            loss, found = losses.total_loss(summands, Values(batch, edit, **judgement), self.coefficients)
            norm = self.runtime.descend(self._optimizer_g, self.model, loss, self.training.max_grad_norm)
            if self.discriminator is not None:
                self.discriminator.requires_grad_(True)
            terms |= {**found, "loss_g": loss, "grad_g": norm}
            return {name: term.detach() for name, term in terms.items()}, edit.detached()

        return step

    def _discriminate(self, batch: Batch, fake: Tensor, judged: bool) -> dict[str, Tensor]:
        """A step of D: D_exp on true images alone, and the critic if it judges. D is left without gradients."""
        true = batch.truth.images
        with self.model.module.autocast(fake):
            scores, aus = self.discriminator(torch.cat([true, fake]))
        (scores_real, scores_fake), (predicted, _) = scores.chunk(2), aus.chunk(2)
        truly = Batch(true, batch.y, batch.y, batch.mix)
        summands, norms = [term for term in DISCRIMINATOR_TERMS if judged or term.kind != "critic"], None
        if judged:
            # In the same precision: it is the dearest part of a step.
            with self.model.module.autocast(fake):
                norms = losses.gradient_norms(self.discriminator, true, fake, batch.mix)
        values = DiscriminatorValues(truly, predicted, scores_real, scores_fake, norms)
        loss, terms = losses.total_loss(tuple(summands), values, self.coefficients)
        # 0·D_c: distributed training asks for a gradient of every parameter.
        norm = self.runtime.descend(self._optimizer_d, self.discriminator, loss + 0 * scores.sum())
        self.discriminator.requires_grad_(False)
        return {**terms, "loss_d": loss, "grad_d": norm}

    def _judge(self, batch: Batch, edit: Edit) -> dict[str, Any]:
        """What D says of the final images, and its activations of these and of the true ones."""
        discriminator = self.discriminator.module
        with self.model.module.autocast(edit.image):
            features = discriminator.features(edit.image)
            scores, predicted = discriminator.heads(features[-1])
            with torch.no_grad():
                true_features = discriminator.features(batch.truth.images)
        matched = slice(MATCHED_LAYERS)
        return {
            "scores": scores,
            "predicted": predicted,
            "features": features[matched],
            "true_features": true_features[matched],
        }

    @torch.no_grad()
    def held_out(self, editor: Model, batch: Batch) -> dict[str, Tensor]:
        """Gain over copying on held-out pairs, of the final and the deformed image, and errors of the motion."""
        edit, true = editor.edit(batch.images, batch.x, batch.y), batch.truth
        changed = ((true.images - batch.images).abs().amax(1, keepdim=True) > CHANGED).float()
        near = nn.functional.max_pool2d(changed, 2 * REACH + 1, 1, REACH)

        def error(images: Tensor) -> Tensor:
            wrong = (images - true.images).abs().mean(1, keepdim=True) * near
            return (wrong.sum((1, 2, 3)) / near.sum((1, 2, 3)).clamp(min=1)).mean()

        figures = {"held_out_gain": 1 - error(edit.image) / error(batch.images)}
        if edit.grid is not None:
            offsets = truth_losses.coarse_offsets(edit.grid, true.flow.shape[1:3])
            moved = true.seen * (true.flow.norm(dim=-1) > MOVED)
            missed, still = ((o - true.flow).norm(dim=-1) * moved for o in (offsets, 0 * offsets))
            cosine = nn.functional.cosine_similarity(offsets, true.flow, dim=-1) * moved
            figures |= {
                "held_out_gain_deformed": 1 - error(edit.deformed) / error(batch.images),
                "held_out_motion_removed": 1 - missed.sum() / still.sum(),
                "held_out_cosine": cosine.sum() / moved.sum(),
            }
        return figures

    def critics(self) -> Mapping[str, nn.Module]:
        """The discriminator, where there is one."""
        return {} if self.discriminator is None else {"discriminator": self.discriminator.module}

    def parts(self) -> Mapping[str, Any]:
        """Networks and optimisers."""
        parts = {"model": self.model, "optimizer_g": self._optimizer_g}
        if self.discriminator is not None:
            parts |= {"discriminator": self.discriminator, "optimizer_d": self._optimizer_d}
        return parts
