"""What a method of editing expressions is: one object, which training, editing, tables and figures all ask.

Neither this module nor a method's file loads torch before something is trained or edited: params and figures ask them
too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

from defgan.fields import Strict
from defgan.methods.conditions import ACTION_UNITS, Condition

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from defgan.methods.model import Model
    from defgan.params import Params, TrainingParams

PAIRS = "pairs"
"""The role of methods that are shown rendered pairs."""
REFERENCE_BATCH = 25
"""Batch size of GANimation's reference code, by which it divides its AU losses (see `defgan.methods.losses`)."""


class Edit(NamedTuple):
    """One batch of edits; fields are None where a method has no such thing.

    The mask's convention, here and everywhere: 1 = hallucinated texture, 0 = (deformed) input kept (eq. 6).
    """

    image: Tensor  # ℐ_y, N×3×H×W in [-1, 1]
    deformed: Tensor | None = None  # ℐ*_y, N×3×H×W in [-1, 1]
    grid: Tensor | None = None  # 𝒢, N×H×W×2, absolute sampling positions (x, y) in grid_sample's [-1, 1]
    mask: Tensor | None = None  # ℳ, N×1×H×W in [0, 1]
    texture: Tensor | None = None  # 𝒯, N×3×H×W in [-1, 1]

    def detached(self) -> Edit:
        """The same without gradients."""
        return Edit(*(part if part is None else part.detach() for part in self))


class Truth(NamedTuple):
    """The true edits of a batch, of rendered pairs alone."""

    images: Tensor  # ℐ_y as it is, N×3×H×W in [-1, 1]
    flow: Tensor  # the true backward flow in pixels at 128 px, N×h×w×2 with h = H / 4
    seen: Tensor  # 1 where the flow holds, 0 elsewhere, N×h×w


@dataclass(frozen=True)
class Batch:
    """Images to learn from and what they are to be edited to."""

    images: Tensor  # ℐ_x, N×3×H×W in [-1, 1]
    x: Tensor  # the images' conditions, N×n in [0, 1]
    y: Tensor  # target conditions, N×n
    mix: Tensor  # U(0, 1), (N,): a draw for each image; the gradient penalty of eq. 7 takes it
    truth: Truth | None = None

    def tensors(self) -> tuple[Tensor, ...]:
        """All of it as plain tensors, for a step that is a function of these alone."""
        return (self.images, self.x, self.y, self.mix, *(self.truth or ()))

    @classmethod
    def of(cls, images: Tensor, x: Tensor, y: Tensor, mix: Tensor, *truth: Tensor) -> Self:
        """The inverse of `tensors`."""
        return cls(images, x, y, mix, Truth(*truth) if truth else None)


@dataclass(frozen=True)
class Term:
    """One line of a total loss: λ times a loss.

    Args:
        name: of the curve and of MLflow's metric.
        equation: the paper's, or whose term it is.
        coefficient: key of λ among the method's coefficients; "" for a weight of 1.
        loss: from the values of a step to a scalar.
        kind: "aus" divides λ by `REFERENCE_BATCH`; "critic" multiplies it by the critic's scheduled weight.
    """

    name: str
    equation: str
    coefficient: str
    loss: Callable[[Any], Tensor]
    kind: str = ""

    def weight(self, coefficients: Any, critic_weight: float = 1.0) -> float:
        """λ as it enters the total."""
        value = getattr(coefficients, self.coefficient) if self.coefficient else 1.0
        if self.kind == "aus":
            return value / REFERENCE_BATCH
        return critic_weight * value if self.kind == "critic" else value


