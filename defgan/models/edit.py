"""What every model returns for an edit, so that later stages treat all models alike."""

from typing import NamedTuple

from torch import Tensor


class Edit(NamedTuple):
    """One batch of edits; fields are None where a model has no such thing.

    The mask's convention, here and everywhere: 1 = hallucinated texture, 0 = (deformed) input kept (eq. 6).
    """

    image: Tensor  # I_y, N×3×H×W in [-1, 1]
    deformed: Tensor | None = None  # I*_y, N×3×H×W in [-1, 1]
    grid: Tensor | None = None  # 𝒢, N×H×W×2, absolute sampling positions (x, y) in grid_sample's [-1, 1]
    mask: Tensor | None = None  # ℳ, N×1×H×W in [0, 1]
    texture: Tensor | None = None  # 𝒯, N×3×H×W in [-1, 1]
