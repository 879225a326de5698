"""One small function for each equation of section 3.2.

Reductions. The printed coefficients only make sense with the reference code of GANimation, which divides its AU loss
by the batch of 25 on top of the mean. So here squared AU errors are means over batch and AUs, and a term of kind "aus"
divides the printed λ by that 25, whatever the batch at hand. Squared offsets and squared masks are means over batch and
pixels. Total variations sum over pixels and average over the batch. docs/readings.md gives the reasons.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.fields import Reduction, Units
from defgan.methods.base import REFERENCE_BATCH, Term
from defgan.warp import REFERENCE_SIZE, compose, to_offsets

SMALLEST_RESPONSE = 0.01
"""Response of D_exp below which `change_loss` does not enlarge its prediction any further."""


def critic_loss(scores_fake: Tensor, scores_real: Tensor) -> Tensor:
    """Eq. 7 without its penalty: E[D_c(fake)] − E[D_c(real)]; patch scores of any shape."""
    return scores_fake.mean() - scores_real.mean()


def gradient_norms(
    discriminator: nn.Module, real: Tensor, fake: Tensor, mix: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    """‖∇D_c(Î)‖₂ of eq. 7, (N,), at Î = mix·real + (1 − mix)·fake; images N×3×H×W, mix N in [0, 1].

    D_c is a number in eq. 7, and the mean of its patch scores in the other terms: here it is their `reduction`.
    """
    mix = mix[:, None, None, None]
    interpolated = (mix * real + (1 - mix) * fake).detach().requires_grad_(True)
    scores, _ = discriminator(interpolated)
    patches = scores.flatten(1)
    critic = patches.mean(1) if reduction == "mean" else patches.sum(1)
    (gradient,) = torch.autograd.grad(critic.sum(), interpolated, create_graph=True)
    return gradient.flatten(1).norm(dim=1)


def gradient_penalty(norms: Tensor) -> Tensor:
    """Eq. 7, last term: E[(‖∇D_c(Î)‖₂ − 1)²] of `gradient_norms`."""
    return (norms - 1).square().mean()


def perturb(images: Tensor, gradient: Tensor, size: float | Tensor) -> Tensor:
    """Adversarial perturbation: images N×3×H×W moved along a loss's gradient, each by a root mean square of `size`.

    One step of adversarial training in L2 (Goodfellow et al., 2015; Miyato et al., 2018). On such images D_exp learns
    to use brows, lids and lips, not patterns that cost a generator little.
    """
    length = gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=torch.finfo(gradient.dtype).tiny)
    return images + size * length.reciprocal() * gradient


def adversarial_loss(scores_fake: Tensor) -> Tensor:
    """Eq. 8: −E[D_c(ℐ_y)]."""
    return -scores_fake.mean()


def expression_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Eq. 9 and 10: mean squared error of AU intensities, both N×17."""
    return F.mse_loss(predicted, wanted)


def change_loss(before: Tensor, after: Tensor, change: Tensor, response: Tensor) -> Tensor:
    """Eq. 9 on changes: mean squared error of the change of D_exp's prediction, in units of AU intensities.

    `before` and `after` are D_exp's predictions for inputs and edits, N×17. `change` is y − x. `response`, 17×17, says
    how the prediction changes with the AUs of real faces. The error is divided by the mean square of the response's
    diagonal. Where D_exp predicts real faces exactly (the response is the identity), this is eq. 9 without D_exp's
    error on the input.
    """
    scale = response.diagonal().square().mean().clamp(min=SMALLEST_RESPONSE**2)
    return F.mse_loss(after - before, change @ response.T) / scale


def classification_loss(predicted: Tensor, labels: Tensor) -> Tensor:
    """StarGAN's eq. 2 and 3: mean cross-entropy of logits and one-hot labels, both N×n."""
    return F.cross_entropy(predicted, labels)


def cycle_loss(reconstructed: Tensor, images: Tensor) -> Tensor:
    """Eq. 11: mean absolute difference over batch, channels and pixels, images in [-1, 1]."""
    return F.l1_loss(reconstructed, images)


def face_identity_loss(embedding_edit: Tensor, embedding_input: Tensor, margin: Tensor | None = None) -> Tensor:
    """Eq. 12: mean of 1 − cos between face embeddings, both N×d.

    With a `margin`, (N,), which the paper does not have, distances below it are ignored: a real change of expression
    costs some identity too, so only edits beyond the margin are penalised.
    """
    distances = 1 - F.cosine_similarity(embedding_edit, embedding_input)
    return (distances if margin is None else F.relu(distances - margin)).mean()


def _offsets(grid: Tensor, units: Units) -> Tensor:
    """Offsets from the identity, N×H×W×2: in pixels at 128 px, or in the grid's units, where the image is [-1, 1]."""
    offsets = to_offsets(grid)
    return offsets if units == "pixels" else offsets * (2 / REFERENCE_SIZE)


def composition_loss(grid_cycle: Tensor, grid: Tensor, units: Units = "pixels") -> Tensor:
    """Eq. 13: mean squared length by which going there and back misses; grids N×H×W×2."""
    return _offsets(compose(grid_cycle, grid), units).square().sum(-1).mean()


def grid_size_loss(grid: Tensor, units: Units = "pixels") -> Tensor:
    """Eq. 14, first term: mean squared offset; grid N×H×W×2."""
    return _offsets(grid, units).square().sum(-1).mean()


def total_variation(field: Tensor) -> Tensor:
    """Eq. 14 and 15, second terms: squared differences of neighbours, N×C×H×W; summed over pixels, mean over the batch.

    The printed indices of eq. 14 and 15 repeat i+1; the difference of neighbours is meant.
    """
    down = (field[..., 1:, :] - field[..., :-1, :]).square().sum((1, 2, 3))
    right = (field[..., :, 1:] - field[..., :, :-1]).square().sum((1, 2, 3))
    return (down + right).mean()


def absolute_variation(mask: Tensor) -> Tensor:
    """GANimation's smoothness of a mask, N×1×H×W: absolute differences of neighbours, summed over pixels and batch.

    Summed over a batch of 25, as its code has it: whatever the batch at hand, it is the mean times 25.
    """
    return REFERENCE_BATCH * (mask.diff(dim=2).abs().sum() + mask.diff(dim=3).abs().sum()) / len(mask)


def grid_variation(grid: Tensor, units: Units = "pixels") -> Tensor:
    """Eq. 14, second term, on offsets; grid N×H×W×2."""
    return total_variation(_offsets(grid, units).permute(0, 3, 1, 2))


def mask_size_loss(mask: Tensor) -> Tensor:
    """Eq. 15, first term: mean of ℳ² over pixels; mask N×1×H×W in [0, 1]."""
    return mask.square().mean()


def total_loss(
    terms: tuple[Term, ...], values: Any, coefficients: Any, critic_weight: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """Σ λ·loss (eq. 16, 18), and the losses by name, unweighted. A term whose λ is 0 is not computed.

    `values` is what the terms' functions are given; `critic_weight` is that of the critic's terms.
    """
    weights = {term: weight for term in terms if (weight := term.weight(coefficients, critic_weight))}
    found = {term.name: term.loss(values) for term in weights}
    weighted = [weight * loss for weight, loss in zip(weights.values(), found.values(), strict=True)]
    return torch.stack(weighted).sum(), found
