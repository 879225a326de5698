"""Prepared roles, read back."""

import numpy as np
import pandas as pd
import pytest

from defgan.errors import MissingInputError, UserError
from defgan.faces.table import read_faces, read_inputs
from tests.stages.conftest import blobs, write_role


def test_inputs_are_aligned_with_a_plan_of_mixed_roles(tmp_path):
    pixels = {role: blobs(8, 8, seed) for seed, role in enumerate(("wild", "rafd"))}
    for role, images in pixels.items():
        write_role(tmp_path / role, role, images)
    plan = pd.DataFrame({"role": ["rafd", "wild", "rafd", "wild", "wild"], "row": [7, 3, 0, 3, 1]})
    inputs = read_inputs(plan, tmp_path)
    assert inputs.frame["image_id"].tolist() == ["rafd007", "wild003", "rafd000", "wild003", "wild001"]
    assert inputs.frame["row"].tolist() == [0, 1, 2, 3, 4] == inputs.frame.index.tolist()
    expected = [pixels[role][row] for role, row in zip(plan["role"], plan["row"], strict=True)]
    np.testing.assert_array_equal(inputs.pixels, expected)


def test_a_role_that_is_not_prepared_is_a_missing_input(tmp_path):
    with pytest.raises(MissingInputError, match=r"wild/faces\.parquet: no such file"):
        read_faces(tmp_path / "wild")


def test_rows_and_pixels_of_different_length_are_refused(tmp_path):
    write_role(tmp_path, "wild", blobs(3, 8, 0))
    np.save(tmp_path / "pixels.npy", blobs(2, 8, 0))
    with pytest.raises(UserError, match="3 rows but 2 images"):
        read_faces(tmp_path)
