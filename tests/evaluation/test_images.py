"""Reading edits, and the reference's subsample."""

import json

import numpy as np
import pytest

from defgan.errors import UserError
from defgan.evaluation.images import read_edits, read_truth, subsample
from tests.stages.conftest import make_plan, write_edits


def test_missing_edits_name_the_stage_that_makes_them(tmp_path):
    with pytest.raises(UserError, match="evaluate@ganimation"):
        read_edits(tmp_path / "ganimation")


def test_an_array_of_another_length_is_refused(tmp_path):
    plan = make_plan(1)
    write_edits(tmp_path / "copy", plan, final=np.zeros((len(plan) - 1, 8, 8, 3), np.uint8))
    with pytest.raises(UserError, match=f"{len(plan) - 1} entries for {len(plan)}"):
        read_edits(tmp_path / "copy")


def test_optional_fields_are_none_where_a_method_has_none(tmp_path):
    plan = make_plan(1)
    write_edits(tmp_path / "copy", plan, final=np.zeros((len(plan), 8, 8, 3), np.uint8))
    edits = read_edits(tmp_path / "copy")
    assert edits.deformed is None and edits.mask is None and edits.offsets is None
    assert len(edits.final) == len(edits.frame)


def test_truth_is_known_of_some_roles_and_named_where_it_is_missing(tmp_path):
    plan = make_plan(1)
    (tmp_path / "truth.json").write_text(json.dumps({"known": ["rafd"]}))
    with pytest.raises(UserError, match=r"true\.npy"):
        read_truth(tmp_path, plan)
    np.save(tmp_path / "true.npy", np.zeros((len(plan), 8, 8, 3), np.uint8))
    assert read_truth(tmp_path, plan).known.tolist() == (plan["role"] == "rafd").tolist()
    assert 0 < read_truth(tmp_path, plan).known.sum() < len(plan)
    with pytest.raises(UserError, match=f"{len(plan)} entries for {len(plan) - 1}"):
        read_truth(tmp_path, plan[1:])


def test_subsample_is_seeded_and_without_repetition():
    assert subsample(5, 10, seed=0).tolist() == [0, 1, 2, 3, 4]
    chosen = subsample(100, 10, seed=0)
    assert len(set(chosen)) == 10 and chosen.tolist() == sorted(chosen)
    assert chosen.tolist() == subsample(100, 10, seed=0).tolist() != subsample(100, 10, seed=1).tolist()
