"""The page in a browser: sliders move pictures, nothing is fetched, nothing overflows."""

import hashlib
import json
import shutil
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan import tracking
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.report import figures
from defgan.report.captions import as_text
from defgan.report.results import Results
from defgan.study.fig_07 import CAPTION
from stages.page import page
from tests.conftest import ROOT
from tests.report.made_up import COMPARED, metrics
from tests.stages.conftest import make_workspace

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """The made-up run as a page, the address of the file."""
    workspace = tmp_path_factory.mktemp("page")
    make_workspace(workspace)
    (workspace / "metrics/compare.json").write_text(json.dumps(COMPARED))
    directory = workspace / "reports/figures/corpus"
    directory.mkdir(parents=True)
    results = Results({"wild": HOSTILE, "rafd": "made-up blobs"})
    results.networks = lambda method: metrics()["networks"]
    shown = [figures.get(name) for name in ("fig_01", "fig_03")]
    texts = {figure.name: asdict(figure.caption(results)) for figure in shown}
    (directory / "captions.json").write_text(json.dumps(texts))
    for name in texts:
        Image.new("RGB", (1000, 300), "white").save(directory / f"{name}.png")
    votes = workspace / "reports/votes"
    votes.mkdir()
    (votes / "captions.json").write_text(as_text({"fig_07_user_study": CAPTION}))
    Image.new("RGB", (900, 400), "white").save(votes / "fig_07_user_study.png")
    (votes / "plausibility.md").write_text("# User study, stage 1: plausibility\n\n| a |\n|---|\n| 3.25 |\n")
    (votes / "votes.md").write_text("# User study, stage 2: votes (Fig. 7)\n\n| a |\n|---|\n| 63 % |\n")
    (workspace / "reports/seeds").mkdir()
    (workspace / "reports/seeds/seeds.md").write_text("# Over seeds\n\n| method | a |\n|---|---|\n| DefGAN | 1.4 |\n")
    (workspace / "reports/seeds/seeds_order.md").write_text("# Which order holds\n")
    (workspace / "reports/seeds/captions.json").write_text(as_text({"seeds": CAPTION}))
    Image.new("RGB", (900, 400), "white").save(workspace / "reports/seeds/seeds.png")
    (workspace / "reports/seeds/seeds.csv").write_text("seed,method,frechet\n0,defgan,1.5\n")
    (workspace / "docs/figures").mkdir(parents=True)
    for path in (ROOT / "docs/figures").glob("[cf]*"):
        shutil.copy(path, workspace / "docs/figures")
    (workspace / "reports/tables").mkdir()
    (workspace / "reports/tables/table_1.md").write_text("# Table 1\n\n| method | a |\n|---|---|\n| DefGAN | 1.5 |\n")
    # Edits that depend on what is asked for: AU12 darkens and moves to the left, all else darkens.
    shades = {"defgan": 0.6, "ganimation": 0.3, "defgan_supervised": 0.5, "ganimation_supervised": 0.2}
    for name, shade in shades.items():
        plan = pd.read_parquet(workspace / f"edits/{name}/edits.parquet")
        alpha = plan["alpha"].to_numpy()[:, None, None, None]
        for array in ("final", "deformed"):
            path = workspace / f"edits/{name}/{array}.npy"
            if path.is_file():
                pixels = np.load(path)
                np.save(path, (pixels * (1 - shade * alpha)).astype(np.uint8))
    for name, reach in (("defgan", 3), ("defgan_supervised", 6)):
        offsets = np.load(workspace / f"edits/{name}/offsets.npy")
        offsets[..., 0] = (reach * (plan["expression"] == "AU12") * plan["alpha"]).to_numpy()[:, None, None]
        np.save(workspace / f"edits/{name}/offsets.npy", offsets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "mlflow_installed", lambda: False)
        patch.chdir(workspace)
        page()
    return (workspace / "reports/index.html").as_uri()


@pytest.fixture(params=[1280, 390])
def opened(request, address, browser):
    """The page at a width, what it asked for, and what its console said."""
    asked, said = [], []
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    view = context.new_page()
    view.on("request", lambda sent: asked.append(sent.url))
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.goto(address)
    view.wait_for_selector("body[data-drawn]")
    yield view, asked, said
    context.close()


