"""Where a training runs: devices and processes by Lightning Fabric, optimisers, gradient steps."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import sys
from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from defgan.training.graphs import WARM_UP, CapturedSteps

if TYPE_CHECKING:
    from defgan.params import TrainingParams


def _fabric(**options: Any) -> Any:
    """A `lightning_fabric.Fabric`.

    Fabric imports torchmetrics only to compare its version, and with it torchvision and torch._dynamo: many seconds. An
    empty module of that version stands in for it meanwhile.
    """
    name = "torchmetrics"
    stand_in = name not in sys.modules and importlib.util.find_spec(name) is not None
    if stand_in:
        module = sys.modules[name] = ModuleType(name)
        module.__version__ = importlib.metadata.version(name)
    try:
        from lightning_fabric import Fabric
    finally:
        if stand_in:
            del sys.modules[name]
    return Fabric(**options)


class Runtime:
    """The devices of `training.devices` and `training.nodes`, in fp32: the models choose bfloat16 themselves.

    Under `torchrun` or `fabric run` the processes are those that it started; otherwise they are started here.
    """

    def __init__(self, training: TrainingParams):
        self._training = training
        self.fabric = _fabric(
            accelerator="auto", devices=training.devices, num_nodes=training.nodes, precision="32-true"
        )
        self.fabric.launch()
        torch.set_float32_matmul_precision("high")
        # Batches are all of one size: cuDNN times its algorithms once and keeps the fastest.
        torch.backends.cudnn.benchmark = self.device.type == "cuda"
        self._optimizers: list[torch.optim.Optimizer] = []

    @property
    def device(self) -> torch.device:
        """This process's device."""
        return self.fabric.device

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.fabric.is_global_zero

    def setup(self, module: nn.Module, *methods: str) -> tuple[Any, torch.optim.Optimizer]:
        """The module on its device, channels last, with its Adam; `methods` are those that run its forward pass."""
        module = module.to(memory_format=torch.channels_last)
        betas = (self._training.beta1, self._training.beta2)
        if self.graphs:
            module = module.to(self.device)
        optimizer = torch.optim.Adam(module.parameters(), self._training.learning_rate, betas, fused=True)
        self._place(optimizer)
        # What is resumed may come from a run with graphs or without.
        optimizer.register_load_state_dict_post_hook(self._place)
        module, optimizer = self.fabric.setup(module, optimizer)
        for method in methods:
            module.mark_forward_method(method)
        self._optimizers.append(optimizer)
        return module, optimizer

    def _place(self, optimizer: torch.optim.Optimizer) -> None:
        """A graph reads the rate and the number of steps from the device."""
        for group in optimizer.param_groups:
            rate = float(group["lr"])
            group["lr"] = torch.tensor(rate, device=self.device) if self.graphs else rate
            group["capturable"] = self.graphs

    def set_learning_rate(self, rate: float) -> None:
        """Of all optimisers."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate

    def descend(self, optimizer: torch.optim.Optimizer, module: nn.Module, loss: Tensor, max_norm: float = 0) -> Tensor:
        """A step down; returns the norm of the gradient before it was clipped to `max_norm` (0: it is not)."""
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(module, optimizer, max_norm=max_norm or math.inf, error_if_nonfinite=False)
        optimizer.step()
        return norm

    @property
    def graphs(self) -> bool:
        """Whether steps are captured: where `training.compile` says so, by one process on one GPU."""
        return self._training.compile == "graphs" and self.device.type == "cuda" and self.fabric.world_size == 1

    @property
    def slow_calls(self) -> int:
        """Calls of a step before those that show its speed."""
        return WARM_UP + 1 if self.graphs else 0

    @cached_property
    def _captured(self) -> CapturedSteps:
        return CapturedSteps()

    def capture(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step of tensors, replayed as one CUDA graph where that is asked for (`CapturedStep`)."""
        return self._captured.capture(step) if self.graphs else step

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""
        return self.fabric.all_reduce(values, reduce_op="mean")
