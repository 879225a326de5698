import numpy as np
import pytest


def test_motion_has_rows_for_expressions_and_single_aus(pages):
    numbers = pages["motion"].numbers.query("method == 'defgan'").set_index(["set", "group"])
    assert numbers.loc[("expressions", "all"), "images"] == 36
    assert numbers.loc[("au", "AU12"), "images"] == 4  # two faces, two intensities above 0
    assert numbers.loc[("au", "AU12"), "epe"] == 1.5 and np.isnan(numbers.loc[("au", "AU01"), "epe"])
    assert set(pages["motion"].table["error removed, % ↑"][:7]) == {"+25.0"}


def test_a_column_tells_the_methods_apart_and_the_caption_says_which_never_saw_motion(pages):
    page = pages["motion"]
    assert list(page.numbers["method"].unique()) == ["defgan", "defgan_supervised"]
    assert list(page.table["method"].unique()) == ["DefGAN", "DefGAN supervised (by rendered pairs)"]
    assert "DefGAN and DefGAN supervised" in page.caption
    assert "The training of DefGAN sees no true motion." in page.caption
    own = page.numbers[page.numbers["method"] == "defgan_supervised"]
    assert own["epe"].head(7).tolist() == pytest.approx([0.5] * 7)
