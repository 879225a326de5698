"""docs/extending.md, carried out to the letter: its diffs are applied to the project, and the pipeline runs through."""

import re
import subprocess

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import copy_project, make_tiny
from tests.e2e.repository import Clone

LIMITS = {"A loss": 4, "A method": 4, "A figure": 2, "A data set": 2}
"""Files that each addition may touch, tests not counted."""
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")


def diffs(title: str) -> str:
    """All diffs of one section of the page."""
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return "".join(re.findall(r"^```diff\n(.*?)^```$", section, re.M | re.S))


@pytest.mark.parametrize(("title", "most"), LIMITS.items())
def test_an_addition_touches_few_files(title, most):
    touched = set(re.findall(r"^\+\+\+ b/(\S+)$", diffs(title), re.M))
    assert 1 <= len(touched) <= most
    assert not {path for path in touched if path.startswith("tests/")}


@pytest.fixture(scope="module")
def extended(finished_copy, tmp_path_factory) -> Clone:
    """The finished tiny repository with all four additions, run again."""
    copy_project(finished_copy.path)
    for title in LIMITS:
        subprocess.run(
            ["git", "apply", "--recount", "--whitespace=nowarn", "-"],
            cwd=finished_copy.path, input=diffs(title), text=True, check=True,
        )  # fmt: skip
    photographs = finished_copy.path / "photographs"
    source = ROOT / "defgan/demo/examples"
    for expression in ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise"):
        (photographs / expression).mkdir(parents=True)
        for number in (1, 2):
            content = (source / f"face{number}.jpg").read_bytes()
            (photographs / expression / f"p{number}_001.jpg").write_bytes(content)
    role = {"path": "photographs", "layout": "expression_folders", "points": "mtcnn", "action_units": "blendshapes"}
    make_tiny(finished_copy.path / "params.yaml")
    make_tiny(finished_copy.path / "params.yaml", {f"data.mug.{key}": value for key, value in role.items()})
    make_tiny(finished_copy.path / "params.yaml", {"lambda_sparse_m": 10.0, "training.batches": 40})
    # The stages run without MLflow, too: here it is as if it were not installed.
    hidden = tmp_path_factory.mktemp("without_mlflow")
    (hidden / "sitecustomize.py").write_text("import sys\n\nsys.modules['mlflow'] = None\n")
    finished_copy.env["PYTHONPATH"] = str(hidden)
    output = finished_copy.run("dvc", "repro", "compare")
    # The page's own command; all other figures were drawn by the shared run, and drawing them takes a minute.
    finished_copy.run("python", "-m", "stages.figures", "change_inside")
    assert "MLflow is not installed" in output
    return finished_copy


@pytest.mark.e2e
@pytest.mark.timeout(2400)
def test_the_pipeline_runs_with_all_additions(extended):
    curves = pd.read_csv(extended.path / "metrics/train_defgan.csv")
    assert (curves["sparse_m"] > 0).all()
    faces = pd.read_parquet(extended.path / "data/prepared/mug/faces.parquet")
    assert set(faces["subject"]) == {"p1", "p2"} and len(set(faces["expression"])) == 7
    trained = pd.read_csv(extended.path / "metrics/train_autoencoder.csv")
    assert trained["reconstruction"].iloc[-1] < trained["reconstruction"].iloc[0]
    table = pd.read_csv(extended.path / "reports/tables/table_1.csv").set_index("method")
    assert "autoencoder" in table.index and table.loc["autoencoder", "frechet"] > 0
    assert "| Autoencoder |" in (extended.path / "reports/tables/table_1.md").read_text(encoding="utf-8")
    assert (extended.path / "reports/figures/corpus/change_inside.png").is_file()
