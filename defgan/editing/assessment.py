"""Measures of edits of real photographs, which have no true image: do the wanted AUs rise, is the identity kept?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from defgan import alignment, methods
from defgan.editing.editor import Editor, Parts, render
from defgan.editing.face_finder import Face
from defgan.editing.people import DISTANCE_NAME, Person, chip, embed
from defgan.editing.targets import make_target
from defgan.evaluation.identity import distances
from defgan.facs import AU_NAMES, EXPRESSIONS, PRESETS, preset

SAME_PERSON = 0.6
"""L2 distance below which dlib takes two faces for one person."""
RISE = 0.05
"""An AU counts as risen where its estimate grows by more than this; less is noise of the estimator."""
EITHER = MappingProxyType({"surprise": (("AU25", "AU26"), ("AU01", "AU02")), "fear": (("AU25", "AU26"),)})
"""AUs of which one is enough: estimators often confuse jaw drop with parted lips, and inner with outer brows."""
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Values of α for which response and identity are measured; the last one is the whole edit."""
RESPONSE, DISTANCE = "response of the AUs", f"identity distance to the input ({DISTANCE_NAME})"
CURVE = (RESPONSE, DISTANCE)
AT_EQUAL_RESPONSE = f"{DISTANCE} at equal response"
RELATIVE = f"{RESPONSE}, read relative to the input"
"""As `RESPONSE`, of AUs that are `relative_to_input`."""
MOTION = "mean motion of the face's crop, pixels at 128 px"
SAME = f"same person as in the other photograph (dlib L2 < {SAME_PERSON:g})"
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


def _parts(editor: Editor, face: Face, expression: str, strength: float = 1.0) -> Parts:
    return editor.generate(face, make_target(expression, strength=strength).vector(face.x))


def _motion(parts: Parts) -> float:
    """Mean length of the grid's offsets over the crop, pixels at 128 px; NaN without a grid."""
    return np.nan if parts.offsets is None else float(np.linalg.norm(parts.offsets, axis=2).mean())


def rising(rises: np.ndarray, expression: str) -> dict[str, np.ndarray]:
    """Whether the AUs of an expression rise in N people's edits, bool (N,) by measure; `rises` is N×17."""
    rose = dict(zip(AU_NAMES, (rises > RISE).T, strict=True))  # NaN has not risen
    measures = {f"{name} rises": rose[name] for name in PRESETS[expression]}
    for names in EITHER.get(expression, ()):
        measures[f"{' or '.join(names)} rises"] = np.any([rose[name] for name in names], axis=0)
    return measures


