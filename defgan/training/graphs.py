"""Steps replayed as CUDA graphs: the launches of thousands of small kernels cost more than the kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP = 3
"""Calls that run as they are before one is captured: cuDNN chooses its algorithms, Adam makes its moments."""


class CapturedSteps:
    """The steps of one training: they share a stream for their first calls, and the memory of their graphs."""

    def __init__(self):
        self._stream, self._pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()

    def capture(self, step: Callable[..., tuple[dict[str, Tensor], Any]]) -> CapturedStep:
        """See `CapturedStep`."""
        return CapturedStep(step, self._stream, self._pool)


class CapturedStep:
    """A step as a function of tensors, captured at its fourth call and replayed from then on.

    Every call is one step, whether captured or not. Its tensors have the same shapes each time, and nothing in it may
    wait for the device. Random numbers come from the device's generator, whose seed and state are those at the call.
    Returned scalars are copies. Images are the graph's own and without gradients: they hold until the next call of any
    step that shares the memory, for what one graph leaves behind another may write over.

    Args:
        step: returns named scalars, and anything else.
        stream: of the calls that are not captured.
        pool: where the graph's tensors lie.
    """

    def __init__(
        self, step: Callable[..., tuple[dict[str, Tensor], Any]], stream: torch.cuda.Stream, pool: tuple[int, int]
    ):
        self._step, self._calls = step, 0
        self._stream, self._pool = stream, pool
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()

    def __call__(self, *tensors: Tensor) -> tuple[dict[str, Tensor], Any]:
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._aside(tensors)
        if self._graph is None:
            try:
                self._capture(tensors)
            except Exception as error:
                error.add_note("a step could not be captured as a CUDA graph; training.compile=off does without graphs")
                raise
        for own, given in zip(self._inputs, tensors, strict=True):
            own.copy_(given, non_blocking=True)
        self._graph.replay()
        return dict(zip(self._names, self._scalars.clone().unbind(), strict=True)), self._rest

    def _aside(self, tensors: tuple[Tensor, ...]) -> tuple[dict[str, Tensor], Any]:
        """The step on a stream of its own, as capturing asks for."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            made = self._step(*tensors)
        torch.cuda.current_stream().wait_stream(self._stream)
        return made

    def _capture(self, tensors: tuple[Tensor, ...]) -> None:
        self._inputs = tuple(tensor.clone() for tensor in tensors)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # Only this thread: others read batches into pinned memory meanwhile, which a capture does not allow them.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            scalars, self._rest = self._step(*self._inputs)
            self._names, self._scalars = tuple(scalars), torch.stack([value.float() for value in scalars.values()])
        self._graph = graph
