"""`compare` puts measured methods side by side."""

import json

import pandas as pd
import pytest
import yaml

from stages.compare import compare
from tests.conftest import ROOT
from tests.report.test_evidence import measurements
from tests.report.test_tables import metrics


@pytest.fixture
def measured(workspace):
    methods = {
        "copy": metrics(0.0),
        "ganimation": metrics(-0.2),
        "defgan": metrics(0.25, 0.3),
        "stargan": metrics(-0.9),
    }
    methods["truth"] = metrics(None)
    tables = measurements()
    (workspace / "data/evaluation").mkdir()
    for name, values in methods.items():
        (workspace / f"metrics/{name}.json").write_text(json.dumps(values))
        tables[name].to_parquet(workspace / f"data/evaluation/{name}.parquet")
    return workspace


def test_metrics_tables_and_what_is_printed(measured, capsys):
    compare()
    compared = json.loads((measured / "metrics/compare.json").read_text())
    assert set(compared["methods"]) == {"defgan", "ganimation", "stargan", "copy", "truth"}
    for key in ("frechet", "identity_by_expression", "gain_final", "gain_deformed", "gain_final_by_expression"):
        assert key in compared["methods"]["defgan"]
    assert compared["data"].keys() == {"wild", "rafd"}
    assert compared["networks"]["identity"] == "1 − cos, dlib ResNet-128"
    table = pd.read_csv(measured / "reports/tables/table_1.csv")
    assert table["method"].tolist() == ["copy", "ganimation", "defgan", "stargan", "truth"]
    assert table["gain_deformed"].isna().tolist() == [True, True, False, True, True]
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["compare"]["outs"]
    written = {f"reports/tables/{path.name}" for path in (measured / "reports/tables").iterdir()}
    assert written == {path for out in declared for path in out}
    printed = capsys.readouterr().out
    page = (measured / "reports/tables/table_1.md").read_text()
    for text in (printed.replace("\n", " "), page):
        for part in ("EfficientNet-Lite0", "ResNet-128", "embedded corpus"):
            assert part in text
    assert "reports/figures" in printed


def test_tables_of_other_stages_stay(measured):
    other = measured / "reports/tables/other.csv"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text("kept\n")
    compare()
    assert other.read_text() == "kept\n"
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["compare"]["outs"]
    written = {f"reports/tables/{path.name}" for path in other.parent.iterdir() if path != other}
    assert written == {path for out in declared for path in out}


def test_a_method_that_was_not_measured_is_named(measured, capsys):
    (measured / "metrics/ganimation.json").unlink()
    with pytest.raises(SystemExit):
        compare()
    assert "metrics/ganimation.json" in capsys.readouterr().err
    assert not (measured / "metrics/compare.json").exists()


def test_methods_measured_with_different_networks_are_not_compared(measured, capsys):
    other = metrics(0.0)
    other["networks"]["frechet"] = "FID"
    (measured / "metrics/copy.json").write_text(json.dumps(other))
    with pytest.raises(SystemExit):
        compare()
    assert "different networks" in capsys.readouterr().err


def test_of_photographs_there_is_no_row_of_true_images(measured):
    (measured / "metrics/truth.json").write_text(json.dumps(metrics(None) | {"images": 0}))
    compare()
    assert "truth" not in pd.read_csv(measured / "reports/tables/table_1.csv")["method"].tolist()
    assert "True image" not in (measured / "reports/tables/au_fidelity.md").read_text()
