"""The expression of somebody else: the AUs of another photograph become the target."""

from pathlib import Path

import numpy as np

from defgan.editing.face_finder import FaceFinder
from defgan.editing.image_file import open_photograph
from defgan.editing.targets import Target, make_target
from defgan.errors import UserError
from defgan.facs import AU_NAMES


def read_likeness(find: FaceFinder, other: Path, neutral: Path | None = None, strength: float = 1.0) -> Target:
    """The target that has the expression of the largest face in another photograph.

    The AU estimator's predictions differ between people: some faces look lowered or raised at rest. With a neutral
    photograph of the other person, what changed in that face is added to the present AUs.

    Args:
        find: the editor's finder of faces.
        other: the photograph whose AUs are read.
        neutral: a photograph of the same person without an expression.
        strength: as in `make_target`.

    Raises:
        UserError: a photograph cannot be read or shows no face that can be.
    """
    return to_target(
        f"like-{other.stem}", _read(find, other), None if neutral is None else _read(find, neutral), strength
    )


def to_target(name: str, aus: np.ndarray, neutral: np.ndarray | None, strength: float = 1.0) -> Target:
    """The target for AUs that were read, and for those of the neutral photograph, (17,) each; see `read_likeness`."""
    if neutral is not None:
        aus = aus - neutral
    values = {unit: round(float(value), 3) for unit, value in zip(AU_NAMES, aus, strict=True)}
    return make_target(name, None, strength, neutral is not None, {name: values})


def in_words(target: Target) -> str:
    """The AUs that were read; those near 0 are left out."""
    values = target.expressions[target.expression or ""]
    sign = "+" if target.relative else ""
    return (
        ", ".join(f"{unit} {value:{sign}.2f}" for unit, value in values.items() if abs(value) >= 0.05) or "all near 0"
    )


def _read(find: FaceFinder, path: Path) -> np.ndarray:
    try:
        [face] = find(open_photograph(path).pixels, "largest")
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return face.x
