"""`check` lists all that a whole experiment lacks, each with its remedy."""

import numpy as np
import pytest
from PIL import Image

from defgan import readiness
from defgan.errors import UserError
from defgan.facs import EXPRESSIONS
from defgan.params import Params
from defgan.records import Record
from tests.conftest import changed


@pytest.fixture
def at_hand(monkeypatch, tmp_path):
    """All weights are there but those that a test names; the current directory is empty."""
    lacking: set[str] = set()

    def found(name: str):
        if name in lacking:
            raise UserError(f"{name}: cannot be downloaded")

    monkeypatch.setattr(readiness, "weights_path", found)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/consent.txt").write_text("I agree.")
    (tmp_path / "responses").mkdir()
    return lacking


def with_changes(params: Params, **changes) -> Params:
    return Params.model_validate(changed(params.model_dump(), changes))


def test_the_default_experiment_needs_nothing_from_outside(params, at_hand):
    assert readiness.problems(params) == []


def test_missing_weights_are_named_once_with_all_that_need_them(params, at_hand):
    at_hand |= {"dlib-resnet-128", "mtcnn-pnet", "facenet-vggface2"}
    found = readiness.problems(params)
    assert found == ["training.embedder, evaluate.embedder: dlib-resnet-128: cannot be downloaded"]
    more = with_changes(params, **{"evaluate.more_embedders": ["facenet-vggface2"], "lambda_id": 0.0})
    assert readiness.problems(more) == [
        "evaluate.embedder: dlib-resnet-128: cannot be downloaded",
        "evaluate.more_embedders: facenet-vggface2: cannot be downloaded",
    ]


def test_folders_packages_and_texts_are_looked_for(params, at_hand, tmp_path):
    (tmp_path / "docs/consent.txt").unlink()
    (tmp_path / "responses").rmdir()
    (tmp_path / "photographs/anna").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "photographs/anna/1.png")
    source = {"path": "photographs", "layout": "folder", "points": "annotations", "action_units": "annotations"}
    found = readiness.problems(
        with_changes(params, **{"data.wild": source, "data.train": source | {"path": "nowhere"}})
    )
    expected = (
        "data.train: nowhere: no such folder",
        "data.wild.points: no photograph of photographs is annotated with points; choose mtcnn",
        "data.wild.action_units: no photograph of photographs is annotated",
        "plan.grid_faces: 8 faces of distinct people are needed, but 1 of data.wild are edited",
        "plan.sweep_faces: 3 faces",
        "plan.au_faces: 8 faces",
        "user_study.images_per_method: 20 faces",
        "user_study.questions: 16 faces",
        "user_study.consent: docs/consent.txt: no such file",
        "user_study.responses: responses: no such folder",
    )
    assert len(found) == len(expected)
    for sentence, start in zip(found, expected, strict=True):
        assert sentence.startswith(start), sentence


def test_people_without_all_expressions_lend_nothing(params):
    def records(role: str, people: int, expressions: tuple[str, ...]) -> list[Record]:
        return [Record("a", "a", f"{role}{i}", expression) for i in range(people) for expression in expressions]

    faces = {"rafd": records("r", 60, EXPRESSIONS), "mug": records("m", 3, EXPRESSIONS[1:])}
    found = list(readiness.people_problems(params, faces))
    assert found == [
        "plan.rafd_faces: 3 people of rafd must show all expressions, but 0 do;"
        " add the missing photographs to data.rafd, or lower it",
        "data.mug: 1 people of mug must show all expressions, but 0 do;"
        " add the missing photographs to data.mug, or lower it",
    ]
