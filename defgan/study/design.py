"""Which images the participants see (sec. 4.4): drawn by seed, balanced, under names that mean nothing.

The result is the answer key, one row per image that is shown:

- `question`: q01 … in an order that means nothing;
- `slot`: "rated" in stage 1; "input", "left" and "right" in stage 2;
- `image`: the name under which the participants' files hold it;
- `method`: "defgan" or "ganimation", "" for an input;
- `edit`: its row in the plan of edits; `image_id`, `subject`, `expression` are those of the edit.
"""

import numpy as np
import pandas as pd

from defgan.errors import UserError
from defgan.faces.table import Faces
from defgan.facs import EXPRESSIONS
from defgan.params import UserStudyParams

METHODS = ("defgan", "ganimation")
"""The two that the paper's participants judge; the key's names for them."""
KEY_COLUMNS = ("question", "slot", "image", "method", "edit", "image_id", "subject", "expression")

_LETTERS = np.array(list("bcdfghjklmnpqrstvwxz"))
"""No vowels, so no words; no digits, which a spreadsheet might read as numbers."""
_NAME_LENGTH = 8
# Each choice has its own random stream, so that changing one leaves the others as they are.
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
    """Per question, whether the first method stands left: in half of the questions, and of each expression's."""
    sides = np.zeros(len(expressions), bool)
    left_over = []
    for expression in EXPRESSIONS:
        places = rng.permutation([i for i, name in enumerate(expressions) if name == expression]).astype(int)
        half = len(places) // 2
        sides[places[:half]] = True
        left_over += places[2 * half :].tolist()
    # The odd ones of the expressions are balanced among themselves.
    turns = (np.arange(len(left_over)) + rng.integers(2)) % 2 == 0
    sides[np.array(left_over, int)] = rng.permutation(turns)
    return sides.tolist()


def turned_aside(faces: Faces) -> np.ndarray:
    """How far each head is turned: |nose − middle of the eyes| along the line of the eyes, in eye distances (N,).

    0 is frontal; about 0.5 is a nose in front of an eye.
    """
    left, right, nose = (
        faces.frame[[f"{name}_x", f"{name}_y"]].to_numpy() for name in ("left_eye", "right_eye", "nose")
    )
    eyes = right - left
    return np.abs(((nose - (left + right) / 2) * eyes).sum(axis=1) / (eyes**2).sum(axis=1))


def suitable_faces(faces: Faces, options: UserStudyParams) -> pd.Series:
    """`image_id` of faces near neutral and near frontal, at most one per subject, the calmest.

    Near neutral: among the share `near_neutral` of the faces with the lowest sum of AUs. Near frontal: among the share
    `near_frontal` of those least turned aside.
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

    Distinct people, so that nobody compares two edits of one face; the same expressions for both methods, so that
    neither has the easier ones. The paper draws at random and says no more.
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
    """Stage 2: the key of `questions` near-neutral, near-frontal faces, each with both methods' edits to an expression.

    The expression is random, each about equally often; either method stands left in half of the questions.
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
