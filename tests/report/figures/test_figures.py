"""Figures are found by their files, and their captions are exact."""

import re

import pytest

from defgan.errors import UserError
from defgan.evaluation.identity import DISTANCE_NAMES
from defgan.methods import get as method
from defgan.params import Params
from defgan.report import figures
from defgan.report.names import CORPUS


def test_a_file_is_named_after_its_figure_and_the_figure_after_its_number():
    for module in figures.modules():
        figure = figures.load(module)
        assert figure.name == module or figure.name.startswith(f"{module}_")
        number = re.fullmatch(r"fig_(\d\d)", module)
        assert figure.number == (int(number[1]) if number else 0)
        assert figures.get(module) is figures.get(figure.name) is figure
    names = [figure.name for figure in figures.every()]
    assert names == sorted(set(names)) and len(names) == len(figures.modules())


@pytest.mark.parametrize(("name", "near"), [("fig_4", "fig_04_expressions"), ("training", "training_curves")])
def test_an_unknown_name_is_told_with_the_nearest(name, near):
    with pytest.raises(UserError, match=f"^{name}: no such figure; did you mean .*{near}") as error:
        figures.get(name)
    assert "\n" not in str(error.value)


def test_captions_name_number_data_methods_and_what_replaces_the_papers(results):
    results.data = {"wild": CORPUS, "rafd": CORPUS, "train": CORPUS}
    caption = figures.get("fig_03").caption(results)
    assert caption.title == "Fig. 3: Identity distance by expression"
    assert caption.methods == ("DefGAN", "GANimation", "DefGAN supervised", "GANimation supervised")
    assert caption.shows.endswith("GANimation supervised: supervised by rendered pairs; the paper trains without.")
    assert caption.substitutes == (
        "1 − cos, dlib ResNet-128 in place of the distance of CMU OpenFace's embeddings",
        f"{CORPUS} in place of CelebA-HQ and web photographs",
    )
    assert figures.get("fig_17").caption(results).substitutes == (f"{CORPUS} in place of the Radboud Faces Database",)
    assert figures.get("training_curves").caption(results).data == (
        f"role train: {CORPUS}; rendered pairs; role rafd: {CORPUS}"
    )
    assert "rendered under the target AUs" in figures.get("fig_04").caption(results).shows


def test_of_photographs_no_caption_speaks_of_rendered_faces(results):
    results.data = {"wild": "portraits/neutral", "rafd": "photographs/rafd", "train": "photographs/train"}
    for figure in figures.every():
        caption = figure.caption(results)
        assert "rendered under" not in caption.shows and CORPUS not in str(caption), figure.name


def test_the_papers_networks_and_data_stand_in_for_nothing(results):
    results.data = {"wild": "CelebA-HQ and photographs/web", "rafd": "RaFD", "train": "EmotioNet"}
    networks = results.networks(None) | {"identity": DISTANCE_NAMES["openface-nn4.small2"], "frechet": "FID"}
    results.networks = lambda method: networks
    for name in ("fig_03", "fig_08", "fig_17"):
        assert figures.get(name).caption(results).substitutes == (), name
    results.data = results.data | {"wild": "photographs/mine"}
    assert figures.get("fig_03").caption(results).substitutes == (
        "photographs/mine in place of CelebA-HQ and web photographs",
    )


def test_the_words_are_the_fields_and_the_params_exist(results, params: Params):
    values = params.model_dump()
    for figure in figures.every():
        caption = figure.caption(results)
        assert not re.search(r"\bread(er|ing|s)?\b|paint", f"{caption.title} {caption.shows}".lower()), figure.name
        assert caption.shows.endswith(".") and caption.methods
        for dotted in caption.params:
            found = values
            for key in dotted.split("."):
                found = found[key]


def test_what_an_experiment_does_not_have_is_left_out(results):
    def available() -> set[str]:
        return {figure.name for figure in figures.every() if figure.available(results)}

    # Two faces in the grids: those of Fig. 9, 13 and 14 come after them.
    every = {figure.name for figure in figures.every()}
    assert every - available() == {"fig_09_expressions", "fig_13_differences", "fig_14_differences"}
    results.plan = results.plan[results.plan["set"] != "rafd"]
    assert "fig_17_stargan_rafd" not in available()
    unknown = {"truth": ["gain_all"], "motion": ["epe"]}
    numbers = results.numbers
    results.numbers = lambda name: numbers(name).assign(**dict.fromkeys(unknown.get(name, ()), None))
    assert not {"truth_gain", "truth_motion"} & available()


def test_methods_are_asked_for_not_listed():
    deforming = figures.get("fig_06").methods
    assert [shown.name for shown in deforming] == ["defgan", "defgan_supervised"]
    assert figures.get("fig_17").methods == (method("defgan"), method("ganimation"), method("stargan"))


def test_who_is_supervised_is_said_wherever_it_is_shown_and_nowhere_else(results):
    for figure in figures.every():
        said = "the paper trains without" in figure.caption(results).shows
        assert said == any(shown.supervised for shown in figure.methods), figure.name
    assert not any(shown.supervised for number in ("fig_17", "fig_18") for shown in figures.get(number).methods)
