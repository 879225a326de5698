"""`figures` draws everything from tables and arrays, without a model."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan.params import load_params
from defgan.report.style import figure_style
from stages.figures import figures, photographs, read_photographs, read_pictures
from tests.report.test_evidence import pages
from tests.stages.conftest import RAFD, ROOT

COMPARED = {
    "data": {"wild": "made-up blobs", "rafd": "made-up blobs of people"},
    "networks": {
        "frechet": "Fréchet distance (EfficientNet-Lite0 features)",
        "identity": "1 − cos, dlib ResNet-128",
        "action_units": "MediaPipe blendshapes",
    },
}


@pytest.fixture
def measured(workspace):
    (workspace / "metrics/compare.json").write_text(json.dumps(COMPARED))
    (workspace / "data/evaluation").mkdir()
    for name, factor in (("defgan", 0.8), ("ganimation", 1.1)):
        table = pd.read_parquet(workspace / f"edits/{name}/edits.parquet").assign(err_copy=0.1, err_final=0.1 * factor)
        table = table.assign(
            epe=1.0 if name == "defgan" else None,
            err_deformed=0.07 if name == "defgan" else None,
            identity=0.01 * (1 + table["edit"] % 5),
        )
        table.to_parquet(workspace / f"data/evaluation/{name}.parquet")
    (workspace / "reports/tables").mkdir(parents=True)
    for name, page in pages().items():
        page.numbers.to_csv(workspace / f"reports/tables/{name}.csv", index=False)
    return workspace


def test_files_carry_the_papers_numbers_and_stay_small_and_no_network_is_loaded(measured):
    program = (
        "import sys; from defgan import tracking; tracking.mlflow_installed = lambda: False;"
        "from stages.figures import figures; figures(); assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=measured, env=environment, check=True)
    written = {path.name: path for path in (measured / "reports/figures").iterdir()}
    pictures = {"fig_01_alpha_strip", "fig_04_expressions", "fig_05_differences", "fig_06_single_aus"}
    pictures |= {"fig_10_details", "fig_11_single_aus_deformed", "fig_12_single_aus_final"}
    pictures |= {"fig_17_stargan_rafd", "fig_18_stargan_wild"}
    plots = {"fig_03_identity_distance", "truth_gain", "training_curves"}
    plots |= {"fig_08_relative_improvement", "truth_motion", "au_fidelity", "au_cross_talk"}
    expected = {f"{name}.png" for name in pictures | plots} | {f"{name}.pdf" for name in plots}
    assert set(written) == expected | {"captions.json"}
    captions = json.loads(written.pop("captions.json").read_text())
    assert set(captions) == pictures | plots
    assert "dlib ResNet-128 in place of" in captions["fig_03_identity_distance"]["substitutes"][0]
    params = load_params("params.yaml").model_dump()
    for name, caption in captions.items():
        if number := re.match(r"fig_(\d\d)", name):
            assert caption["title"].startswith(f"Fig. {int(number[1])}:")
        assert {key.split(".")[0] for key in caption["params"]} <= set(params)
        for head, key in (entry.split(".") for entry in caption["params"] if "." in entry):
            assert key in params[head]
    for name, path in written.items():
        assert path.stat().st_size < 700_000, name
        if name.endswith(".png"):
            with Image.open(path) as image:
                assert min(image.size) > 300, name


def test_the_share_inside_the_regions_comes_from_the_measurements(measured):
    tables = {name: pd.read_parquet(f"data/evaluation/{name}.parquet") for name in ("defgan", "ganimation")}
    tables["defgan"]["concentration"] = np.where(tables["defgan"]["expression"] == "anger", 0.625, np.nan)
    with figure_style():
        figure = photographs(read_pictures(COMPARED["data"]), tables)["fig_05_differences"]()
    shares = [text.get_text() for text in figure.texts if text.get_text().endswith("% inside")]
    assert shares == ["62% inside"] * 2  # one per face, none for the methods and expressions without


def test_without_truth_there_is_no_gain_figure(measured):
    for path in (measured / "data/evaluation").glob("*.parquet"):
        pd.read_parquet(path).assign(epe=None, err_copy=None, err_final=None, err_deformed=None).to_parquet(path)
    figures()
    assert not list((measured / "reports/figures").glob("truth*"))


def test_photographs_are_found_by_person_and_expression(measured):
    found = read_photographs()
    assert set(found) == {(f"rafd{i:03d}", name) for i in range(2) for name in RAFD}
    pixels = np.load("data/prepared/rafd/pixels.npy")
    np.testing.assert_array_equal(found["rafd001", "happy"], pixels[len(RAFD) + RAFD.index("happy")])


def test_a_missing_table_is_named(measured, capsys):
    (measured / "data/evaluation/defgan.parquet").unlink()
    with pytest.raises(SystemExit):
        figures()
    assert "data/evaluation/defgan.parquet" in capsys.readouterr().err
