import numpy as np
import pandas as pd
import pytest

from defgan.report.markup import NOT_AVAILABLE
from defgan.report.tables.truth import gain_interval


def test_truth_has_a_row_per_image_and_no_true_image(pages):
    table = pages["truth"].table
    assert list(zip(table["method"], table["image"], strict=True)) == [
        ("Copy-input", "final"),
        ("GANimation", "final"),
        ("DefGAN", "final"),
        ("DefGAN", "deformed"),
        ("StarGAN (App. F)", "final"),
        ("GANimation supervised (by rendered pairs)", "final"),
        ("DefGAN supervised (by rendered pairs)", "final"),
        ("DefGAN supervised (by rendered pairs)", "deformed"),
    ]
    numbers = pages["truth"].numbers.set_index(["method", "image"])
    assert numbers.loc[("copy", "final"), "gain_all"] == 0
    assert numbers.loc[("defgan", "deformed"), ["gain_all", "gain_sad_low"]].tolist() == pytest.approx([0.5, 0.5])
    row = numbers.loc[("defgan", "final")]
    assert row["gain_all_low"] < row["gain_all"] < row["gain_all_high"]
    assert table.loc[3, "PSNR, dB ↑"] == NOT_AVAILABLE


def test_people_are_resampled_not_images():
    rng = np.random.default_rng(0)
    people, each = 20, 50
    copied = np.full(people * each, 0.2)
    # All edits of a person are equally good: many edits of few people tell no more than one edit of each.
    errors = copied * (0.8 + np.repeat(rng.normal(0, 0.1, people), each))
    table = pd.DataFrame({"subject": np.repeat(np.arange(people), each), "err_copy": copied, "err_final": errors})
    value, low, high = gain_interval(table, "err_final")
    assert value == pytest.approx(1 - errors.mean() / 0.2) and low < value < high
    assert gain_interval(table.drop_duplicates("subject"), "err_final") == pytest.approx((value, low, high))
    as_if_independent = table.assign(subject=np.arange(len(table)))
    _, image_low, image_high = gain_interval(as_if_independent, "err_final")
    assert high - low > 4 * (image_high - image_low)


def test_nothing_is_known_without_true_images():
    table = pd.DataFrame({"subject": ["a", "b"], "err_copy": [np.nan, np.nan], "err_final": [np.nan, np.nan]})
    assert np.isnan(gain_interval(table, "err_final")).all()
