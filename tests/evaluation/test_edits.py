"""Edits on disk: what is written is what the method made, in the plan's order, and is read again."""

import numpy as np
import pandas as pd
import pytest
import torch

from defgan.errors import MissingInputError
from defgan.evaluation import edits
from defgan.evaluation.edits import COUNTED_SET, PERSON_SET, Edits, arrays_of, read_edits
from defgan.evaluation.evaluate import counted_edits, distance_set
from defgan.faces.table import Faces
from defgan.methods.base import Edit
from defgan.methods.model import load
from defgan.warp import identity_grid
from tests.stages.conftest import blobs, make_plan, write_edits


def test_missing_edits_are_named(tmp_path):
    with pytest.raises(MissingInputError, match=r"ganimation/edits\.parquet: no such file"):
        read_edits(tmp_path / "ganimation")
    write_edits(tmp_path / "copy", make_plan(1))
    with pytest.raises(MissingInputError, match=r"copy/final\.npy: no such file"):
        read_edits(tmp_path / "copy")


def test_an_array_of_another_length_is_refused(tmp_path):
    plan = make_plan(1)
    write_edits(tmp_path / "copy", plan, final=np.zeros((len(plan) - 1, 8, 8, 3), np.uint8))
    with pytest.raises(MissingInputError, match=f"{len(plan) - 1} entries for {len(plan)}"):
        read_edits(tmp_path / "copy")


def test_table_1_measures_the_edits_to_one_person_where_they_are_planned():
    plan = make_plan(1)
    own = plan[plan["set"] == COUNTED_SET].assign(set=PERSON_SET)
    both = pd.concat([plan, own], ignore_index=True)
    for frame, expected in ((plan, COUNTED_SET), (both, PERSON_SET)):
        made = Edits(frame, np.zeros((len(frame), 4, 4, 3), np.uint8), None, None, None)
        assert distance_set(made) == expected and counted_edits(made).sum() == len(own)


@pytest.mark.parametrize("batch_size", [4, 1000])
def test_copies_are_written_in_the_plans_order_whatever_the_batch(tmp_path, batch_size):
    plan = make_plan(1)
    pixels = blobs(len(plan), 16, seed=0)
    edits.write_edits(tmp_path, load("copy"), Faces(plan, pixels), plan, batch_size)
    found = read_edits(tmp_path)
    np.testing.assert_array_equal(found.final, pixels)
    pd.testing.assert_frame_equal(found.frame, plan)
    assert found.deformed is None and found.mask is None and found.offsets is None


class Recorder(torch.nn.Module):
    """Keeps what it is told, and returns the input."""

    def __init__(self):
        super().__init__()
        self.method, self.told = load("copy").method, []

    def edit(self, images, x, y):
        self.told.append((images, x, y))
        return Edit(images)


def test_a_model_is_given_the_inputs_and_the_targets_condition(tmp_path):
    plan, model = make_plan(1), Recorder()
    pixels = blobs(len(plan), 16, seed=0)
    present = plan.assign(AU12=0.25)
    edits.write_edits(tmp_path, model, Faces(present, pixels), plan, 7)
    images, x, y = (torch.cat(parts).numpy() for parts in zip(*model.told, strict=True))
    assert max(len(batch[0]) for batch in model.told) == 7 and len(images) == len(plan)
    assert images.min() == pixels.min() / 127.5 - 1 and images.shape[1:] == (3, 16, 16)
    condition = model.method.condition
    np.testing.assert_array_equal(x, condition.of(present))
    np.testing.assert_array_equal(y, condition.of(plan))


def test_every_field_has_its_unit():
    grid = identity_grid(8, 8).repeat(2, 1, 1, 1) + torch.tensor([2 / 128, 0])  # one pixel of 128 to the right
    image = torch.full((2, 3, 8, 8), -1.0)
    arrays = arrays_of(Edit(image, image + 2, grid, torch.full((2, 1, 8, 8), 0.2), image + 1))
    assert (arrays["final"] == 0).all() and (arrays["deformed"] == 255).all() and (arrays["mask"] == 51).all()
    assert arrays["final"].shape == arrays["texture"].shape == (2, 8, 8, 3) and arrays["mask"].shape == (2, 8, 8)
    assert arrays["offsets"].dtype == np.float16
    np.testing.assert_allclose(arrays["offsets"], np.broadcast_to((1, 0), (2, 8, 8, 2)), atol=1e-3)
