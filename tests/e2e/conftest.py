"""What the end-to-end tests share: one tiny run of the whole pipeline.

They run one after another in one process (`pytest_xdist_make_scheduler`), so that this run is made once.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, TINY, changed
from tests.e2e.repository import Clone

OVERRIDES = TINY | {
    # Enough training to be killed in the middle of it, with a checkpoint at every row of the curves.
    "training.batches": 80,
    "training.checkpoint_seconds": 0.001,
}
"""Params of the tiny experiment."""


def copy_project(path: Path) -> None:
    """The project's files, as git has or would have them, without results: those would let stages be skipped."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        if not name.startswith(("metrics/", "reports/", "dvc.lock")) and (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)


def make_tiny(path: Path, overrides: dict = OVERRIDES) -> None:
    """Write the tiny experiment into a params file."""
    yaml = YAML()
    values = changed(yaml.load(path.read_bytes()), overrides)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(values, file)


def copy_of(clone: Clone, path: Path) -> Clone:
    """The same repository elsewhere, with DVC's cache and without MLflow's records, which name their place."""
    shutil.copytree(clone.path, path, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db*", "mlartifacts"))
    return Clone(path)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Clone:
    """The project's files as a repository of its own with tiny params, its data stages done and committed."""
    clone = Clone(tmp_path_factory.mktemp("e2e") / "clone")
    copy_project(clone.path)
    make_tiny(clone.path / "params.yaml")
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    clone.commit("tiny")
    clone.run("dvc", "repro", "prepare", "truth", "reference")
    clone.commit("data")
    return clone


@pytest.fixture(scope="session")
def without_models(prepared, tmp_path_factory) -> Clone:
    """A copy with the data stages done and nothing trained."""
    return copy_of(prepared, tmp_path_factory.mktemp("e2e") / "ablations")


@pytest.fixture(scope="session")
def never_killed(prepared, tmp_path_factory) -> Clone:
    """A copy with DefGAN trained and measured in one go, by the stages' own commands."""
    clone = copy_of(prepared, tmp_path_factory.mktemp("e2e") / "never killed")
    for stage in ("train", "edit", "evaluate"):
        clone.run("python", "-m", f"stages.{stage}", "defgan")
    return clone


@pytest.fixture(scope="session")
def finished(prepared, without_models, never_killed) -> tuple[Clone, str]:
    """`dvc repro`, killed three times with all its children, then run to its end; what it printed after the first kill.

    The first kill comes in a training, the others at random moments.
    """
    prepared.kill_in_training("dvc", "repro")
    moments = np.random.default_rng(0).uniform(2, 20, 2)
    output = "".join(prepared.kill_after(seconds, "dvc", "repro") for seconds in moments)
    output += prepared.run("dvc", "repro")
    prepared.commit("results")
    return prepared, output


@pytest.fixture(scope="session")
def finished_copy(finished, tmp_path_factory) -> Clone:
    """A copy of the finished repository, to be changed."""
    return copy_of(finished[0], tmp_path_factory.mktemp("e2e") / "extended")
