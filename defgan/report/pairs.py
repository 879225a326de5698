"""Which methods are compared two by two (Fig. 3, 8), and the columns that hold the result."""

from typing import NamedTuple

from defgan import methods
from defgan.methods import registry
from defgan.methods.base import Method
from defgan.report.names import SUPERVISED


class Pair(NamedTuple):
    """A method and the one that it is compared with."""

    method: Method
    rival: Method

    @property
    def text(self) -> str:
        """The two as in a sentence."""
        return f"{self.method.label} against {self.rival.label}"

    @property
    def training(self) -> str:
        """How the two are trained, as a heading."""
        return SUPERVISED.capitalize() if self.method.supervised else "Self-supervised, as in the paper"

    @property
    def improvement(self) -> str:
        """The relative improvement as a formula."""
        return f"1 − {self.method.label} / {self.rival.label}"

    def column(self, measure: str) -> str:
        """The column of a measure of both, such as `p_holm`, in identity_by_expression.csv.

        The first pair's columns have no prefix.
        """
        return measure if self == pairs()[0] else f"{self.method.name}_{measure}"


def pairs() -> tuple[Pair, ...]:
    """All pairs, in the order of the tables."""
    return tuple(Pair(method, methods.get(method.rival)) for method in registry.every() if method.rival)
