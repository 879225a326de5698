"""The truth of the planned edits, and the true images measured like edits."""

import json

import numpy as np
import pytest

from defgan.errors import MissingInputError
from defgan.evaluation.truth import Truth, read_truth, truth_as_edits
from tests.stages.conftest import blobs, make_plan


def test_truth_is_known_of_some_roles_and_named_where_it_is_missing(tmp_path):
    plan = make_plan(1)
    (tmp_path / "truth.json").write_text(json.dumps({"known": ["rafd"]}))
    with pytest.raises(MissingInputError, match=r"true\.npy"):
        read_truth(tmp_path, plan)
    np.save(tmp_path / "true.npy", np.zeros((len(plan), 8, 8, 3), np.uint8))
    assert read_truth(tmp_path, plan).known.tolist() == (plan["role"] == "rafd").tolist()
    assert 0 < read_truth(tmp_path, plan).known.sum() < len(plan)
    with pytest.raises(MissingInputError, match=f"{len(plan)} entries for {len(plan) - 1}"):
        read_truth(tmp_path, plan[1:])


def test_the_known_true_images_are_the_edits_of_a_perfect_method():
    plan = make_plan(1)
    known = (plan["role"] == "rafd").to_numpy()
    images = blobs(len(plan), 8, seed=0)
    edits, truth = truth_as_edits(Truth(images, known), plan)
    assert edits.frame["edit"].tolist() == plan.loc[known, "edit"].tolist()
    np.testing.assert_array_equal(edits.final, images[known])
    assert not truth.known.any() and len(truth.known) == known.sum()
