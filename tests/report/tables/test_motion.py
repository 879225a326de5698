import numpy as np
import pytest

from defgan import methods
from defgan.report.tables import motion
from tests.report.made_up import measurements


def test_motion_has_rows_for_expressions_and_single_aus(pages):
    numbers = pages["motion"].numbers.set_index(["set", "group"])
    assert numbers.loc[("expressions", "all"), "images"] == 36
    assert numbers.loc[("au", "AU12"), "images"] == 4  # two faces, two intensities above 0
    assert numbers.loc[("au", "AU12"), "epe"] == 1.5 and np.isnan(numbers.loc[("au", "AU01"), "epe"])
    assert set(pages["motion"].table["error removed, % ↑"][:7]) == {"+25.0"}
    assert "method" not in pages["motion"].table


def test_a_column_tells_several_methods_apart(monkeypatch):
    monkeypatch.setattr(type(methods.get("stargan")), "deforms", True)
    made = measurements()
    page = motion.page(made)
    assert list(page.numbers["method"].unique()) == ["defgan", "stargan"]
    assert list(page.table["method"].unique()) == ["DefGAN", "StarGAN (App. F)"]
    assert "DefGAN and StarGAN" in page.caption
    own = page.numbers[page.numbers["method"] == "defgan"]
    assert own["epe"].head(7).tolist() == pytest.approx([1.5] * 7)
