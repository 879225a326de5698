"""docs/extending.md, carried out to the letter: the shared run of the pipeline has all its additions."""

import re

import pandas as pd
import pytest

from tests.e2e.conftest import additions

LIMITS = {"A loss": 4, "A method": 4, "A figure": 2, "A data set": 2}
"""Files that each addition may touch, tests not counted."""


def test_an_addition_touches_few_files():
    found = additions()
    assert list(found) == list(LIMITS)
    for title, diffs in found.items():
        touched = set(re.findall(r"^\+\+\+ b/(\S+)$", diffs, re.M))
        assert 1 <= len(touched) <= LIMITS[title], title
        assert not {path for path in touched if path.startswith("tests/")}


@pytest.mark.e2e
@pytest.mark.timeout(2400)
def test_the_pipeline_runs_with_all_additions(finished):
    clone, _ = finished
    curves = pd.read_csv(clone.path / "metrics/train_defgan.csv")
    assert (curves["sparse_m"] > 0).all()
    faces = pd.read_parquet(clone.path / "data/prepared/mug/faces.parquet")
    assert set(faces["subject"]) == {"p1", "p2"} and len(set(faces["expression"])) == 7
    trained = pd.read_csv(clone.path / "metrics/train_autoencoder.csv")
    assert trained["reconstruction"].iloc[-1] < trained["reconstruction"].iloc[0]
    table = pd.read_csv(clone.path / "reports/tables/table_1.csv").set_index("method")
    assert "autoencoder" in table.index and table.loc["autoencoder", "frechet"] > 0
    assert "| Autoencoder |" in (clone.path / "reports/tables/table_1.md").read_text(encoding="utf-8")
    assert (clone.path / "reports/figures/corpus/change_inside.png").is_file()


@pytest.mark.e2e
@pytest.mark.timeout(2400)
def test_a_new_method_trains_no_other_again(finished):
    """Without its entry in the registry the stages of all other methods are up to date."""
    clone, _ = finished
    registry, pipeline = clone.path / "defgan/methods/registry.py", clone.path / "dvc.yaml"
    texts = {path: path.read_text(encoding="utf-8") for path in (registry, pipeline)}
    registry.write_text(texts[registry].replace('    "autoencoder",\n', ""), encoding="utf-8")
    pipeline.write_text(re.sub(r" autoencoder,|\n +autoencoder:.*", "", texts[pipeline]), encoding="utf-8")
    status = clone.run("dvc", "status")
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    changed = set(re.findall(r"^(\w+(?:@\w+)?):$", status, re.M))
    assert changed and not {name for name in changed if name.startswith(("train", "edit", "evaluate", "prepare"))}


@pytest.mark.e2e
@pytest.mark.timeout(2400)
def test_stages_run_without_mlflow(finished, tmp_path):
    clone, _ = finished
    (tmp_path / "sitecustomize.py").write_text("import sys\n\nsys.modules['mlflow'] = None\n", encoding="utf-8")
    before = (clone.path / "data/targets.parquet").read_bytes()
    clone.env["PYTHONPATH"] = str(tmp_path)
    output = clone.run("python", "-m", "stages.targets")
    del clone.env["PYTHONPATH"]
    assert "MLflow is not installed" in output
    assert (clone.path / "data/targets.parquet").read_bytes() == before
