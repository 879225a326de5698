"""AU fidelity, control by α and cross-talk of a method that gives three quarters of the target."""

import numpy as np
import pytest

from defgan.facs import AU_NAMES, EXPRESSIONS, preset


def test_fidelity_and_control(pages):
    numbers = pages["au_fidelity"].numbers.set_index(["method", "au"])
    mean = np.mean([preset(name)[AU_NAMES.index("AU12")] for name in EXPRESSIONS])
    assert numbers.loc[("defgan", "AU12"), "error"] == pytest.approx(0.25 * mean)
    assert numbers.loc[("truth", "AU12"), ["error", "icc", "slope"]].tolist() == pytest.approx([0, 1, 1])
    assert numbers.loc[("defgan", "AU12"), "slope"] == pytest.approx(0.75)
    table = pages["au_fidelity"].table
    assert table["AU"].iloc[-1] == "mean" and len(table) == 18
    assert "slope DefGAN" in table and "slope StarGAN (App. F)" not in table
    control = pages["control"].numbers.set_index("method")
    assert control["slope"].to_dict() == pytest.approx(
        {
            **{"copy": 0, "ganimation": 0, "defgan": 0.75, "stargan": 0},
            **{"ganimation_supervised": 0, "defgan_supervised": 0.9, "truth": 1},
        }
    )


def test_cross_talk_is_a_block_per_method_that_is_told_aus(pages):
    page = pages["cross_talk"]
    told = {"ganimation", "defgan", "ganimation_supervised", "defgan_supervised"}
    assert set(page.numbers["method"]) == {*told, "truth"} and len(page.table) == 2 * 5
    cells = page.table[page.table["method"] == "DefGAN"].set_index("asked")
    assert cells.loc["AU12", "12"] == "+0.75" and cells.loc["AU12", "04"] == "+0.00"
