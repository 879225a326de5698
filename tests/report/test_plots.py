"""Plots: colours, axes and intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from defgan.facs import EXPRESSIONS
from defgan.report import plots
from defgan.report.style import METHOD_COLOURS, figure_style, save


@pytest.fixture(autouse=True)
def styled():
    with figure_style():
        yield


def table(seed: int, gain: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"expression": np.repeat(EXPRESSIONS, 20), "identity": rng.uniform(0.1, 0.2, 120)})
    rows["err_copy"] = rng.uniform(0.1, 0.3, 120)
    return rows.assign(err_final=rows["err_copy"] * (1 - gain), err_deformed=np.nan)


def test_identity_axis_names_the_distance_and_starts_at_zero():
    figure = plots.identity_by_expression({"defgan": table(0, 0), "ganimation": table(1, 0)}, "1 − cos, some network")
    axes = figure.axes[0]
    assert "1 − cos, some network" in axes.get_ylabel()
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 0.2
    assert [label.get_text() for label in axes.get_xticklabels()] == list(EXPRESSIONS)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["DefGAN", "GANimation"]
    assert "120 edits per method" in axes.get_xlabel()


def test_gain_bars_have_the_methods_colours_and_the_ratio_of_means():
    figure = plots.gain_by_expression({"defgan": table(0, 0.25), "ganimation": table(1, -0.5)})
    bars = {}
    for bar in figure.axes[0].patches:
        bars.setdefault(to_hex(bar.get_facecolor()).upper(), []).append(bar.get_height())
    # Six expressions and all.
    assert bars[METHOD_COLOURS["defgan"]] == pytest.approx([0.25] * 7)
    assert bars[METHOD_COLOURS["ganimation"]] == pytest.approx([-0.5] * 7)


def test_bootstrap_interval_covers_the_gain_and_shrinks_with_more_images():
    rng = np.random.default_rng(0)
    copied = rng.uniform(0.1, 0.3, 2000)
    errors = copied * 0.8 + rng.normal(0, 0.05, 2000)
    value, low, high = plots._gain_interval(errors, copied)
    assert low < value < high and low < 0.2 < high
    _, few_low, few_high = plots._gain_interval(errors[:50], copied[:50])
    assert few_high - few_low > 3 * (high - low)


def test_each_logged_loss_has_a_panel_and_logarithms_only_where_they_can_be():
    steps = np.arange(1, 11)
    curves = {
        "defgan": pd.DataFrame(
            {"step": steps, "cyc": 10.0 ** -(steps / 3), "critic_d": -steps, "id": 0.5 + steps / 100}
        ),
        "ganimation": pd.DataFrame({"step": steps, "cyc": 10.0 ** -(steps / 4), "critic_d": steps, "mask": 1 / steps}),
    }
    figure = plots.training_curves(curves)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == ["cyc  (eq. 11)", "critic_d  (eq. 7)", "id  (eq. 12)", "mask"]
    assert panels["cyc  (eq. 11)"].get_yscale() == "log"
    assert panels["critic_d  (eq. 7)"].get_yscale() == panels["id  (eq. 12)"].get_yscale() == "linear"
    drawn = [line.get_color() for line in panels["cyc  (eq. 11)"].lines]
    assert drawn == [METHOD_COLOURS["defgan"], METHOD_COLOURS["ganimation"]]


def test_saved_plots_are_a_png_and_a_pdf_with_the_same_bytes_each_time(tmp_path):
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        figure = plots.gain_by_expression({"defgan": table(0, 0.25)})
        written.append(save(figure, tmp_path / name, "gain", photographs=False))
    assert [path.name for path in written[0]] == ["gain.png", "gain.pdf"]
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]


def test_saved_photographs_keep_their_look_in_256_colours(tmp_path):
    gradient = np.stack(np.broadcast_arrays(np.arange(256)[:, None], np.arange(256)[None], 128), axis=-1).astype(
        np.uint8
    )
    figure = plt.figure(figsize=(256 / 150, 256 / 150), dpi=150)
    figure.figimage(gradient)
    (path,) = save(figure, tmp_path, "photo", photographs=True)
    read = plt.imread(path)[..., :3] * 255
    blocks = read.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3)) - gradient.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3))
    assert np.abs(blocks).max() < 10
