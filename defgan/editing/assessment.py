"""How edits of real photographs do, without truth: do the asked-for AUs rise, and is it still the same person?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch

from defgan.editing.editor import Editor, render
from defgan.editing.faces import Face
from defgan.editing.targets import make_target
from defgan.evaluation.identity import DISTANCE_NAMES, distances, embeddings
from defgan.faces import alignment
from defgan.faces.identity import load_embedder
from defgan.facs import AU_NAMES, EXPRESSIONS, PRESETS

EMBEDDER = "dlib-resnet-128"
SAME_PERSON = 0.6
"""L2 distance under which dlib calls two faces one person."""
RISE = 0.05
"""An AU rises where its reading grows by more than this: less is noise of the reader."""
EITHER = MappingProxyType({"surprise": (("AU25", "AU26"), ("AU01", "AU02")), "fear": (("AU25", "AU26"),)})
"""Units of which one is enough: readers tell a dropped jaw from parted lips badly, and inner from outer brows."""
LEADING = MappingProxyType({"happy": ("AU12",), "anger": ("AU04",), "surprise": ("AU25", "AU26")})
"""What the response to errors of the crop is measured by: the largest rise of these."""
CROP_ERRORS = (
    ("none", 0.0),
    *(("shift right, share of the side", amount) for amount in (0.05, 0.1)),
    *(("shift down, share of the side", amount) for amount in (0.05, 0.1)),
    *(("scale", amount) for amount in (0.9, 1.1)),
    *(("rotation, degrees", amount) for amount in (-10.0, -5.0, 5.0, 10.0)),
)
"""Kinds and amounts of what can be wrong with a crop."""


@dataclass(frozen=True)
class Person:
    """One person's photograph to be edited, and another one to be recognised by."""

    name: str
    pixels: np.ndarray  # uint8 H×W×3
    face: Face
    other: np.ndarray  # uint8 150×150×3, the aligned face of the other photograph


def chip(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A face at the embedder's size, uint8 150×150×3."""
    return alignment.crop(pixels, alignment.similarity_transform(points, 150), 150)


def _edit(editor: Editor, pixels: np.ndarray, face: Face, expression: str) -> np.ndarray:
    return render(pixels, [editor.generate(face, make_target(expression).vector(face.x))])


def _read(editor: Editor, pixels: np.ndarray, face: Face) -> np.ndarray:
    """The AUs, (17,), at the original's points; NaN where no face is recognised any more: then nothing has risen."""
    aus = editor.find.read(pixels, face.points).aus
    return np.full(len(AU_NAMES), np.nan) if aus is None else aus


def rising(rises: np.ndarray, expression: str) -> dict[str, np.ndarray]:
    """By measure, for each of N people, whether the units of an expression rise, bool (N,); `rises` N×17."""
    rose = dict(zip(AU_NAMES, (rises > RISE).T, strict=True))  # NaN has not
    measures = {f"{name} rises": rose[name] for name in PRESETS[expression]}
    for names in EITHER.get(expression, ()):
        measures[f"{' or '.join(names)} rises"] = np.any([rose[name] for name in names], axis=0)
    return measures


def measure(editor: Editor, people: Sequence[Person], progress: Callable[[Iterable, str], Iterable]) -> pd.DataFrame:
    """A method's rows, columns method, expression, measure, value, n."""
    embedder = load_embedder(EMBEDDER)

    def embed(chips: Sequence[np.ndarray]) -> torch.Tensor:
        return embeddings(embedder, np.stack(chips), 16, "Identity")

    others, inputs = (
        embed([person.other for person in people]),
        embed([chip(p.pixels, p.face.points) for p in people]),
    )
    before = np.stack([person.face.x for person in people])
    rows = []
    for expression in EXPRESSIONS:
        chips, after = [], []
        for person in progress(people, f"{editor.name}: {expression}"):
            edited = _edit(editor, person.pixels, person.face, expression)
            after.append(_read(editor, edited, person.face))
            chips.append(chip(edited, person.face.points))
        embedded = embed(chips)
        same = (embedded - others).norm(dim=1).numpy() < SAME_PERSON
        values = rising(np.stack(after) - before, expression) | {
            f"same person as in the other photograph (dlib L2 < {SAME_PERSON:g})": same,
            f"identity distance to the input ({DISTANCE_NAMES[EMBEDDER]})": distances(embedded, inputs),
        }
        for name, each in values.items():
            rows.append((editor.name, expression, name, float(np.mean(each)), len(people)))
    return pd.DataFrame(rows, columns=["method", "expression", "measure", "value", "n"])


def miscropped(pixels: np.ndarray, face: Face, kind: str, amount: float) -> Face:
    """The face as it would be cropped with an error; `kind` and `amount` as in `CROP_ERRORS`."""
    size = len(face.crop)
    scale, degrees, shift = 1.0, 0.0, np.zeros(2)
    if kind == "scale":
        scale = amount
    elif kind.startswith("rotation"):
        degrees = amount
    elif kind.startswith("shift"):
        shift = size * amount * np.array([1.0, 0.0] if "right" in kind else [0.0, 1.0])
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # About the crop's centre, after the right transform.
    offset = size / 2 * np.ones(2) - linear @ (size / 2 * np.ones(2)) + shift
    transform = np.column_stack([linear @ face.transform[:, :2], linear @ face.transform[:, 2] + offset])
    return replace(face, transform=transform, crop=alignment.crop(pixels, transform, size))


def crop_errors(
    editor: Editor, people: Sequence[Person], progress: Callable[[Iterable, str], Iterable]
) -> pd.DataFrame:
    """How far the leading AUs rise where the crop is wrong: method, error, amount, expression, measure, value, n."""
    rows = []
    for kind, amount in progress(CROP_ERRORS, f"{editor.name}: errors of the crop"):
        for expression, names in LEADING.items():
            indices = [AU_NAMES.index(name) for name in names]
            rises = []
            for person in people:
                face = miscropped(person.pixels, person.face, kind, amount)
                after = _read(editor, _edit(editor, person.pixels, face, expression), person.face)
                rises.append(np.nan_to_num(after[indices] - person.face.x[indices]).max())
            name = f"mean rise of {' or '.join(names)}"
            rows.append((editor.name, kind, amount, expression, name, float(np.mean(rises)), len(people)))
    return pd.DataFrame(rows, columns=["method", "error", "amount", "expression", "measure", "value", "n"])


def identity_wins(table: pd.DataFrame) -> Mapping[str, bool]:
    """By expression, whether DefGAN's mean identity distance to the input is below GANimation's."""
    rows = table[table["measure"].str.startswith("identity distance")]
    means = rows.pivot(index="expression", columns="method", values="value")
    return {
        expression: bool(means.loc[expression, "defgan"] < means.loc[expression, "ganimation"])
        for expression in means.index
    }
