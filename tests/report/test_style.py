"""Saved figures: the same bytes each time, photographs in few colours, settings as before."""

import subprocess
import sys

import matplotlib
import matplotlib.image
import numpy as np
from matplotlib.figure import Figure

from defgan.report.names import colour
from defgan.report.style import figure_style, lighter, save
from tests.conftest import ROOT


def test_saved_plots_are_a_png_and_a_pdf_with_the_same_bytes_each_time(tmp_path):
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with figure_style():
            figure = Figure(figsize=(3, 2), layout="constrained")
            figure.subplots().plot([0, 1], [1, 0], color=colour("defgan"))
            written.append(save(figure, tmp_path / name, "plot", photographs=False))
    assert [path.name for path in written[0]] == ["plot.png", "plot.pdf"]
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]


def test_saved_photographs_keep_their_look_in_256_colours(tmp_path):
    ramp = np.arange(256)
    gradient = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], 128), axis=-1).astype(np.uint8)
    with figure_style():
        figure = Figure(figsize=(256 / 150, 256 / 150), dpi=150)
        figure.figimage(gradient)
        (path,) = save(figure, tmp_path, "photo", photographs=True)
    shown = matplotlib.image.imread(path)[..., :3] * 255
    blocks = shown.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3)) - gradient.reshape(16, 16, 16, 16, 3).mean(axis=(1, 3))
    assert np.abs(blocks).max() < 10


def test_the_settings_of_before_come_back():
    before = matplotlib.rcParams["savefig.dpi"]
    with figure_style():
        assert matplotlib.rcParams["savefig.dpi"] == 150
    assert matplotlib.rcParams["savefig.dpi"] == before


def test_a_lighter_colour_lies_half_way_to_white():
    assert lighter("#000000") == "#808080" and lighter("#ffffff") == "#ffffff"


def test_the_backend_is_left_alone():
    program = (
        "import matplotlib; matplotlib.use('svg'); import sys;"
        "from defgan.report import canvas, style; from defgan.report.figures import every; every();"
        "assert matplotlib.get_backend() == 'svg'"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
