import pytest

from defgan.facs import EXPRESSIONS


def test_identity_is_compared_in_pairs(pages):
    page = pages["identity_by_expression"]
    assert page.numbers["expression"].tolist() == [*EXPRESSIONS, "all"]
    assert page.numbers["improvement"].to_numpy() == pytest.approx([0.5] * 7, abs=0.06)
    # The smallest p that six people allow is 2 / 2⁶; six of them corrected.
    assert page.numbers["p"].to_numpy() == pytest.approx([2 / 64] * 7)
    assert page.numbers["p_holm"].to_numpy()[:6] == pytest.approx([12 / 64] * 6)
    assert list(page.table) == [
        *("expression", "images", "GANimation ↓", "DefGAN ↓", "relative improvement, % ↑", "p (Wilcoxon, Holm)"),
        *("GANimation supervised ↓", "DefGAN supervised ↓", "relative improvement of DefGAN supervised, % ↑"),
        "p of DefGAN supervised (Wilcoxon, Holm)",
        *("StarGAN (App. F) ↓", "True image ↓"),
    ]
    assert "of DefGAN against GANimation" in page.caption
