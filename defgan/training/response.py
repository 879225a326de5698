"""How D_exp answers to action units: what a true change of expression changes in its reading."""

import torch
from torch import Tensor, nn

MEMORY = 0.98
"""Decay of the running moments from one batch to the next."""
RIDGE = 1e-3
"""Added to the AUs' moments, so that a unit that never occurs gets no answer instead of any."""


class Response(nn.Module):
    """The linear answer of D_exp's reading to the conditions of real images, fitted to the batches that it learns from.

    A regression reads only a part of a change, some units better than others, and misreads each face in its own way.
    Asked to make D_exp read y, a generator first of all mends what D_exp misreads of a face. Asked to change the
    reading by what the same change of expression makes of it on real faces, it has nothing else to do.

    Args:
        conditions: number n of conditions.
    """

    def __init__(self, conditions: int):
        super().__init__()
        self.register_buffer("batches", torch.zeros(()))
        # Means of (x, 1)ᵀ(x, 1) and of (reading)ᵀ(x, 1).
        self.register_buffer("inputs", torch.zeros(conditions + 1, conditions + 1))
        self.register_buffer("products", torch.zeros(conditions, conditions + 1))

    @torch.no_grad()
    def moments(self, reading: Tensor, x: Tensor) -> Tensor:
        """The means of one batch, 2n+1 × n+1; `reading` and `x` are N×n. Processes average theirs before `update`."""
        inputs = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        return torch.cat([inputs, reading], dim=1).T @ inputs / len(x)

    def update(self, moments: Tensor) -> None:
        """Takes the moments of the next batch into the running ones."""
        keep = torch.clamp(self.batches / (self.batches + 1), max=MEMORY)
        self.batches += 1
        inputs, products = moments.split([len(self.inputs), len(self.products)])
        self.inputs.lerp_(inputs, 1 - keep)
        self.products.lerp_(products, 1 - keep)

    def matrix(self) -> Tensor:
        """S, n×n: what a change of the conditions by d changes in the reading, S·d."""
        ridge = RIDGE * torch.eye(len(self.inputs), device=self.inputs.device)
        return torch.linalg.solve(self.inputs + ridge, self.products.T).T[:, :-1]
