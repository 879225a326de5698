"""Steps replayed as CUDA graphs: the launches of thousands of small kernels cost more than the kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP = 3
"""Calls that run as they are before one is captured: cuDNN chooses its algorithms, Adam makes its moments."""


class CapturedStep:
    """A step as a function of tensors, captured at its fourth call and replayed from then on.

    Every call is one step, whether captured or not. Its tensors have the same shapes each time, and nothing in it may
    wait for the device. Random numbers come from the device's generator, whose seed and state are those at the call.
    Returned scalars are copies; images are the graph's own and hold until the next call.

    Args:
        step: returns named scalars, and anything else.
    """

    def __init__(self, step: Callable[..., tuple[dict[str, Tensor], Any]]):
        self._step, self._calls = step, 0
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()

    def __call__(self, *tensors: Tensor) -> tuple[dict[str, Tensor], Any]:
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._aside(tensors)
        if self._graph is None:
            self._capture(tensors)
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
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            scalars, self._rest = self._step(*self._inputs)
            self._names, self._scalars = tuple(scalars), torch.stack([value.float() for value in scalars.values()])
