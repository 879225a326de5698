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


def test_truth_that_is_not_available_or_promised_but_missing(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps({"available": False}))
    assert read_truth(tmp_path, 3) is None
    (tmp_path / "truth.json").write_text(json.dumps({"available": True}))
    with pytest.raises(UserError, match=r"true\.npy"):
        read_truth(tmp_path, 3)


def test_subsample_is_seeded_and_without_repetition():
    assert subsample(5, 10, seed=0).tolist() == [0, 1, 2, 3, 4]
    chosen = subsample(100, 10, seed=0)
    assert len(set(chosen)) == 10 and chosen.tolist() == sorted(chosen)
    assert chosen.tolist() == subsample(100, 10, seed=0).tolist() != subsample(100, 10, seed=1).tolist()
