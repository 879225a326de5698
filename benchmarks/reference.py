"""A plain fp32 training loop, in the manner of GANimation's reference code: what our trainer is measured against.

Same networks, losses, batch sizes and numbers of steps as ours. Plain is how they are run: contiguous NCHW, no
autocast, torch's default settings; a pass of D for each purpose (real, edited, deformed, interpolated); in the critic
step the generators run with a graph that is then detached; D is not frozen in the generator step; Adam is not fused;
conditions are spread out to constant maps, which the first convolution takes like any other channel; float images come
one by one through a data loader and are copied to the device at every step; every loss is read at every step.

The reference code steps twice in a critic step, on the losses and then on the penalty. Here it is one step on their sum
(eq. 7, 18), as in ours: twice would be another training, not a slower one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from defgan import methods
from defgan.faces.embedders import load_embedder
from defgan.faces.table import Faces
from defgan.facs import AU_NAMES
from defgan.methods.adversarial import Schedule
from defgan.methods.base import Batch
from defgan.methods.conditions import Condition
from defgan.methods.gan import compute_g_loss, needs_embedder
from defgan.methods.losses import perturb
from defgan.methods.model import Model
from defgan.methods.response import Response
from defgan.networks.blocks import ConditionedConv2d, Encoder
from defgan.params import Params


class FloatImages(Dataset):
    """One float image (3×H×W in [-1, 1], flipped by chance), its condition, and a target condition at a time."""

    def __init__(self, faces: Faces, condition: Condition):
        self.pixels, self.conditions = faces.pixels, torch.from_numpy(condition.of(faces.frame))
        self.noise = condition.target_noise

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        image = torch.from_numpy(np.ascontiguousarray(self.pixels[index].transpose(2, 0, 1))).float() / 127.5 - 1
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        lender = self.conditions[torch.randint(len(self), ())]
        return image, self.conditions[index], lender + self.noise * (2 * torch.rand_like(lender) - 1)


class ConstantMaps(nn.Conv2d):
    """`ConditionedConv2d` with the constant maps that it does without."""

    def forward(self, images: Tensor, conditions: Tensor) -> Tensor:
        maps = conditions[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return super().forward(torch.cat([images, maps], dim=1))


def with_constant_maps(model: nn.Module) -> nn.Module:
    """The model, its generators' first convolutions replaced by ones of the same weights on constant maps."""
    for encoder in [module for module in model.modules() if isinstance(module, Encoder)]:
        first: ConditionedConv2d = encoder[0]
        plain = ConstantMaps(
            first.in_channels, first.out_channels, first.kernel_size, padding=first.padding, bias=False
        )
        plain.load_state_dict(first.state_dict())
        encoder[0] = plain
    return model


@contextmanager
def torch_defaults() -> Iterator[None]:
    """torch's own settings, whatever our trainer sets for its process."""
    precision, benchmark = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.benchmark = benchmark


