"""Per-edit measurements and their summary."""

import numpy as np
import pytest

from defgan.evaluation.edits import Edits
from defgan.evaluation.measures import ActionUnits, per_image, summarise
from defgan.evaluation.truth import Truth
from defgan.facs import AU_NAMES
from tests.stages.conftest import blobs, make_plan


@pytest.fixture
def measured():
    """Edits that are half way to the truth, with identity distances that name their row; truth known."""
    plan = make_plan(faces=2)
    inputs = blobs(len(plan), 32, seed=0) // 2
    true = inputs + np.uint8(100)
    offsets = np.zeros((len(plan), 32, 32, 2), np.float16)
    offsets[..., 0], offsets[..., 1] = 3, 4
    mask = np.full((len(plan), 32, 32), 51, np.uint8)
    edits = Edits(plan, final=inputs + np.uint8(50), deformed=inputs, mask=mask, offsets=offsets)
    asked = plan[list(AU_NAMES)].to_numpy(np.float32)
    aus = ActionUnits(present=np.zeros_like(asked), predicted=asked / 2)
    return edits, inputs, Truth(true, np.ones(len(plan), bool)), np.arange(len(plan), dtype=float), aus


def test_columns(measured):
    table = per_image(*measured)
    assert "AU01" not in table and {"edit", "set", "image_id", "expression", "instance", "alpha"} <= set(table)
    assert table["mean_offset"].tolist() == pytest.approx([5.0] * len(table))
    assert table["mean_mask"].tolist() == pytest.approx([0.2] * len(table))
    assert table["err_copy"].tolist() == pytest.approx([100 / 255] * len(table))
    for change in ("change", "background_change"):
        assert table[change].tolist() == pytest.approx([50 / 255] * len(table))
    # A change that is spread evenly falls into the regions as they fill the image.
    asked = table["alpha"] > 0
    np.testing.assert_allclose(table["concentration"][asked], table["region_share"][asked])
    assert table["concentration"].isna().tolist() == (~asked).tolist()
    np.testing.assert_array_equal(table["predicted_AU12"], table["asked_AU12"] / 2)
    assert table["psnr"].tolist() == pytest.approx([20 * np.log10(255 / 50)] * len(table))


def test_only_the_expressions_set_counts(measured):
    table = per_image(*measured)
    summary = summarise(table)
    assert summary["images"] == 12 and len(table) > 12
    assert summary["identity"] == pytest.approx(np.arange(12).mean())
    assert summary["identity_by_expression"]["anger"] == 3  # rows 0 and 6
    table.loc[table["set"] != "expressions", ["identity", "err_final", "err_copy"]] = 1e6
    assert summarise(table) == summary


def test_gains(measured):
    summary = summarise(per_image(*measured))
    assert summary["gain_final"] == pytest.approx(0.5)
    assert summary["gain_deformed"] == 0
    assert set(summary["gain_final_by_expression"].values()) == {0.5}
    assert summary["images_without_change"] == 0
    means = measured[0].frame.query("set == 'expressions'")[list(AU_NAMES)].to_numpy().mean(0)
    assert summary["au_error"] == pytest.approx((means / 2).mean(), abs=1e-6) and summary["images_without_face"] == 0


def test_images_in_which_nothing_changes_are_counted(measured):
    edits, inputs, truth, identity, aus = measured
    truth.images[0] = inputs[0]
    summary = summarise(per_image(edits, inputs, truth, identity, aus))
    assert summary["images_without_change"] == 1 and summary["images"] == 12


def test_errors_are_known_where_the_truth_is(measured):
    edits, inputs, truth, identity, aus = measured
    known = (edits.frame["role"] == "wild").to_numpy()
    table = per_image(edits, inputs, Truth(truth.images, known), identity, aus)
    assert table["err_copy"].notna().tolist() == table["err_final"].notna().tolist() == known.tolist()
    assert summarise(table) == summarise(per_image(*measured))


def test_without_truth_and_optional_fields_the_numbers_are_null(measured):
    edits, inputs, truth, identity, aus = measured
    unknown = Truth(np.zeros_like(truth.images), np.zeros(len(inputs), bool))
    plain = Edits(edits.frame, edits.final, deformed=None, mask=None, offsets=None)
    summary = summarise(per_image(plain, inputs, unknown, identity, aus))
    for key in ("gain_final", "gain_deformed", "images_without_change", "mean_offset", "mean_mask"):
        assert summary[key] is None
    assert set(summary["gain_final_by_expression"].values()) == {None}
    assert summary["identity"] is not None