class Runtime(Protocol):
    """Where a training runs: devices, optimisers and gradient steps."""

    device: torch.device

    def setup(self, module: nn.Module, *methods: str) -> tuple[Any, torch.optim.Optimizer]:
        """The module on its device, with its optimiser; `methods` are those that run its forward pass."""

    def descend(self, optimizer: torch.optim.Optimizer, module: nn.Module, loss: Tensor, max_norm: float = 0) -> Tensor:
        """A step down; the norm of the gradient before it was clipped to `max_norm` (0: it is not)."""

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""

    def capture(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step of tensors, faster where the device can replay it as one graph."""


class Learner(ABC):
    """A method in training: its networks, its optimisers and its step."""

    model: Any
    """The `Model` as `Runtime.setup` returns it; its moving average is what edits."""
    warm_up_steps: int = 0
    """Steps before the first iteration, of one batch each."""
    batches_per_step: int = 1
    """Batches that one iteration takes."""

    def warm_up(self, batch: Batch) -> dict[str, Tensor]:
        """A step of the warm-up; returns named scalars."""
        raise TypeError(f"{type(self).__name__} has no warm-up")

    @abstractmethod
    def step(self, batches: Iterator[Batch], iteration: int, iterations: int) -> tuple[dict[str, Tensor], Edit]:
        """An iteration; returns named scalars, unweighted, and the edits of the last batch."""

    @abstractmethod
    def parts(self) -> Mapping[str, Any]:
        """What a resumed run needs, by name: everything with a state dict."""

    def held_out(self, editor: Model, batch: Batch) -> dict[str, Tensor]:
        """Errors on held-out faces, named scalars; `editor` is the model used for editing."""
        return {}

    def critics(self) -> Mapping[str, nn.Module]:
        """Networks of images that only the training needs, by name."""
        return {}


class Method(ABC):
    """A method of editing expressions; everything that differs between methods is asked here."""

    name: ClassVar[str]
    """Of its file, its key in params.yaml, its weights and its edits."""
    label: ClassVar[str]
    """In tables and figures."""
    colour: ClassVar[str]
    """In figures: one of Okabe and Ito's, which colour-blind people tell apart."""
    note: ClassVar[str] = ""
    """What tables say in brackets after its label, such as where the paper shows it."""
    paper_fid: ClassVar[str] = ""
    """The paper's own FID (Table 1)."""
    rival: ClassVar[str] = ""
    """The method that its identity distance is compared with (Fig. 3, 8)."""
    in_study: ClassVar[bool] = False
    """Whether the user study asks about it (sec. 4.4)."""
    deforms: ClassVar[bool] = False
    """Whether it predicts a deformation grid."""
    condition: ClassVar[Condition] = ACTION_UNITS
    """What it is told of a face and of a target."""
    role: ClassVar[str] = ""
    """What it learns from: a prepared role, or the rendered `PAIRS`; "" for a method without training."""
    block: ClassVar[str] = ""
    """Key of params.yaml that holds its coefficients; "" where they are top-level keys."""
    Coefficients: ClassVar[type[Strict]] = Strict
    """Its typed coefficients."""
    mask_remedies: ClassVar[tuple[str, str]] = ("", "")
    """What to change where the mask stays empty, and where it stays full."""

    @property
    def trained(self) -> bool:
        """Whether it has anything to learn."""
        return bool(self.role)

    @property
    def supervised(self) -> bool:
        """Whether it is shown the true edits of rendered pairs; the paper's methods are not."""
        return self.role == PAIRS

    @property
    def told_aus(self) -> bool:
        """Whether single AUs can be asked of it."""
        return self.trained and self.condition is ACTION_UNITS

    @property
    def title(self) -> str:
        """Its label with its note."""
        return f"{self.label} ({self.note})" if self.note else self.label

    def coefficients(self, params: Params) -> Any:
        """Its own coefficients among all params."""
        return getattr(params, self.block) if self.block else params

    def training(self, params: Params) -> TrainingParams:
        """How it is trained."""
        return params.training

    def terms(self) -> tuple[Term, ...]:
        """All terms of its losses."""
        return ()

    def architecture(self, params: Params) -> dict[str, Any]:
        """The arguments that make its `Model`, also written beside its weights."""
        training = params.training
        return {
            "channels": training.channels,
            "residual_blocks": training.residual_blocks,
            "precision": training.precision,
        }

    @abstractmethod
    def networks(self, **architecture: Any) -> dict[str, nn.Module]:
        """Its networks by name, freshly initialised; `architecture` without `precision`."""

    @abstractmethod
    def edit(self, model: Model, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1] of condition x to condition y, both N×n; `model` holds its networks."""

    def learner(self, params: Params, runtime: Runtime) -> Learner:
        """Its networks ready to learn."""
        raise TypeError(f"{self.name} is not trained")
