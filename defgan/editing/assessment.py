"""Measures of edits of real photographs, which have no true image: do the wanted AUs rise, is the identity kept?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch

from defgan import alignment, methods
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor, render
from defgan.editing.face_finder import Face
from defgan.editing.targets import make_target
from defgan.evaluation.identity import DISTANCE_NAMES, distances, embeddings
from defgan.faces.embedders import load_embedder
from defgan.facs import AU_NAMES, EXPRESSIONS, PRESETS, preset

EMBEDDER = "dlib-resnet-128"
SAME_PERSON = 0.6
"""L2 distance below which dlib takes two faces for one person."""
RISE = 0.05
"""An AU counts as risen where its estimate grows by more than this; less is noise of the estimator."""
EITHER = MappingProxyType({"surprise": (("AU25", "AU26"), ("AU01", "AU02")), "fear": (("AU25", "AU26"),)})
"""AUs of which one is enough: estimators often confuse jaw drop with parted lips, and inner with outer brows."""
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Values of α for which response and identity are measured; the last one is the whole edit."""
RESPONSE, DISTANCE = "response of the AUs", f"identity distance to the input ({DISTANCE_NAMES[EMBEDDER]})"
AT_EQUAL_RESPONSE = f"{DISTANCE} at equal response"
LEADING = MappingProxyType({"happy": ("AU12",), "anger": ("AU04",), "surprise": ("AU25", "AU26")})
"""AUs whose largest rise measures the response under errors of the crop."""
CROP_ERRORS = (
    ("none", 0.0),
    *(("shift right, share of the side", amount) for amount in (0.05, 0.1)),
    *(("shift down, share of the side", amount) for amount in (0.05, 0.1)),
    *(("scale", amount) for amount in (0.9, 1.1)),
    *(("rotation, degrees", amount) for amount in (-10.0, -5.0, 5.0, 10.0)),
)
"""Kinds and amounts of errors of the crop."""


@dataclass(frozen=True)
class Person:
    """A person's photograph for editing, and the face of a second photograph for recognition."""

    name: str
    pixels: np.ndarray  # uint8 H×W×3
    face: Face
    other: np.ndarray  # uint8 150×150×3, the aligned face of the other photograph


