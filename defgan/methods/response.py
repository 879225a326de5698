"""How D_exp's prediction changes with the action units of real faces."""

import torch
from torch import Tensor, nn

MEMORY = 0.98
"""Decay of the running moments from one batch to the next."""
RIDGE = 1e-3
"""Added to the AUs' moments: a unit that never occurs has no response, instead of an arbitrary one."""


class Response(nn.Module):
    """A linear fit of D_exp's predictions to the conditions of the real images that it learns from.

    A regression predicts only a part of a change, some units better than others, and has an error of its own for each
    face. Asking the generators for D_exp(ℐ_y) = y directly rewards correcting D_exp's per-face bias. Asking for the
    change of the prediction that the same change of expression makes on real faces does not.

    Args:
        conditions: number n of conditions.
    """

    def __init__(self, conditions: int):
        super().__init__()
        self.register_buffer("batches", torch.zeros(()))
        # Means of (x, 1)ᵀ(x, 1) and of (prediction)ᵀ(x, 1).
        self.register_buffer("inputs", torch.zeros(conditions + 1, conditions + 1))
        self.register_buffer("products", torch.zeros(conditions, conditions + 1))

    @torch.no_grad()
    def moments(self, predicted: Tensor, x: Tensor) -> Tensor:
        """The means of one batch, 2n+1 × n+1; `predicted` and `x` are N×n. Processes average theirs before `update`."""
        inputs = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        return torch.cat([inputs, predicted], dim=1).T @ inputs / len(x)

    def update(self, moments: Tensor) -> None:
        """Takes the moments of the next batch into the running ones."""
        keep = torch.clamp(self.batches / (self.batches + 1), max=MEMORY)
        self.batches += 1
        inputs, products = moments.split([len(self.inputs), len(self.products)])
        self.inputs.lerp_(inputs, 1 - keep)
        self.products.lerp_(products, 1 - keep)

    def matrix(self) -> Tensor:
        """S, n×n: a change of the conditions by d changes the prediction by S·d."""
        ridge = RIDGE * torch.eye(len(self.inputs), device=self.inputs.device)
        # With the ridge there is a solution: `solve_ex` does not look, for which the host would wait for the device.
        # A GPU's solver may wait or allocate all the same, which a captured step must not.
        solve = eliminate if self.inputs.is_cuda else lambda *system: torch.linalg.solve_ex(*system).result
        return solve(self.inputs + ridge, self.products.T).T[:, :-1]


def eliminate(matrix: Tensor, right: Tensor) -> Tensor:
    """The solution X, m×n, of matrix·X = right by Gauss and Jordan; matrix m×m, symmetric and positive definite.

    Such a matrix needs no pivots. Sums and products of rows alone: a CUDA graph takes them as any others.
    """
    rows = torch.cat([matrix, right], dim=1)
    for i in range(len(matrix)):
        own = rows[i] / rows[i, i]
        rows = rows - rows[:, i, None] * own
        rows[i] = own
    return rows[:, len(matrix) :]
