"""Which face is edited to what target (sec. 4.2, 4.3, App. A, B, F): decided once, the same for every method."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.facs import AU_NAMES, EXPRESSIONS, RAFD_EXPRESSIONS

if TYPE_CHECKING:
    from defgan.params import PlanParams

TARGET_COLUMNS = ("role", "subject", "expression", *AU_NAMES)
PLAN_COLUMNS = (
    "edit",  # 0 … M−1
    "set",  # "expressions" (Fig. 3, Table 1), "person" (Table 1), "grid" (Fig. 4, 5, 18), "sweep" (Fig. 1), "rafd"
    # (Fig. 17), "au" (Fig. 6, 11, 12 and the sliders of the page) or "slider" (the other sliders of the page)
    "role",  # of the input: "rafd" in the set of that name, else "wild"
    "image_id",
    "row",  # index into that role's pixels
    "subject",
    "expression",  # in the set "au" the name of the one AU that is set
    "instance",  # the person who lends the AUs; "" in the set "au"
    "alpha",  # y = x + α(target − x); 1 outside the sweeps; in the set "au" the intensity of that AU
    *AU_NAMES,  # the target y, float32 in [0, 1]
)

NEUTRAL_SHARE = 0.25
"""The faces of the figures are drawn from this share of the wild subjects: those with the lowest sums of AUs."""

_FIGURE_FACES = ("grid_faces", "sweep_faces", "au_faces")  # slider_faces are among au_faces
_AUS = list(AU_NAMES)
# Each choice has its own random stream, so that changing one leaves the others as they are.
_STREAM_LENDERS, _STREAM_SPREAD, _STREAM_FIGURE_FACES, _STREAM_FIGURE_PERSON, _STREAM_WILD = range(5)


def expression_targets(acted: dict[str, Faces]) -> pd.DataFrame:
    """One AU vector per role, subject and expression: the mean over the photographs that show it.

    `acted` maps the roles of acted expressions, `mug` and `rafd`, to their faces. Returns a frame of `TARGET_COLUMNS`.
    Photographs without an expression are left out. Raises UserError where a role has no expressions, or unknown ones.
    """
    frames = []
    for role, faces in acted.items():
        labelled = faces.frame[faces.frame["expression"] != ""]
        if labelled.empty:
            raise UserError(
                f"data.{role}: no photograph has an expression; add a column `expression`"
                f" ({', '.join(RAFD_EXPRESSIONS)}) to its annotations.csv, or use the embedded corpus for this role"
            )
        for expression in sorted(set(labelled["expression"]) - set(RAFD_EXPRESSIONS)):
            near = difflib.get_close_matches(expression, RAFD_EXPRESSIONS, n=1, cutoff=0)[0]
            raise UserError(
                f"data.{role}: unknown expression `{expression}` in its annotations; the nearest known is `{near}`"
                f" of {', '.join(RAFD_EXPRESSIONS)}"
            )
        means = labelled.groupby(["subject", "expression"], sort=True)[_AUS].mean().astype(np.float32).reset_index()
        means.insert(0, "role", role)
        frames.append(means)
    return pd.concat(frames, ignore_index=True)[list(TARGET_COLUMNS)]


def plan_edits(wild: Faces, rafd: Faces, targets: pd.DataFrame, options: PlanParams, seed: int) -> pd.DataFrame:
    """All edits of the experiment, a frame of `PLAN_COLUMNS`; the same seed gives the same plan.

    - `expressions`: every wild face that `wild_faces` chooses to each of the six expressions. `options.instances`
      people of `options.target_role` lend the AUs (App. A). For each expression, the numbers of faces that they lend to
      differ by at most one.
    - `person`: the same faces to the six expressions of one MUG person (sec. 4.2), where `options.table_1_targets` is
      "person".
    - `grid`: `options.grid_faces` near-neutral faces of distinct people to the six expressions of one MUG person.
    - `sweep`: `options.sweep_faces` of such faces to that person's `options.sweep_expression`, α from 0 to 1.
    - `rafd`: the neutral photographs of `options.rafd_faces` held-out RaFD people to the six expressions. The target is
      the person's own AU vector, so the edit can be compared with that photograph.
    - `au`: `options.au_faces` near-neutral faces × each of the 17 AUs × `options.au_steps` intensities from 0 to 1. The
      other AUs keep the face's own values: the paper says "changing individual AUs on an input face".
    - `slider`: `options.slider_faces` of these to each expression of the MUG person, α in the same steps.

    Raises UserError where there are fewer usable people than `options` needs.
    """
    wild = wild_faces(wild, options.wild_faces, seed)
    edits = _expression_edits(wild, targets, options, seed) + _person_edits(wild, targets, options, seed)
    edits += _figure_edits(wild, targets, options, seed)
    edits += _rafd_edits(rafd, targets, options) + _slider_edits(wild, targets, options, seed)
    frame = pd.DataFrame(edits)
    frame.insert(0, "edit", np.arange(len(frame)))
    frame[_AUS] = frame[_AUS].astype(np.float32)
    return frame[list(PLAN_COLUMNS)]


def wild_faces(wild: Faces, most: int | Literal["all"], seed: int) -> Faces:
    """At most so many of the wild faces, drawn by seed, in their order; their pixels stay as they are.

    Every person gives one face before anybody gives a second one.
    """
    if most == "all" or len(wild.frame) <= most:
        return wild
    rng = np.random.default_rng([seed, _STREAM_WILD])
    shuffled = wild.frame.iloc[rng.permutation(len(wild.frame))]
    turns = shuffled.groupby("subject").cumcount().sort_values(kind="stable")
    return Faces(wild.frame.loc[sorted(turns.index[:most])].reset_index(drop=True), wild.pixels)


def _row(set_name: str, face: pd.Series, expression: str, instance: str, alpha: float, y: np.ndarray) -> dict:
    return {
        "set": set_name,
        "role": face["role"],
        "image_id": face["image_id"],
        "row": face["row"],
        "subject": face["subject"],
        "expression": expression,
        "instance": instance,
        "alpha": alpha,
        **dict(zip(AU_NAMES, y, strict=True)),
    }


def _edit(set_name: str, face: pd.Series, target: pd.Series, alpha: float = 1.0) -> dict:
    x, y = face[_AUS].to_numpy(np.float64), target[_AUS].to_numpy(np.float64)
    return _row(set_name, face, target["expression"], target["subject"], alpha, x + alpha * (y - x))


def _au_edit(face: pd.Series, au: str, intensity: float) -> dict:
    y = face[_AUS].to_numpy(np.float64)
    y[AU_NAMES.index(au)] = intensity
    return _row("au", face, au, "", intensity, y)


def _people(targets: pd.DataFrame, role: str) -> dict[str, dict[str, pd.Series]]:
    """The people of a role who show all six expressions: subject to expression to target."""
    people: dict[str, dict[str, pd.Series]] = {}
    for _, target in targets[targets["role"] == role].iterrows():
        people.setdefault(target["subject"], {})[target["expression"]] = target
    return {subject: people[subject] for subject in sorted(people) if set(EXPRESSIONS) <= set(people[subject])}


def _expression_edits(wild: Faces, targets: pd.DataFrame, options: PlanParams, seed: int) -> list[dict]:
    people = _people(targets, options.target_role)
    if len(people) < options.instances:
        raise UserError(
            f"plan.instances: {options.instances} people of {options.target_role} must lend AUs, but only"
            f" {len(people)} show all of {', '.join(EXPRESSIONS)}; lower it or"
            f" add photographs to data.{options.target_role}"
        )
    rng = np.random.default_rng([seed, _STREAM_LENDERS])
    lenders = rng.permutation(list(people))[: options.instances]
    rng = np.random.default_rng([seed, _STREAM_SPREAD])
    # One shuffle of the faces per expression, so that a face gets different lenders.
    turns = {expression: rng.permutation(len(wild.frame)) % len(lenders) for expression in EXPRESSIONS}
    return [
        _edit("expressions", face, people[lenders[turns[expression][index]]][expression])
        for index, (_, face) in enumerate(wild.frame.iterrows())
        for expression in EXPRESSIONS
    ]


def _person_edits(wild: Faces, targets: pd.DataFrame, options: PlanParams, seed: int) -> list[dict]:
    if options.table_1_targets != "person":
        return []
    person = _figure_person(targets, seed)
    return [_edit("person", face, person[name]) for _, face in wild.frame.iterrows() for name in EXPRESSIONS]


def _figure_edits(wild: Faces, targets: pd.DataFrame, options: PlanParams, seed: int) -> list[dict]:
    faces, person = _near_neutral(wild, options, seed), _figure_person(targets, seed)
    grid = [
        _edit("grid", face, person[expression]) for face in faces[: options.grid_faces] for expression in EXPRESSIONS
    ]
    sweep = [
        _edit("sweep", face, person[options.sweep_expression], float(alpha))
        for face in faces[: options.sweep_faces]
        for alpha in np.linspace(0, 1, options.sweep_steps)
    ]
    return grid + sweep


def _slider_edits(wild: Faces, targets: pd.DataFrame, options: PlanParams, seed: int) -> list[dict]:
    faces, person = _near_neutral(wild, options, seed), _figure_person(targets, seed)
    steps = np.linspace(0, 1, options.au_steps).tolist()
    units = [
        _au_edit(face, au, intensity) for face in faces[: options.au_faces] for au in AU_NAMES for intensity in steps
    ]
    return units + [
        _edit("slider", face, person[expression], alpha)
        for face in faces[: options.slider_faces]
        for expression in EXPRESSIONS
        for alpha in steps
    ]


def _figure_person(targets: pd.DataFrame, seed: int) -> dict[str, pd.Series]:
    """The MUG person whose expressions the figures show, drawn by seed: expression to target."""
    people = _people(targets, "mug")
    if not people:
        raise UserError(f"data.mug: nobody shows all of {', '.join(EXPRESSIONS)}; add the missing photographs there")
    rng = np.random.default_rng([seed, _STREAM_FIGURE_PERSON])
    return people[list(people)[rng.integers(len(people))]]


def _rafd_edits(rafd: Faces, targets: pd.DataFrame, options: PlanParams) -> list[dict]:
    people = _people(targets, "rafd")
    neutral = rafd.frame[(rafd.frame["split"] == "val") & (rafd.frame["expression"] == "neutral")]
    shown = neutral[neutral["subject"].isin(people)].drop_duplicates("subject")
    if len(shown) < options.rafd_faces:
        raise UserError(
            f"plan.rafd_faces: {options.rafd_faces} held-out people of data.rafd are needed, but only {len(shown)}"
            f" show neutral and all of {', '.join(EXPRESSIONS)}; lower it, raise prepare.val_share"
            " or add the missing photographs there"
        )
    return [
        _edit("rafd", face, people[face["subject"]][expression])
        for _, face in shown.head(options.rafd_faces).iterrows()
        for expression in EXPRESSIONS
    ]


def _near_neutral(wild: Faces, options: PlanParams, seed: int) -> list[pd.Series]:
    """Faces of distinct subjects, drawn by seed from those with the lowest sums of AUs."""
    frame = wild.frame.assign(expressiveness=wild.aus.sum(1)).sort_values("expressiveness", kind="stable")
    calmest = frame.drop_duplicates("subject")
    for key in _FIGURE_FACES:
        if len(calmest) < getattr(options, key):
            raise UserError(
                f"plan.{key}: {getattr(options, key)} faces of distinct people are needed, but wild has {len(calmest)};"
                " lower it or add photographs to data.wild"
            )
    count = max(getattr(options, key) for key in _FIGURE_FACES)
    pool = calmest.iloc[: max(count, round(NEUTRAL_SHARE * len(calmest)))]
    rng = np.random.default_rng([seed, _STREAM_FIGURE_FACES])
    return [pool.iloc[index] for index in rng.permutation(len(pool))[:count]]
