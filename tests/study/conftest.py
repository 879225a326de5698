"""Made-up faces and edits, both bundles made of them, and made-up responses."""

import json

import numpy as np
import pandas as pd
import pytest

from defgan.faces.table import Faces
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.params import UserStudyParams
from defgan.study.bundle import write_bundle
from defgan.study.design import METHODS, compared_images, rated_images
from defgan.study.responses import Study

CONSENT = "First paragraph.\n\nWrite to <b>us</b> & agree."


def make_faces(count: int, seed: int = 0) -> Faces:
    """Wild faces, two per subject, with random AUs and turned heads."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.uniform(0, 0.3, (count, len(AU_NAMES))), columns=list(AU_NAMES))
    names = [f"face{i:04d}" for i in range(count)]
    frame = frame.assign(image_id=names, subject=[f"person{i // 2:04d}" for i in range(count)], row=np.arange(count))
    frame = frame.assign(left_eye_x=20.0, left_eye_y=24.0, right_eye_x=44.0, right_eye_y=24.0)
    frame = frame.assign(nose_x=32 + rng.uniform(-8, 8, count), nose_y=36.0)
    return Faces(frame, np.zeros((count, 8, 8, 3), np.uint8))


def make_plan(faces: Faces) -> pd.DataFrame:
    """Every face to every expression, and some edits of other sets."""
    rows = [
        {"set": "expressions", "image_id": face.image_id, "subject": face.subject, "expression": name}
        for face in faces.frame.itertuples()
        for name in EXPRESSIONS
    ]
    rows += [rows[0] | {"set": "grid"}, rows[1] | {"set": "sweep"}]
    return pd.DataFrame(rows).assign(edit=np.arange(len(rows)))


def make_pixels(key: pd.DataFrame, seed: int, size: int = 16) -> dict[str, np.ndarray]:
    """Noise for GANimation, smooth pictures for DefGAN and the inputs: compressed, their sizes tell them apart."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (len(key), size, size, 3), np.uint8)
    smooth = np.broadcast_to(np.arange(size, dtype=np.uint8)[:, None, None] * 8, noise.shape[1:])
    pairs = zip(key["image"], key["method"], noise, strict=True)
    return {name: pixels if method == "ganimation" else smooth // 8 * 8 for name, method, pixels in pairs}


def make_options(params, **changes) -> UserStudyParams:
    return UserStudyParams.model_validate(params.user_study.model_dump() | changes)


def make_keys(options: UserStudyParams, people: int = 80) -> dict[int, pd.DataFrame]:
    faces = make_faces(2 * people)
    plan = make_plan(faces)
    return {1: rated_images(plan, options), 2: compared_images(plan, faces, options)}


@pytest.fixture
def keys(params) -> dict[int, pd.DataFrame]:
    return make_keys(params.user_study)


@pytest.fixture
def bundles(tmp_path, keys) -> dict[str, Study]:
    """Both bundles below tmp_path, and the studies by their ids."""
    studies = {}
    for stage, key in keys.items():
        bundle = write_bundle(tmp_path / f"stage{stage}", stage, key, make_pixels(key, stage), CONSENT, "")
        studies[bundle] = Study(stage, key.astype({"edit": str}))
    return studies


def answer_of(study: Study, question: str, rng: np.random.Generator, share: float = 0.63) -> dict:
    """A made-up answer: ratings at random, votes for DefGAN with the given probability."""
    rows = study.key[study.key["question"] == question].set_index("method")
    if study.stage == 1:
        return {"question": question, "answer": int(rng.integers(1, 5))}
    method = METHODS[int(rng.random() > share)]
    left = rows["image"][METHODS[int(rng.random() > 0.5)]]
    return {"question": question, "answer": rows["image"][method], "left": left}


def make_response(bundle: str, study: Study, participant: str, seed: int = 0, /, **changes) -> dict:
    """A whole response as the form saves it."""
    rng = np.random.default_rng([seed, study.stage])
    questions = sorted(study.key["question"].unique())
    answers = [answer_of(study, name, rng) | {"shown": i + 1, "milliseconds": 900} for i, name in enumerate(questions)]
    return {
        "format": "expression-study/1",
        "bundle": bundle,
        "stage": study.stage,
        "participant": participant,
        "response": f"r{study.stage}{participant}{seed}",
        "made_up": False,
        "mirrored": False,
        "started": "2026-01-01T10:00:00.000Z",
        "saved": "2026-01-01T10:05:00.000Z",
        "answers": answers,
        "comment": "",
    } | changes


def as_json(response: dict) -> str:
    """In the form's layout: a line per answer."""
    head = [
        f"  {json.dumps(key)}: {json.dumps(value)}"
        for key, value in response.items()
        if key not in ("answers", "comment")
    ]
    lines = ",\n".join(f"    {json.dumps(answer, ensure_ascii=False)}" for answer in response["answers"])
    comment = json.dumps(response["comment"], ensure_ascii=False)
    return "{\n" + ",\n".join(head) + f',\n  "answers": [\n{lines}\n  ],\n  "comment": {comment}\n}}\n'


def compared(participants=40, share=0.63, seed=0, questions=16) -> pd.DataFrame:
    """Answers of stage 2 without a form; `share` of the votes are for DefGAN."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(participants):
        for j in range(questions):
            first = rng.random() < share
            rows.append(
                {
                    "stage": 2,
                    "participant": f"p{i}",
                    "question": f"q{j:02d}",
                    "image_id": f"f{j}",
                    "expression": EXPRESSIONS[j % 6],
                    "method": "defgan" if first else "ganimation",
                    "side": ("left", "right")[rng.integers(2)],
                    "rating": None,
                }
            )
    return pd.DataFrame(rows)
