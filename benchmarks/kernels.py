"""Where the time of an iteration goes: kernels of a GPU, operators of a CPU."""

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

MOST = 10
"""Rows of the table."""
LONGEST_NAME = 60


def dearest(iteration: Callable[[], object]) -> list[dict[str, object]]:
    """The `MOST` kernels, or on a CPU operators, that take most time in an iteration, which is run once.

    Keys: name, ms (of all calls, without what it calls itself), share (of all of them), calls.
    """
    gpu = torch.cuda.is_available()
    with profile(activities=[ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU]) as recorded:
        iteration()
        if gpu:
            torch.cuda.synchronize()
    spent = [
        (event.self_device_time_total if gpu else event.self_cpu_time_total, event) for event in recorded.key_averages()
    ]
    total = sum(microseconds for microseconds, _ in spent)
    spent.sort(key=lambda item: item[0], reverse=True)
    return [
        {"name": event.key, "ms": microseconds / 1e3, "share": microseconds / max(total, 1), "calls": event.count}
        for microseconds, event in spent[:MOST]
    ]


def kernel_rows(entry: dict) -> list[dict[str, str]]:
    """Rows of the table of one model at one size; `entry` is what `throughput.compare` returns."""
    return [
        {
            "operation": kernel["name"][:LONGEST_NAME],
            "ms": f"{kernel['ms']:.3g}",
            "of all": f"{kernel['share']:.0%}",
            "calls": str(kernel["calls"]),
        }
        for kernel in entry["kernels"]
    ]
