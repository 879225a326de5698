"""The table and the figure of the ablations say what was measured, and against what."""

import matplotlib.pyplot as plt
import pytest

from defgan.report import markup
from tests.conftest import ROOT
from tests.report.made_up import DATA, metrics
from tools import ablation_table as report
from tools.ablation_params import load_ablations

NAMES = ("full", "no-texture", "max-offset-2")


def rows(*values, names=NAMES):
    declared = {entry.name: entry for entry in load_ablations(ROOT / "ablations.yaml", ROOT / "params.yaml")}
    measured = [{"mean_offset": 0.5, "mean_mask": 0.02} | value for value in values]
    return [
        report.Row(declared[name], f"ablation-{name}", "0" * 40, value)
        for name, value in zip(names, measured, strict=False)
    ]


@pytest.fixture
def three():
    values = [metrics(0.1, 0.2), metrics(0.05, 0.05), metrics(0.12, 0.1)]
    values[1] |= {"frechet": 15.0, "identity": 0.02}
    return rows(*values)


def test_differences_are_against_the_full_model(three):
    table = report.table(three).set_index("ablation")
    frechet = "Fréchet distance (EfficientNet-Lite0 features) ↓"
    assert table[frechet].tolist() == ["12.35", "15.00 (+2.65)", "12.35 (+0.00)"]
    assert table["gain over copying, final ↑"].tolist() == ["+0.100", "+0.050 (-0.050)", "+0.120 (+0.020)"]
    assert table["experiment"].tolist() == [f"ablation-{name}" for name in NAMES]
    frame = report.frame(three).set_index("ablation")
    assert frame["gain_deformed_difference"].tolist()[1:] == pytest.approx([-0.15, -0.1])
    assert frame["gain_deformed_difference"].isna()["full"]
    assert frame.loc["no-texture", "frechet"] == 15.0 and frame["iterations"].nunique() == 1


def test_without_the_full_model_there_are_no_differences(three):
    table = report.table(three[1:])
    assert not table["gain over copying, final ↑"].str.contains("(", regex=False).any()
    assert report.frame(three[1:])["frechet_difference"].isna().all()
    assert "In brackets" not in report.caption(three[1:], DATA)


def test_what_photographs_cannot_tell_is_not_available():
    found = rows(metrics(None), metrics(None))
    table = report.table(found)
    assert set(table["gain over copying, final ↑"]) == set(table["gain over copying, deformed ↑"]) == {markup.NO_TRUTH}
    assert report.frame(found)["gain_final"].isna().all()
    assert len(report.figure(found).axes) == 2
    assert "no truth" in report.one_line(found[0].metrics)
    plt.close("all")


def test_the_caption_names_training_networks_and_reference(three):
    batches = three[0].ablation.params.training.batches
    text = report.caption(three, DATA)
    for part in (f"{batches} batches", f"{three[0].iterations} generator", "EfficientNet-Lite0", "DefGAN, full"):
        assert part in text


def test_the_figure_shows_every_ablation_in_order(three):
    figure = report.figure(three)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [row.ablation.label for row in three] and len(figure.axes) == 3
    for axes, keys in zip(figure.axes, (["frechet"], ["identity"], ["gain_deformed", "gain_final"]), strict=True):
        drawn = [dots.get_offsets().data.tolist() for dots in axes.collections]
        assert drawn == [[[row.metrics[key], place] for place, row in enumerate(three)] for key in keys]
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1]
    plt.close(figure)


def test_latex_escapes_what_it_does_not_take(three):
    page = markup.latex(report.table(three), "50 % & more", "a_b")
    assert r"50 \% \& more" in page and r"a\_b" in page and r"$\downarrow$" in page and "−" not in page
    assert page.count(r"\\") == len(three) + 1
