"""The machine that everything is measured on, and the best rates that it reaches: the ceiling of any training."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

from benchmarks.cost import FlopCounter, seconds

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
MATRICES = {"cpu": (1024, 2048, 4096), "cuda": (4096, 8192, 16384)}
"""Sides of square matrices."""
MAPS = {"cpu": ((16, 256, 32), (16, 128, 64)), "cuda": ((256, 256, 32), (128, 128, 64))}
"""Images, channels and side of feature maps under a 3×3 convolution: the first is a residual block of the paper's."""
CALLS = 20
SECONDS = 1.0
"""At most so many calls, and about so long, for each shape and type."""


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _operations(kind: str, dtype: torch.dtype, shrink: int) -> Iterator[tuple[str, Callable[[], torch.Tensor]]]:
    where = {"device": kind, "dtype": dtype}
    for side in MATRICES[kind]:
        side //= shrink
        a, b = torch.randn(side, side, **where), torch.randn(side, side, **where)
        yield f"matmul {side}²", lambda a=a, b=b: a @ b
    for count, channels, side in MAPS[kind]:
        channels //= shrink
        images = torch.randn(count, channels, side, side, **where).to(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3, **where).to(memory_format=torch.channels_last)
        yield f"conv 3×3 {count}×{channels}×{side}²", lambda i=images, w=weight: F.conv2d(i, w, padding=1)


def best_rates(quick: bool = False) -> dict[str, dict[str, object]]:
    """For each type the best FLOP/s of a few large operations, and which operation that was."""
    torch.set_float32_matmul_precision("high")  # as the trainer does
    best = {}
    for name, dtype in TYPES.items():
        rates = {}
        for label, operation in _operations(device().type, dtype, 8 if quick else 1):
            with FlopCounter() as counter:
                operation()
            times, spent = [], 0.0
            while len(times) < (1 if quick else CALLS) and spent < SECONDS:
                times.append(seconds(operation))
                spent += times[-1]
            rates[label] = counter.flops / min(times)
        operation = max(rates, key=rates.get)
        best[name] = {"flops_per_s": rates[operation], "operation": operation}
    return best
