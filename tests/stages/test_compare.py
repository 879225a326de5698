"""`compare` puts measured methods side by side."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from defgan.methods.registry import NAMES
from stages.compare import compare
from tests.conftest import ROOT
from tests.report import made_up


@pytest.fixture
def measured(workspace):
    (workspace / "data/evaluation").mkdir()
    for name, table in made_up.tables().items():
        (workspace / f"metrics/methods/{name}.json").write_text(json.dumps(made_up.every_metrics()[name]))
        table.to_parquet(workspace / f"data/evaluation/{name}.parquet")
    return workspace


def test_metrics_tables_and_what_is_printed(measured, capsys):
    compare()
    compared = json.loads((measured / "metrics/compare.json").read_text())
    assert set(compared["methods"]) == {*NAMES, "truth"}
    for key in ("frechet", "identity_by_expression", "gain_final", "gain_deformed", "gain_final_by_expression"):
        assert key in compared["methods"]["defgan"]
    assert compared["data"].keys() == {"wild", "rafd"}
    assert compared["networks"]["identity"] == "1 − cos, dlib ResNet-128"
    table = pd.read_csv(measured / "reports/tables/table_1.csv")
    assert table["method"].tolist() == [*NAMES, "truth"]
    assert table["gain_deformed"].isna().tolist() == [True, True, False, True, True, False, True]
    printed = capsys.readouterr().out
    page = (measured / "reports/tables/table_1.md").read_text()
    for text in (printed.replace("\n", " "), page):
        for part in ("EfficientNet-Lite0", "ResNet-128", "embedded corpus"):
            assert part in text
    assert "reports/figures" in printed


def test_the_directory_of_tables_is_written_anew(measured):
    (measured / "reports/tables").mkdir(parents=True)
    (measured / "reports/tables/laziness.csv").write_text("of a former run\n")
    compare()
    written = {path.name for path in (measured / "reports/tables").iterdir()}
    names = ("table_1", "identity_by_expression", "truth", "motion", "au_fidelity", "control", "cross_talk", "change")
    names += ("texture_alone",)
    assert written == {f"{name}.{kind}" for name in names for kind in ("csv", "md", "tex")}


def test_a_method_that_was_not_measured_is_named(measured, capsys):
    (measured / "metrics/methods/ganimation.json").unlink()
    with pytest.raises(SystemExit):
        compare()
    assert "metrics/methods/ganimation.json: no such file" in capsys.readouterr().err
    assert not (measured / "metrics/compare.json").exists() and not (measured / "reports/tables").exists()


def test_methods_measured_with_different_networks_are_not_compared(measured, capsys):
    other = made_up.metrics(0.0)
    other["networks"]["frechet"] = "FID"
    (measured / "metrics/methods/copy.json").write_text(json.dumps(other))
    with pytest.raises(SystemExit):
        compare()
    assert "different networks" in capsys.readouterr().err


def test_of_photographs_there_is_no_row_of_true_images(measured):
    (measured / "metrics/methods/truth.json").write_text(json.dumps(made_up.metrics(None) | {"images": 0}))
    compare()
    assert "truth" not in pd.read_csv(measured / "reports/tables/table_1.csv")["method"].tolist()
    assert "True image" not in (measured / "reports/tables/au_fidelity.md").read_text()


def test_no_figure_is_loaded():
    program = (
        "import sys, stages.compare; from tests.report.made_up import measurements;"
        "stages.compare.tables.pages(measurements());"
        "assert not [name for name in sys.modules if name.startswith(('defgan.report.figures', 'torch', 'seaborn'))]"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
