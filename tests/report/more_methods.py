"""Draws tables, figures and sliders with two more methods than there are; run by test_more_methods.py."""

import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pandas as pd

from defgan import methods
from defgan.methods.defgan import DefGAN
from defgan.methods.ganimation import GANimation


class Pupil(DefGAN):
    name = "defgan_supervised"
    label = "DefGAN supervised"
    colour = "#CC79A7"
    paper_fid = ""
    rival = "ganimation_supervised"


class Rival(GANimation):
    name = "ganimation_supervised"
    label = "GANimation supervised"
    colour = "#E69F00"
    paper_fid = ""


for method in (Rival(), Pupil()):
    module = ModuleType(f"defgan.methods.{method.name}")
    module.METHOD = method
    sys.modules[module.__name__] = module
    methods.NAMES += (method.name,)

from defgan.report import figures, tables  # noqa: E402
from defgan.report.sliders import slider_data  # noqa: E402
from defgan.report.style import figure_style  # noqa: E402
from tests.report import conftest, made_up  # noqa: E402

LIKE = {"defgan_supervised": "defgan", "ganimation_supervised": "ganimation"}


def more(known: dict) -> dict:
    """With the new methods, which are as good as those that they are like; the truth stays last."""
    last = {name: known[name] for name in ("truth",) if name in known}
    own = {name: value for name, value in known.items() if name not in last}
    return own | {name: known[like] for name, like in LIKE.items()} | last


def main() -> None:
    made = made_up.measurements()
    pages = tables.pages(replace(made, metrics=more(made.metrics), every=more(made.every)))
    identity = pages["identity_by_expression"]
    assert {"improvement", "defgan_supervised_improvement", "ganimation_supervised"} <= set(identity.numbers)
    assert "relative improvement of DefGAN supervised, % ↑" in identity.table
    assert set(pages["motion"].numbers["method"]) == {"defgan", "defgan_supervised"}
    assert set(LIKE) < set(pages["cross_talk"].numbers["method"])

    results = conftest.made_up_results({name: page.numbers for name, page in pages.items()})
    edits, measured, steps = results.edits, results.measured, np.arange(1, 4)
    results.edits = lambda name: edits(LIKE.get(name, name))
    results.measured = lambda name: measured(LIKE.get(name, name))
    results.curves = lambda name: pd.DataFrame({"step": steps, "loss_g": steps})
    with figure_style():
        drawn = {figure.name: figure.draw(results) for figure in figures.every() if figure.available(results)}
    for name in ("fig_01_alpha_strip", "fig_06_single_aus", "fig_11_single_aus_deformed"):
        assert any(text.startswith("DefGAN\nsupervised\n") for text in conftest.texts(drawn[name])), name
    for name in ("fig_04_expressions", "fig_17_stargan_rafd"):
        assert {"DefGAN\nsupervised", "GANimation\nsupervised"} <= set(conftest.texts(drawn[name])), name
    left, right = drawn["fig_08_relative_improvement"].axes
    assert [len(conftest.bars(left, colour)) for colour in (Pupil.colour, Rival.colour)] == [7, 7]
    assert len(conftest.bars(right, Pupil.colour)) == 7
    for name in ("truth_gain", "truth_motion"):
        assert len(conftest.bars(drawn[name].axes[0], Pupil.colour)) == 7, name

    labels = [panel["label"] for panel in slider_data(results.pictures(methods.told_aus()))["panels"]]
    assert "DefGAN supervised, deformation grid" in labels and "GANimation supervised, final" in labels


if __name__ == "__main__":
    main()