def chip(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The aligned face at the embedder's size, uint8 150×150×3."""
    return alignment.crop(pixels, alignment.similarity_transform(points, 150), 150)


def _edit(editor: Editor, pixels: np.ndarray, face: Face, expression: str, strength: float = 1.0) -> np.ndarray:
    return render(pixels, [editor.generate(face, make_target(expression, strength=strength).vector(face.x))])


def _aus(editor: Editor, pixels: np.ndarray, face: Face) -> np.ndarray:
    """The AUs at the original's points, (17,); NaN where the estimator finds no face: then no AU has risen."""
    aus = editor.find.estimate_aus(pixels, face.points).aus
    return np.full(len(AU_NAMES), np.nan) if aus is None else aus


def rising(rises: np.ndarray, expression: str) -> dict[str, np.ndarray]:
    """Whether the AUs of an expression rise in N people's edits, bool (N,) by measure; `rises` is N×17."""
    rose = dict(zip(AU_NAMES, (rises > RISE).T, strict=True))  # NaN has not risen
    measures = {f"{name} rises": rose[name] for name in PRESETS[expression]}
    for names in EITHER.get(expression, ()):
        measures[f"{' or '.join(names)} rises"] = np.any([rose[name] for name in names], axis=0)
    return measures


def _at_strength(measure: str, strength: float) -> str:
    """The name of a measure at α; that of the whole edit has no suffix."""
    return measure if strength == 1 else f"{measure}, strength {strength:g}"


def response(rises: np.ndarray, asked: np.ndarray) -> float:
    """Least-squares slope of N people's rises of AUs over the wanted rises, both N×17; NaN counts as no rise."""
    return float((np.nan_to_num(rises) * asked).sum() / (asked**2).sum())


def measure(editor: Editor, people: Sequence[Person], progress: Callable[[Iterable, str], Iterable]) -> pd.DataFrame:
    """All measures of one model: columns method, expression, measure, value, n.

    The response at strength α is relative to the rises that strength 1 wants, so that it grows with α.
    """
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
        asked, values = preset(expression) - before, {}
        for strength in STRENGTHS:
            chips, after = [], []
            for person in progress(people, f"{editor.name}: {expression}, strength {strength:g}"):
                edited = _edit(editor, person.pixels, person.face, expression, strength)
                after.append(_aus(editor, edited, person.face))
                chips.append(chip(edited, person.face.points))
            embedded, rises = embed(chips), np.stack(after) - before
            values[_at_strength(RESPONSE, strength)] = response(rises, asked)
            values[_at_strength(DISTANCE, strength)] = distances(embedded, inputs)
        # `embedded` and `rises` are now those of the whole edit.
        same = (embedded - others).norm(dim=1).numpy() < SAME_PERSON
        whole = {f"same person as in the other photograph (dlib L2 < {SAME_PERSON:g})": same}
        for name, each in (rising(rises, expression) | whole | values).items():
            rows.append((editor.name, expression, name, float(np.mean(each)), len(people)))
    return pd.DataFrame(rows, columns=["method", "expression", "measure", "value", "n"])


def _distance_at(wanted: float, responses: Sequence[float], identities: Sequence[float]) -> float:
    """The identity distance where a method's response first reaches `wanted`, linear between strengths."""
    before = (0.0, 0.0)
    for after in zip(responses, identities, strict=True):
        if before[0] < wanted <= after[0]:
            share = (wanted - before[0]) / (after[0] - before[0])
            return before[1] + share * (after[1] - before[1])
        before = after
    return np.nan


def equal_response(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the identity distance at equal response, by method and expression; `table` holds rows of `measure`.

    A method that hardly edits keeps the identity. So methods are compared at the largest response that all of them
    reach. NaN where one of them does not respond at all.
    """
    rows = []
    for expression, of_expression in table.groupby("expression", sort=False):
        curves = {}
        for method, own in of_expression.groupby("method", sort=False):
            values = own.set_index("measure")["value"]
            curves[method] = [[values[_at_strength(what, s)] for s in STRENGTHS] for what in (RESPONSE, DISTANCE)]
        common = min(max(responses) for responses, _ in curves.values())
        for method, (responses, identities) in curves.items():
            value = _distance_at(common, responses, identities)
            rows.append((method, expression, AT_EQUAL_RESPONSE, value, of_expression["n"].iloc[0]))
    return pd.DataFrame(rows, columns=table.columns)


def miscropped(pixels: np.ndarray, face: Face, kind: str, amount: float) -> Face:
    """The face with an error of its crop; `kind` and `amount` are as in `CROP_ERRORS`."""
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
    # About the crop's centre, after the correct transform.
    offset = size / 2 * np.ones(2) - linear @ (size / 2 * np.ones(2)) + shift
    transform = np.column_stack([linear @ face.transform[:, :2], linear @ face.transform[:, 2] + offset])
    return replace(face, transform=transform, crop=alignment.crop(pixels, transform, size))


def crop_errors(
    editor: Editor, people: Sequence[Person], progress: Callable[[Iterable, str], Iterable]
) -> pd.DataFrame:
    """Rises of the leading AUs under errors of the crop: method, error, amount, expression, measure, value, n."""
    rows = []
    for kind, amount in progress(CROP_ERRORS, f"{editor.name}: errors of the crop"):
        for expression, names in LEADING.items():
            indices = [AU_NAMES.index(name) for name in names]
            rises = []
            for person in people:
                face = miscropped(person.pixels, person.face, kind, amount)
                after = _aus(editor, _edit(editor, person.pixels, face, expression), person.face)
                rises.append(np.nan_to_num(after[indices] - person.face.x[indices]).max())
            name = f"mean rise of {' or '.join(names)}"
            rows.append((editor.name, kind, amount, expression, name, float(np.mean(rises)), len(people)))
    return pd.DataFrame(rows, columns=["method", "error", "amount", "expression", "measure", "value", "n"])


def identity_wins(table: pd.DataFrame, measure: str = DISTANCE, method: str = DEFAULT) -> Mapping[str, bool]:
    """By expression, whether a method's mean identity distance is below its rival's."""
    rival = methods.get(method).rival
    rows = table[table["measure"] == measure]
    means = rows.pivot(index="expression", columns="method", values="value")
    return {expression: bool(row[method] < row[rival]) for expression, row in means.iterrows()}
