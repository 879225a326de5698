"""One small function for each equation of section 3.2.

Reductions. The printed coefficients only make sense with the reference code of GANimation, which divides its AU loss
by the batch of 25 on top of the mean. So here: squared AU errors are means over batch and AUs, and `au_weight` divides
the printed λ by that 25, whatever the batch at hand; squared offsets (pixels at 128 px) and squared masks are means
over batch and pixels; total variations sum over pixels and average over the batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from defgan.models.deformation import compose, to_offsets

REFERENCE_BATCH = 25
"""Batch size of the reference code, by which it divides its AU losses."""

SMALLEST_RESPONSE = 0.01
"""Response of D_exp below which `change_loss` does not enlarge its reading any further."""


def au_weight(coefficient: float) -> float:
    """The effective weight of an AU loss whose printed coefficient is given."""
    return coefficient / REFERENCE_BATCH


def critic_loss(scores_fake: Tensor, scores_real: Tensor) -> Tensor:
    """Eq. 7 without its penalty: E[D_c(fake)] − E[D_c(real)]; patch scores of any shape."""
    return scores_fake.mean() - scores_real.mean()


def gradient_norms(discriminator: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """‖∇D_c(Î)‖₂ of eq. 7, (N,), at Î = mix·real + (1 − mix)·fake; images N×3×H×W, mix N in [0, 1]."""
    mix = mix[:, None, None, None]
    interpolated = (mix * real + (1 - mix) * fake).detach().requires_grad_(True)
    scores, _ = discriminator(interpolated)
    (gradient,) = torch.autograd.grad(scores.flatten(1).mean(1).sum(), interpolated, create_graph=True)
    return gradient.flatten(1).norm(dim=1)


def gradient_penalty(norms: Tensor) -> Tensor:
    """Eq. 7, last term: E[(‖∇D_c(Î)‖₂ − 1)²] of `gradient_norms`."""
    return (norms - 1).square().mean()


def worst_case(images: Tensor, gradient: Tensor, size: float) -> Tensor:
    """Images N×3×H×W changed along the gradient of a loss by a root mean square of `size`, each by its own.

    One step of adversarial training in L2 (Goodfellow et al., 2015; Miyato et al., 2018). What D_exp learns on such
    images it reads from brows, lids and lips, not from patterns that a generator can paint on a face at little cost.
    """
    scale = size / gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=torch.finfo(gradient.dtype).tiny)
    return images + scale * gradient


def adversarial_loss(scores_fake: Tensor) -> Tensor:
    """Eq. 8: −E[D_c(ℐ_y)]."""
    return -scores_fake.mean()


def expression_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Eq. 9 and 10: mean squared error of AU intensities, both N×17."""
    return F.mse_loss(predicted, wanted)


def change_loss(before: Tensor, after: Tensor, change: Tensor, response: Tensor) -> Tensor:
    """Eq. 9 on changes: mean squared error of the change of D_exp's reading, in units of AU intensities.

    `before` and `after` are D_exp's readings of inputs and edits, N×17; `change` is y − x; `response`, 17×17, what such
    changes make of its reading on real faces. Divided by the mean square of each unit's own response: where D_exp reads
    real faces exactly (the response is the identity), it is eq. 9 but for what D_exp misreads of the input.
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

    With a `margin`, (N,), which the paper does not have, only what goes beyond it counts: a real change of expression
    costs some of it too, and a large coefficient is then felt by the edits that cost more, not by all.
    """
    distances = 1 - F.cosine_similarity(embedding_edit, embedding_input)
    return (distances if margin is None else F.relu(distances - margin)).mean()


def composition_loss(grid_cycle: Tensor, grid: Tensor) -> Tensor:
    """Eq. 13: mean squared length, in pixels at 128 px, by which going there and back misses; grids N×H×W×2."""
    return to_offsets(compose(grid_cycle, grid)).square().sum(-1).mean()


def grid_size_loss(grid: Tensor) -> Tensor:
    """Eq. 14, first term: mean squared offset in pixels at 128 px; grid N×H×W×2."""
    return to_offsets(grid).square().sum(-1).mean()


def total_variation(field: Tensor) -> Tensor:
    """Eq. 14 and 15, second terms: squared differences of neighbours, N×C×H×W; summed over pixels, mean over the batch.

    The printed indices of eq. 14 and 15 repeat i+1; the difference of neighbours is meant.
    """
    down = (field[..., 1:, :] - field[..., :-1, :]).square().sum((1, 2, 3))
    right = (field[..., :, 1:] - field[..., :, :-1]).square().sum((1, 2, 3))
    return (down + right).mean()


def grid_variation(grid: Tensor) -> Tensor:
    """Eq. 14, second term, on offsets in pixels at 128 px; grid N×H×W×2."""
    return total_variation(to_offsets(grid).permute(0, 3, 1, 2))


def mask_size_loss(mask: Tensor) -> Tensor:
    """Eq. 15, first term: mean of ℳ² over pixels; mask N×1×H×W in [0, 1]."""
    return mask.square().mean()


def weighted_sum(terms: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Σ weight·term (eq. 16, 18); every term has a weight and every weight a term."""
    assert terms.keys() == weights.keys(), terms.keys() ^ weights.keys()
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()