def relative_to_input(x: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The AUs of an edit, (17,) in [0, 1]: those of the input plus the rise of the estimator's unbounded intensities.

    The estimator reads some faces at rest far below 0. Its floor at 0 hides the part of a rise that lies below it.

    Args:
        x: the AUs of the input.
        before, after: `AUPrediction.unbounded` of input and edit.
    """
    return np.clip(x + after - before, 0, 1)


def _at_strength(measure: str, strength: float) -> str:
    """The name of a measure at α; that of the whole edit has no suffix."""
    return measure if strength == 1 else f"{measure}, strength {strength:g}"


def observe(editor: Editor, people: Sequence[Person], progress: Callable[[Iterable, str], Iterable]) -> pd.DataFrame:
    """One row per expression, strength and person, in this order, of the edits of one model.

    Columns: method, expression, strength, person; `moved` and `asked`, whose sums make the `response`;
    `moved_relative`, the same for `RELATIVE`; `distance` to the input, `same` (as in the other photograph), `motion`
    (`MOTION`, NaN without a grid), and the rise of every AU, NaN where no face is found any more.
    """
    others = embed([person.other for person in people])
    inputs = embed([chip(person.pixels, person.face.points) for person in people])
    before = np.stack([person.face.x for person in people])
    unbounded = [editor.find.estimate_aus(person.pixels, person.face.points).unbounded for person in people]
    rows = []
    for expression in EXPRESSIONS:
        asked = preset(expression) - before
        for strength in STRENGTHS:
            chips, after, relative, motion = [], [], [], []
            what = f"{editor.name}: {expression}, strength {strength:g}"
            for person, unbounded_before in zip(progress(people, what), unbounded, strict=True):
                parts = _parts(editor, person.face, expression, strength)
                edited = render(person.pixels, [parts])
                motion.append(_motion(parts))
                read, x = editor.find.estimate_aus(edited, person.face.points), person.face.x
                lost = read.aus is None
                after.append(np.full_like(x, np.nan) if lost else read.aus)
                relative.append(x if lost else relative_to_input(x, unbounded_before, read.unbounded))
                chips.append(chip(edited, person.face.points))
            embedded, rises = embed(chips), np.stack(after) - before
            columns = {
                "method": editor.name,
                "expression": expression,
                "strength": strength,
                "person": [person.name for person in people],
                "moved": (np.nan_to_num(rises) * asked).sum(axis=1),
                "moved_relative": ((np.stack(relative) - before) * asked).sum(axis=1),
                "asked": (asked**2).sum(axis=1),
                "distance": distances(embedded, inputs),
                "same": (embedded - others).norm(dim=1).numpy() < SAME_PERSON,
                "motion": motion,
            }
            rows.append(pd.DataFrame(columns).join(pd.DataFrame(rises, columns=AU_NAMES)))
    return pd.concat(rows, ignore_index=True)


def response(observed: pd.DataFrame, moved: str = "moved") -> float:
    """Least-squares slope of people's rises of AUs over the rises that strength 1 wants; no face counts as no rise.

    So the response at strength α grows with α. `observed` holds rows of `observe`; `moved` is the column that counts.
    """
    return observed[moved].sum() / observed["asked"].sum()


def summarise(observed: pd.DataFrame) -> pd.DataFrame:
    """The measures of each method and expression over all people: columns method, expression, measure, value, n."""
    rows = []
    for (method, expression), own in observed.groupby(["method", "expression"], sort=False):
        whole = own[own["strength"] == 1]
        values = dict(rising(whole[list(AU_NAMES)].to_numpy(), expression)) | {SAME: whole["same"]}
        values[RELATIVE] = response(whole, "moved_relative")
        for strength, at in own.groupby("strength"):
            values[_at_strength(RESPONSE, strength)] = response(at)
            values[_at_strength(DISTANCE, strength)] = at["distance"]
        rows += [(method, expression, name, float(np.mean(each)), len(whole)) for name, each in values.items()]
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


def compared(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each method with its rival, where both are among `names`."""
    names = tuple(names)
    return [(name, methods.get(name).rival) for name in names if methods.get(name).rival in names]


def equal_response(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the identity distance at equal response, for each method and its rival; `table` is `summarise`'s.

    A method that hardly edits keeps the identity. So the two are compared at the largest response that both reach. NaN
    where one of them does not respond at all.
    """
    values = table.set_index(["method", "expression", "measure"])["value"]
    counts = table.groupby("expression", sort=False)["n"].first()
    rows = []
    for pair in compared(table["method"].unique()):
        for expression, n in counts.items():
            curves = {
                method: [[values[method, expression, _at_strength(what, s)] for s in STRENGTHS] for what in CURVE]
                for method in pair
            }
            common = min(max(responses) for responses, _ in curves.values())
            rows += [
                (method, expression, AT_EQUAL_RESPONSE, _distance_at(common, *curves[method]), n) for method in pair
            ]
    # With its types also where no method has its rival beside it: no rows would make all numbers objects.
    return pd.DataFrame(rows, columns=table.columns).astype(table.dtypes)


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
                edited = render(person.pixels, [_parts(editor, face, expression)])
                after = editor.estimate_aus(edited, person.face)
                rises.append(np.nan_to_num(after[indices] - person.face.x[indices]).max())
            name = f"mean rise of {' or '.join(names)}"
            rows.append((editor.name, kind, amount, expression, name, float(np.mean(rises)), len(people)))
    return pd.DataFrame(rows, columns=["method", "error", "amount", "expression", "measure", "value", "n"])


def identity_wins(table: pd.DataFrame, method: str, measure: str = DISTANCE) -> Mapping[str, bool]:
    """By expression, whether a method's mean identity distance is below its rival's."""
    rival = methods.get(method).rival
    rows = table[table["measure"] == measure]
    means = rows.pivot(index="expression", columns="method", values="value")
    return {expression: bool(row[method] < row[rival]) for expression, row in means.iterrows()}
