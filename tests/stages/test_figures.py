"""`figures` draws everything, or one figure, from tables and arrays, without a model."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image

from defgan.tracking import Run
from stages.figures import figures
from tests.conftest import ROOT
from tests.report import made_up


@pytest.fixture
def measured(workspace):
    (workspace / "data/evaluation").mkdir()
    for name, metrics in made_up.every_metrics().items():
        (workspace / f"metrics/methods/{name}.json").write_text(json.dumps(metrics))
    for name, factor in (
        ("defgan", 0.8),
        ("ganimation", 1.1),
        ("defgan_supervised", 0.5),
        ("ganimation_supervised", 0.6),
    ):
        table = pd.read_parquet(workspace / f"edits/{name}/edits.parquet").assign(err_copy=0.1, err_final=0.1 * factor)
        table = table.assign(concentration=0.5, identity=0.01 * (1 + table["edit"] % 5))
        table.to_parquet(workspace / f"data/evaluation/{name}.parquet")
    (workspace / "reports/tables").mkdir(parents=True)
    for name, page in made_up.pages().items():
        page.numbers.to_csv(workspace / f"reports/tables/{name}.csv", index=False)
    return workspace


def written(workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (workspace / "reports/figures/corpus").iterdir()}


def test_all_are_drawn_small_and_without_a_network_and_one_alone_is_the_same(measured):
    program = (
        "import sys; from defgan import tracking; tracking.mlflow_installed = lambda: False;"
        "from stages.figures import figures; figures();"
        "assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=measured, env=environment, check=True)
    files = written(measured)
    figures("fig_03")
    assert written(measured) == files
    pictures = {"fig_01_alpha_strip", "fig_04_expressions", "fig_05_differences", "fig_06_single_aus"}
    pictures |= {"fig_10_details", "fig_11_single_aus_deformed", "fig_12_single_aus_final"}
    pictures |= {"fig_17_stargan_rafd", "fig_18_stargan_wild"}
    plots = {"fig_02_networks", "fig_03_identity_distance", "truth_gain", "training_curves"}
    plots |= {"fig_08_relative_improvement", "truth_motion", "au_fidelity", "au_cross_talk"}
    expected = {f"{name}.png" for name in pictures | plots} | {f"{name}.pdf" for name in plots}
    assert set(files) == expected | {"captions.json"}
    captions = json.loads(files.pop("captions.json"))
    assert set(captions) == pictures | plots
    assert "dlib ResNet-128 in place of" in captions["fig_03_identity_distance"]["substitutes"][0]
    for name, content in files.items():
        assert len(content) < 700_000, name
        if name.endswith(".png"):
            with Image.open(measured / "reports/figures/corpus" / name) as image:
                assert min(image.size) > 300, name


def test_one_figure_needs_its_own_data_only_and_leaves_the_others(measured, monkeypatch):
    recorded = []
    monkeypatch.setattr(Run, "log_note", lambda _, text: recorded.append(text))
    monkeypatch.setattr(Run, "log_artifact", lambda _, path, folder: recorded.append(f"{folder}/{path.name}"))
    directory = measured / "reports/figures/corpus"
    directory.mkdir(parents=True)
    (directory / "other.png").write_bytes(b"as it was")
    (directory / "captions.json").write_text(json.dumps({"other": {"title": "as it was"}}))
    for path in ("edits/stargan", "edits/copy", "metrics/methods", "reports/tables", "data/evaluation"):
        shutil.rmtree(measured / path)
    figures("fig_04")
    files = written(measured)
    assert set(files) == {"other.png", "captions.json", "fig_04_expressions.png"}
    assert files["other.png"] == b"as it was"
    captions = json.loads(files["captions.json"])
    assert captions["other"] == {"title": "as it was"}
    assert captions["fig_04_expressions"]["title"] == "Fig. 4: Editing facial expressions"
    # MLflow shows the picture, and what stands below it.
    assert recorded[:2] == ["figures/fig_04_expressions.png", "figures/captions.json"]
    assert recorded[2].startswith("**Fig. 4: Editing facial expressions.** ") and len(recorded) == 3
    figures("fig_04_expressions")
    assert written(measured) == files


def with_data(workspace, **layouts: str) -> None:
    """Write layouts of roles into params.yaml."""
    path = workspace / "params.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for role, layout in layouts.items():
        values["data"][role] |= {"layout": layout, "path": f"photographs/{layout}"}
    path.write_text(yaml.safe_dump(values), encoding="utf-8")


def test_figures_of_people_go_where_git_ignores_them(measured, capsys):
    tracked = measured / "reports/figures/corpus/fig_04_expressions.png"
    figures("fig_04")
    before = tracked.read_bytes()
    with_data(measured, wild="celeba_hq", rafd="rafd")
    for name in ("fig_04", "fig_17"):
        figures(name)
    assert tracked.read_bytes() == before
    made = {path.relative_to(measured).as_posix() for path in measured.glob("reports/figures/celeba_hq/*.png")}
    assert {Path(path).name[:6] for path in made} == {"fig_04", "fig_17"}
    ignored = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(ignored.stdout.split()) == made
    corpus = ["git", "check-ignore", "reports/figures/corpus/fig_04_expressions.png"]
    assert subprocess.run(corpus, cwd=ROOT, check=False).returncode == 1
    # Rendered faces to edit, and photographs of RaFD: what shows these is not drawn among the former.
    with_data(measured, wild="corpus")
    with pytest.raises(SystemExit):
        figures("fig_17")
    assert "it shows the people of data.rafd" in capsys.readouterr().err


def test_what_cannot_be_drawn_is_told_in_one_line(measured, capsys):
    for name, told in (("fig_99", "did you mean fig_"), ("fig_09", "fig_09_expressions: this experiment has no data")):
        with pytest.raises(SystemExit):
            figures(name)
        assert told in capsys.readouterr().err.splitlines()[-1]
    assert not (measured / "reports/figures/corpus").exists()


def test_a_missing_table_is_named(measured, capsys):
    (measured / "data/evaluation/defgan.parquet").unlink()
    with pytest.raises(SystemExit):
        figures()
    assert "data/evaluation/defgan.parquet" in capsys.readouterr().err