def look(view) -> dict[str, str]:
    """A hash of the pixels of every canvas."""
    pixels = view.evaluate(
        "Object.fromEntries([...document.querySelectorAll('canvas')].map(c => [c.dataset.panel, c.toDataURL()]))"
    )
    return {name: hashlib.sha256(content.encode()).hexdigest() for name, content in pixels.items()}


def move(view, name: str, keys: list[str], shown: str) -> dict[str, str]:
    """Move a slider by the keyboard, wait until the page says that it shows this, and look."""
    slider = view.locator(f"input[data-control='{name}']")
    slider.focus()
    for key in keys:
        view.keyboard.press(key)
    view.wait_for_selector(f"body[data-drawn='{shown}']")
    return look(view)


def test_sliders_change_the_pictures(opened):
    view, asked, said = opened
    assert view.locator("input[type=range]").count() == len(EXPRESSIONS) + len(AU_NAMES)
    still = move(view, "AU12", ["ArrowRight", "ArrowLeft"], "0/AU12/0")
    panels = {
        f"defgan{own}_{kind}" for own in ("", "_supervised") for kind in ("deformed", "final", "grid", "difference")
    }
    panels |= {f"ganimation{own}_{kind}" for own in ("", "_supervised") for kind in ("final", "difference")}
    assert set(still) == {"input", "true", *panels}
    assert "the paper trains without" in view.locator("#sliders").inner_text()
    half = move(view, "AU12", ["ArrowRight"], "0/AU12/0.5")
    full = move(view, "AU12", ["End"], "0/AU12/1")
    for panel in set(still) - {"input", "true"}:
        assert len({still[panel], half[panel], full[panel]}) == 3, panel
    assert still["input"] == half["input"] == full["input"]
    assert len(set(full.values())) == len(full)
    happy = move(view, "happy", ["End"], "0/happy/1")
    assert happy["defgan_final"] != still["defgan_final"] and happy["defgan_grid"] != full["defgan_grid"]
    # Only one slider is shown at a time.
    assert view.locator("input[data-control=AU12]").input_value() == "0"
    assert "Face 1: happy, α = 1 (all AUs together" in view.locator("#shown").inner_text()
    assert said == [] and all(url.startswith(("file:", "data:")) for url in asked)


def test_nothing_is_wider_than_the_window_and_all_has_a_name(opened):
    view, _, _ = opened
    assert view.evaluate("document.documentElement.scrollWidth") <= view.viewport_size["width"]
    assert all(label for label in view.locator("canvas").evaluate_all("all => all.map(c => c.ariaLabel)"))
    assert all(view.locator("figure > div > img").evaluate_all("all => all.map(i => i.alt)"))
    assert view.locator("input[type=range]").evaluate_all("all => all.every(i => i.labels.length === 1)")
    # Text from outside stays text.
    assert view.locator("img[src=x]").count() == 0
    view.locator("#fig_01_alpha_strip summary").click()
    assert HOSTILE in view.locator("#fig_01_alpha_strip dl").inner_text()
    # Table 1 over several seeds stands first; this run's own stands below it.
    assert view.locator("#tables > h3").all_inner_texts() == ["Over seeds", "Table 1"]
    assert [text.split()[-1] for text in view.locator("#tables table").all_inner_texts()] == ["1.4", "1.5"]
    assert view.locator("#several-seeds summary").all_inner_texts() == ["Which order holds"]
    names = view.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(names) == len(set(names))
    # The user study: Fig. 7 among the figures in their order, both forms, and both stages' tables.
    shown = view.locator("#figures > figure").evaluate_all("all => all.map(f => f.id)")
    assert [name[:6] for name in shown] == ["fig_01", "fig_03", "fig_07", "fig_15", "fig_16", "seeds"]
    assert view.locator("#study summary").all_inner_texts() == [
        *("User study, stage 2: votes (Fig. 7)", "User study, stage 1: plausibility")
    ]
    files = view.locator("#fig_15_user_study_stage_1 dd a, #fig_07_user_study dd a").evaluate_all(
        "all => all.map(a => a.getAttribute('href'))"
    )
    assert files == ["votes/fig_07_user_study.png", "../docs/figures/fig_15_user_study_stage_1.png"]


def test_what_is_missing_is_named(workspace, capsys):
    with pytest.raises(SystemExit):
        page()
    assert "reports/figures/corpus/captions.json: no such file" in capsys.readouterr().err
