"""The baseline that every method has to beat: the input, unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defgan.methods.base import Edit, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from defgan.methods.model import Model


class CopyInput(Method):
    """Returns the input; the target is ignored."""

    name = "copy"
    label = "Copy-input"
    colour = "#7f7f7f"

    def networks(self, **architecture: Any) -> dict[str, nn.Module]:
        """None."""
        return {}

    def edit(self, model: Model, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1]."""
        return Edit(images)


METHOD = CopyInput()
