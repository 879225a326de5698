"""Which images the participants see (sec. 4.4): drawn by seed, balanced, with meaningless names.

The result is the answer key, one row per shown image:

- `question`: q01 …, in random order;
- `slot`: "rated" in stage 1; "input", "left" and "right" in stage 2;
- `image`: its name in the participants' files;
- `method`: a name in `METHODS`, "" for an input;
- `edit`: its row in the plan of edits; `image_id`, `subject`, `expression`: those of that row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from defgan.alignment import POINT_COLUMNS, RIGID_POINTS, nose_offset
from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.facs import EXPRESSIONS
from defgan.methods import registry

if TYPE_CHECKING:
    from defgan.params import UserStudyParams

METHODS = tuple(method.name for method in registry.told_aus() if method.in_study)
"""The two methods that participants judge, the paper's own first."""
STUDY = "study.json"
"""File beside the keys of both stages: the stages by their bundles' ids."""
KEY_COLUMNS = ("question", "slot", "image", "method", "edit", "image_id", "subject", "expression")

_LETTERS = np.array(list("bcdfghjklmnpqrstvwxz"))
"""Without vowels there are no words. Without digits no spreadsheet takes a name for a number."""
_NAME_LENGTH = 8
# Each stage has its own random stream: a change of one leaves the other as it is.
_STREAM_RATED, _STREAM_COMPARED = range(2)


def image_names(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct meaningless names."""
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(rng.choice(_LETTERS, _NAME_LENGTH))] = None
    return list(names)


def balanced_expressions(count: int, rng: np.random.Generator) -> list[str]:
    """`count` of the six expressions in random order; their numbers differ by at most one."""
    return rng.permutation(np.resize(rng.permutation(EXPRESSIONS), count)).tolist()


def balanced_sides(expressions: list[str], rng: np.random.Generator) -> list[bool]:
    """Whether the first method is on the left, per question: in half of all questions, and of each expression's."""
    sides = np.zeros(len(expressions), bool)
    left_over = []
    for expression in EXPRESSIONS:
        places = rng.permutation([i for i, name in enumerate(expressions) if name == expression]).astype(int)
        half = len(places) // 2
        sides[places[:half]] = True
        left_over += places[2 * half :].tolist()
    # An odd number of questions leaves one over; these are balanced among the expressions.
    turns = (np.arange(len(left_over)) + rng.integers(2)) % 2 == 0
    sides[np.array(left_over, int)] = rng.permutation(turns)
    return sides.tolist()


def turned_aside(faces: Faces) -> np.ndarray:
    """How far each head is turned to either side, in distances between the eyes (N,); 0 is frontal."""
    eyes_and_nose = faces.frame[list(POINT_COLUMNS[: 2 * RIGID_POINTS])].to_numpy(np.float64)
    return np.abs(nose_offset(eyes_and_nose.reshape(-1, RIGID_POINTS, 2)))


def suitable_faces(faces: Faces, options: UserStudyParams) -> pd.Series:
    """`image_id` of near-neutral and near-frontal faces, for each subject the most neutral one.

    Near neutral: among the share `near_neutral` of faces with the lowest sums of AUs. Near frontal: among the share
    `near_frontal` of faces that are turned least.
    """
    calm, frontal = faces.aus.sum(axis=1), turned_aside(faces)
    chosen = (calm <= np.quantile(calm, options.near_neutral)) & (frontal <= np.quantile(frontal, options.near_frontal))
    frame = faces.frame.assign(calm=calm)[chosen].sort_values("calm", kind="stable")
    return frame.drop_duplicates("subject")["image_id"]


def _edits(plan: pd.DataFrame) -> pd.DataFrame:
    """Every wild face to each of the six expressions, by `image_id` and `expression`."""
    return plan[plan["set"] == "expressions"].set_index(["image_id", "expression"], drop=False).sort_index()


def _shown(question: int, slot: str, method: str, edit: pd.Series) -> dict:
    values = {name: edit[name] for name in ("edit", "image_id", "subject", "expression")}
    return {"question": f"q{question + 1:02d}", "slot": slot, "method": method, **values}


def _key(rows: list[dict], rng: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame(rows).assign(image=image_names(len(rows), rng))
    return frame.sort_values(["question", "image"], ignore_index=True)[list(KEY_COLUMNS)]


def rated_images(plan: pd.DataFrame, options: UserStudyParams) -> pd.DataFrame:
    """Stage 1: the key of `images_per_method` edits by each method, all of distinct people.

    People are distinct, so that nobody compares two edits of one face. Both methods have the same expressions, so that
    neither has the easier ones. The paper only says that images are drawn at random.

    Raises UserError where the wild faces show too few people.
    """
    rng = np.random.default_rng([options.seed, _STREAM_RATED])
    edits = _edits(plan)
    people = edits.drop_duplicates("image_id").drop_duplicates("subject")["image_id"].to_numpy()
    count = options.images_per_method
    if len(people) < len(METHODS) * count:
        raise UserError(
            f"user_study.images_per_method: {count} images of each of {len(METHODS)} methods show distinct people, but"
            f" wild has {len(people)}; lower it or add photographs to data.wild"
        )
    faces = rng.permutation(people)[: len(METHODS) * count]
    expressions = balanced_expressions(count, rng)
    shown = list(zip(faces, np.repeat(METHODS, count), expressions * len(METHODS), strict=True))
    rows = [
        _shown(question, "rated", str(shown[place][1]), edits.loc[(shown[place][0], shown[place][2])])
        for question, place in enumerate(rng.permutation(len(shown)))
    ]
    return _key(rows, rng)


def compared_images(plan: pd.DataFrame, wild: Faces, options: UserStudyParams) -> pd.DataFrame:
    """Stage 2: the key of `questions` near-neutral, near-frontal faces, each with the methods' edits to an expression.

    Expressions are random, each about equally often. Each method is on the left in half of the questions.

    Raises UserError where there are too few such faces.
    """
    rng = np.random.default_rng([options.seed, _STREAM_COMPARED])
    edits = _edits(plan)
    suitable = suitable_faces(wild, options).to_numpy()
    if len(suitable) < options.questions:
        raise UserError(
            f"user_study.questions: {options.questions} faces of distinct people, near neutral and near frontal, are"
            f" wanted, but wild has {len(suitable)}; lower it, raise user_study.near_neutral and near_frontal, or add"
            " photographs to data.wild"
        )
    expressions = balanced_expressions(options.questions, rng)
    sides = balanced_sides(expressions, rng)
    faces = rng.permutation(suitable)[: options.questions]
    rows = []
    for question, (face, expression, first_left) in enumerate(zip(faces, expressions, sides, strict=True)):
        edit = edits.loc[(face, expression)]
        left, right = METHODS if first_left else METHODS[::-1]
        rows.append(_shown(question, "input", "", edit))
        rows.append(_shown(question, "left", left, edit))
        rows.append(_shown(question, "right", right, edit))
    return _key(rows, rng)
