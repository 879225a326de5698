"""Our trainer against the plain loop, in turns on the same device, and against the machine's best rates."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.cost import FlopCounter, seconds, settled, synthetic_faces, trial
from benchmarks.kernels import dearest
from benchmarks.machine import TYPES, device
from benchmarks.reference import PlainLoop
from defgan import methods
from defgan.params import Params

ROUNDS = (3, 50)
"""At least and at most so many turns of each."""


def in_turns(
    ours: Callable[[], object], plain: Callable[[], object], budget: float, rounds: tuple[int, int]
) -> tuple[list[float], list[float]]:
    """Seconds of each call of both, A B A B …, until `budget` seconds are spent: what slows one slows the other."""
    times: tuple[list[float], list[float]] = ([], [])
    started = time.perf_counter()
    while len(times[0]) < rounds[0] or (len(times[0]) < rounds[1] and time.perf_counter() - started < budget):
        times[0].append(seconds(ours))
        times[1].append(seconds(plain))
    return times


def compare(
    name: str, size: str, params: Params, rates: dict, budget: float, rounds: tuple[int, int] = ROUNDS
) -> dict[str, object]:
    """One model at one size: seconds per iteration of both loops, and how far ours is from the machine's ceiling.

    Args:
        name: of the model.
        size: what the size is called.
        params: that make this size; the warm-up is left out.
        rates: of `machine.best_rates`.
        budget: seconds to go on for, beyond the first iterations, which are counted and not timed.
        rounds: at least and at most so many iterations of each.
    """
    params = settled(name, params)
    training = params.training.model_copy(update={"au_warmup_steps": 0})
    params = params.model_copy(update={"training": training})
    faces = synthetic_faces(4 * training.batch_size, params.image_size)
    with TemporaryDirectory() as state:
        ours, plain = trial(name, params, faces, Path(state)), PlainLoop(name, params, faces, device())
        with FlopCounter() as work_ours:
            ours.advance()
        for _ in range(ours.runtime.slow_calls):
            ours.advance()
        with FlopCounter() as work_plain:
            plain.iteration()
        times_ours, times_plain = in_turns(ours.advance, plain.iteration, budget, rounds)
        kernels = dearest(ours.advance)
    seconds_ours, seconds_plain = statistics.median(times_ours), statistics.median(times_plain)
    steps = methods.get(name).coefficients(params).critic_steps
    images = steps * training.batch_size
    return {
        "model": name,
        "size": size,
        "image_size": params.image_size,
        "channels": training.channels,
        "critic_channels": training.critic_channels,
        "batch_size": training.batch_size,
        "critic_steps": steps,
        "precision": training.precision,
        "images_per_s": images / seconds_ours,
        "images_per_s_plain": images / seconds_plain,
        "ratio": seconds_plain / seconds_ours,
        "ratios": [b / a for a, b in zip(times_ours, times_plain, strict=True)],
        "gflop": work_ours.flops / 1e9,
        "gflop_plain": work_plain.flops / 1e9,
        **ceiling_shares(work_ours.by_type, seconds_ours, rates),
        "kernels": kernels,
    }


def ceiling_shares(work: dict[torch.dtype, int], elapsed: float, rates: dict) -> dict[str, float]:
    """FLOP/s, its share of the best rate of all, and of the best rates of the types that the work is done in."""
    rate = sum(work.values()) / elapsed
    best = {TYPES[name]: found["flops_per_s"] for name, found in rates.items()}
    shortest = sum(flops / best[dtype] for dtype, flops in work.items())
    return {
        "gflop_per_s": rate / 1e9,
        "share_of_best": rate / max(best.values()),
        "share_of_own_types": shortest / elapsed,
        "bf16_share_of_work": work.get(torch.bfloat16, 0) / sum(work.values()),
    }


def throughput_row(entry: dict) -> dict[str, str]:
    """A row of the table of speeds."""
    return {
        "model": entry["model"],
        "size": f"{entry['size']}: {entry['image_size']} px, {entry['channels']} channels",
        "batch": str(entry["batch_size"]),
        "steps": f"{entry['critic_steps']} : 1",
        "ours, images/s": f"{entry['images_per_s']:.3g}",
        "plain fp32": f"{entry['images_per_s_plain']:.3g}",
        "ratio": f"{entry['ratio']:.2f}×",
        "lowest … highest": f"{min(entry['ratios']):.2f} … {max(entry['ratios']):.2f} of {len(entry['ratios'])}",
    }


def ceiling_row(entry: dict) -> dict[str, str]:
    """A row of the table of shares."""
    return {
        "model": entry["model"],
        "size": entry["size"],
        "GFLOP per iteration": f"{entry['gflop']:,.4g}",
        "plain": f"{entry['gflop_plain']:,.4g}",
        "GFLOP/s": f"{entry['gflop_per_s']:,.4g}",
        "of the best rate": f"{entry['share_of_best']:.0%}",
        "of its types' rates": f"{entry['share_of_own_types']:.0%}",
        "work in bf16": f"{entry['bf16_share_of_work']:.0%}",
    }