def one_pass_each(discriminator: nn.Module, batch_size: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """D in passes of one batch, where a loss hands it several batches at once; each has random changes of its own."""

    def judge(images: Tensor, versions: int = 1) -> tuple[Tensor, Tensor]:
        scores, conditions = zip(*map(discriminator, images.split(batch_size)), strict=True)
        return torch.cat(scores), torch.cat(conditions)

    return judge


class PlainLoop:
    """Trains "defgan" or "ganimation" on `faces` with the batch size, learning rate and coefficients of `params`."""

    def __init__(self, name: str, params: Params, faces: Faces, device: torch.device):
        method = methods.get(name)
        training = method.training(params)
        self.device, self.batch_size, self.coefficients = device, training.batch_size, method.coefficients(params)
        model = Model(method, **{**method.architecture(params), "precision": "32-true"})
        self.model = with_constant_maps(model).to(device)
        self.discriminator = method.discriminator(params).to(device)
        self.schedule = Schedule()
        if training.schedule.start < 1:
            self.schedule = Schedule(training.schedule.critic_weight, training.schedule.perturbation)
        # A term of an AU loss weighs λ over GANimation's batch.
        self.au_weights = {term.name: term.weight(self.coefficients) for term in method.terms() if term.kind == "aus"}
        self.response = Response(len(AU_NAMES)).to(device) if training.expression_changes else None
        self.embed = None
        if needs_embedder(method, self.coefficients):
            self.embed = load_embedder(training.embedder).to(device).to(memory_format=torch.contiguous_format)
        betas = (training.beta1, training.beta2)
        self.optimizer_g = torch.optim.Adam(self.model.parameters(), training.learning_rate, betas)
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), training.learning_rate, betas)
        self.loader = DataLoader(FloatImages(faces, method.condition), self.batch_size, shuffle=True, drop_last=True)
        self._batches = iter(self.loader)

    def iteration(self) -> dict[str, float]:
        """`critic_steps` critic steps, then a generator step on the last batch; the losses of the last of each."""
        with torch_defaults():
            for _ in range(self.coefficients.critic_steps):
                batch = self.next_batch()
                losses_d = self._critic_step(batch)
            return {**losses_d, **self._generator_step(batch)}

    def next_batch(self) -> Batch:
        """Images, their conditions, targets, and where the gradient penalty looks."""
        parts = next(self._batches, None)
        if parts is None:
            self._batches = iter(self.loader)
            parts = next(self._batches)
        return Batch(*(part.to(self.device) for part in (*parts, torch.rand(self.batch_size))))

    def critic_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 7, 10 and 18."""
        fake = self.model.edit(batch.images, batch.x, batch.y).image.detach()
        scores_real, conditions = self.discriminator(batch.images)
        if self.response is not None:
            self.response.update(self.response.moments(conditions, batch.x))
        if self.schedule.perturbation:
            images = batch.images.clone().requires_grad_(True)
            error = nn.functional.mse_loss(self.discriminator(images)[1], batch.x)
            (gradient,) = torch.autograd.grad(error, images)
            _, conditions = self.discriminator(perturb(batch.images, gradient, self.schedule.perturbation))
        scores_fake, conditions_fake = self.discriminator(fake)
        mix = batch.mix[:, None, None, None]
        interpolated = (mix * batch.images + (1 - mix) * fake).requires_grad_(True)
        scores = self.discriminator(interpolated)[0].flatten(1)
        scores = scores.mean(1) if self.coefficients.critic_reduction == "mean" else scores.sum(1)
        (gradient,) = torch.autograd.grad(scores, interpolated, torch.ones_like(scores), create_graph=True)
        terms = {
            "critic_d": scores_fake.mean() - scores_real.mean(),
            "gp": ((gradient.flatten(1).square().sum(1).sqrt() - 1) ** 2).mean(),
            "exp_d": nn.functional.mse_loss(conditions, batch.x),
            "exp_fake": nn.functional.mse_loss(conditions_fake, batch.x),
        }
        own = self.coefficients
        critic = terms["critic_d"] + own.lambda_gp * terms["gp"]
        expression = sum(self.au_weights[name] * terms[name] for name in ("exp_d", "exp_fake"))
        return self.schedule.critic_weight * critic + expression, terms

    def _critic_step(self, batch: Batch) -> dict[str, float]:
        loss, terms = self.critic_loss(batch)
        self.optimizer_d.zero_grad()
        loss.backward()
        self.optimizer_d.step()
        return {name: term.item() for name, term in terms.items()}

    def _generator_step(self, batch: Batch) -> dict[str, float]:
        judge = one_pass_each(self.discriminator, len(batch.images))
        edit = self.model.edit(batch.images, batch.x, batch.y)
        loss, terms = compute_g_loss(
            judge,
            self.model,
            batch,
            edit,
            self.coefficients,
            self.embed,
            self.response,
            self.schedule.critic_weight,
        )
        self.optimizer_g.zero_grad()
        loss.backward()
        self.optimizer_g.step()
        return {name: term.item() for name, term in terms.items()}
