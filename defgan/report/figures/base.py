"""What a figure is: its name, its caption, the data that it needs, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from defgan.methods import registry
from defgan.methods.base import Method
from defgan.report.names import CORPUS, role_name, supervision

if TYPE_CHECKING:
    import matplotlib.figure

    from defgan.report.results import Results

_INSTEAD_OF = {"wild": "CelebA-HQ and web photographs", "rafd": "the Radboud Faces Database"}
"""The paper's data of each role that figures show."""
_TRUE_IMAGE = "The true image is the same person, rendered under the target AUs."


@dataclass(frozen=True)
class Caption:
    """What stands below a figure; `substitutes` are what we use in place of the paper's means."""

    title: str
    shows: str
    data: str
    methods: tuple[str, ...]
    substitutes: tuple[str, ...]
    params: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    Args:
        name: of its files, and of its entry in captions.json.
        title: without the number.
        shows: the caption: what is seen, in sentences.
        methods: those that it shows, in its order.
        params: keys of params.yaml that decide what is shown.
        draw: from the results to the drawing.
        number: the paper's; 0 for a figure that the paper does not have.
        role: the role whose faces it shows; "" for none.
        network: what measured it, as in the metrics' `networks`, and what stands there in the paper; ("", "") for none.
        photographs: whether it shows photographs; saved without a PDF.
        true_image: whether it shows the true images where they are known.
        available: whether the experiment has the data that it shows; photographs, for example, have no true images.
    """

    name: str
    title: str
    shows: str
    methods: tuple[Method, ...]
    params: tuple[str, ...]
    draw: Callable[[Results], matplotlib.figure.Figure]
    number: int = 0
    role: str = "wild"
    network: tuple[str, str] = ("", "")
    photographs: bool = False
    true_image: bool = False
    available: Callable[[Results], bool] = lambda results: True

    @property
    def heading(self) -> str:
        """The title with the number."""
        return f"Fig. {self.number}: {self.title}" if self.number else self.title

    def caption(self, results: Results) -> Caption:
        """What stands below it, for the data at hand."""
        rendered = self.role and results.data[self.role] == CORPUS
        substitutes = []
        if (network := self.network)[0]:
            substitutes.append(f"{results.networks(self.methods[0])[network[0]]} in place of {network[1]}")
        if rendered:
            substitutes.append(f"{CORPUS} in place of {_INSTEAD_OF[self.role]}")
        shows = f"{self.shows} {_TRUE_IMAGE}" if self.true_image and rendered else self.shows
        shows += supervision(self.methods)
        names = {role: f"{role_name(role)}: {data}" for role, data in results.data.items()}
        roles = (self.role,) if self.role else dict.fromkeys(method.role for method in self.methods)
        return Caption(
            self.heading,
            shows,
            "; ".join(names.get(role, role_name(role)) for role in roles),
            tuple(method.label for method in self.methods),
            tuple(substitutes),
            self.params,
        )


def deforming() -> tuple[Method, ...]:
    """The methods that deform, in the order of the figures."""
    return tuple(method for method in registry.told_aus() if method.deforms)


def trained() -> tuple[Method, ...]:
    """All methods that learn, in the order of the figures: those that are told AUs first."""
    told = registry.told_aus()
    return (*told, *(method for method in registry.trained() if method not in told))


def self_supervised() -> tuple[Method, ...]:
    """Those of them that learn as in the paper, without rendered pairs."""
    return tuple(method for method in trained() if not method.supervised)
