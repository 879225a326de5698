"""`figures` draws everything from tables and arrays, without a model."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image

from stages.figures import figures
from tests.stages.conftest import ROOT

COMPARED = {
    "data": "made-up blobs",
    "networks": {"frechet": "Fréchet distance (EfficientNet-Lite0 features)", "identity": "1 − cos, dlib ResNet-128"},
}


@pytest.fixture
def measured(workspace):
    (workspace / "metrics/compare.json").write_text(json.dumps(COMPARED))
    (workspace / "data/evaluation").mkdir()
    for name, factor in (("defgan", 0.8), ("ganimation", 1.1)):
        table = pd.read_parquet(workspace / f"edits/{name}/edits.parquet").assign(err_copy=0.1, err_final=0.1 * factor)
        table = table.assign(err_deformed=0.07 if name == "defgan" else None, identity=0.01 * (1 + table["edit"] % 5))
        table.to_parquet(workspace / f"data/evaluation/{name}.parquet")
    return workspace


def test_files_carry_the_papers_numbers_and_stay_small_and_no_network_is_loaded(measured):
    program = (
        "import sys; from defgan import tracking; tracking.mlflow_installed = lambda: False;"
        "from stages.figures import figures; figures(); assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=measured, env=environment, check=True)
    written = {path.name: path for path in (measured / "reports/figures").iterdir()}
    photographs = {"fig_01_alpha_strip", "fig_04_expressions", "fig_05_differences"}
    plots = {"fig_03_identity_distance", "gain_over_copying", "training_curves"}
    expected = {f"{name}.png" for name in photographs | plots} | {f"{name}.pdf" for name in plots}
    assert set(written) == expected
    for name, path in written.items():
        assert path.stat().st_size < 700_000, name
        if name.endswith(".png"):
            with Image.open(path) as image:
                assert min(image.size) > 300, name


def test_without_truth_there_is_no_gain_figure(measured):
    (measured / "data/truth/truth.json").write_text(json.dumps({"available": False}))
    figures()
    assert not list((measured / "reports/figures").glob("gain*"))


def test_a_missing_table_is_named(measured, capsys):
    (measured / "data/evaluation/defgan.parquet").unlink()
    with pytest.raises(SystemExit):
        figures()
    assert "data/evaluation/defgan.parquet" in capsys.readouterr().err
