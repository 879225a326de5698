"""What the end-to-end tests share: one tiny run of the whole pipeline.

They run one after another in one process (`pytest_xdist_make_scheduler`), so that this run is made once. It is the
project with the four additions of docs/extending.md; the long tests run the project as it stands.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, TINY, changed
from tests.e2e.repository import Clone, forks

OVERRIDES = TINY | {
    # Enough training to be killed in the middle of it, with a checkpoint at every row of the curves.
    "training.batches": 80,
    "training.checkpoint_seconds": 0.001,
    "training.sheet_every": 20,
}
"""Params of the tiny experiment."""
SHARED = OVERRIDES | {"ganimation.training.batches": 8, "stargan.training.batches": 8}
"""Those of the shared run, whose kill comes in DefGAN's training."""


def is_result(name: str) -> bool:
    """Whether a stage writes this file. Those of several seeds are read by the page alone, and no stage makes them."""
    return name.startswith(("metrics/", "reports/", "dvc.lock")) and not name.startswith("reports/seeds/")


def copy_project(path: Path) -> None:
    """The project's files, as git has or would have them, without results: those would let stages be skipped."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        if not is_result(name) and (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)


def make_tiny(path: Path, overrides: dict = OVERRIDES) -> None:
    """Write the tiny experiment into a params file."""
    yaml = YAML()
    values = changed(yaml.load(path.read_bytes()), overrides)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(values, file)


def additions() -> dict[str, str]:
    """All diffs of docs/extending.md, by the title of their section."""
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    found = {title: "".join(re.findall(r"^```diff\n(.*?)^```$", text, re.M | re.S)) for title, text in sections.items()}
    return {title: diffs for title, diffs in found.items() if diffs}


def extend(clone: Clone) -> None:
    """Carry out docs/extending.md to the letter, and use all that it adds."""
    for diffs in additions().values():
        command = ["git", "apply", "--recount", "--whitespace=nowarn", "-"]
        subprocess.run(command, cwd=clone.path, input=diffs, text=True, check=True)
    photographs = clone.path / "photographs"
    for expression in ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise"):
        (photographs / expression).mkdir(parents=True)
        for number in (1, 2):
            example = ROOT / f"defgan/demo/examples/face{number}.jpg"
            shutil.copy(example, photographs / expression / f"p{number}_001.jpg")
    # By its absolute path: DVC's experiments run in copies of the repository.
    role = {"path": str(photographs), "layout": "expression_folders", "points": "mtcnn", "action_units": "blendshapes"}
    make_tiny(clone.path / "params.yaml", {f"data.mug.{key}": value for key, value in role.items()})
    make_tiny(clone.path / "params.yaml", {"lambda_sparse_m": 10.0})


def copy_of(clone: Clone, path: Path) -> Clone:
    """The same repository elsewhere, with DVC's cache and without MLflow's records, which name their place."""
    shutil.copytree(clone.path, path, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db*", "mlartifacts"))
    return Clone(path)


def start(path: Path, extended: bool, programs: Path | None = None) -> Clone:
    """The project's files as a repository of its own with tiny params, its data stages done and committed."""
    clone = Clone(path, programs)
    copy_project(path)
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    if extended:  # first: the diffs are those of the files as they stand
        extend(clone)
    make_tiny(path / "params.yaml", SHARED if extended else OVERRIDES)
    # Before any experiment: an experiment knows the remotes of its own commit.
    clone.run("dvc", "remote", "add", "--default", "team", str(path.parent / "team"))
    clone.commit("tiny")
    clone.run("dvc", "repro", "prepare", "truth", "reference")
    clone.commit("data")
    return clone


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """A `python` and a `dvc` that start fast; the long tests run the usual ones."""
    with forks() as folder:
        yield folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, programs) -> Clone:
    """The project with the additions, its data stages done."""
    return start(tmp_path_factory.mktemp("e2e") / "clone", extended=True, programs=programs)


@pytest.fixture(scope="session")
def without_models(tmp_path_factory) -> Clone:
    """The project as it stands, its data stages done."""
    return start(tmp_path_factory.mktemp("e2e") / "plain", extended=False)


@pytest.fixture(scope="session")
def never_killed(prepared, tmp_path_factory) -> Clone:
    """A copy with DefGAN trained and measured in one go, by the stages' own commands and the usual `python`."""
    clone = copy_of(prepared, tmp_path_factory.mktemp("e2e") / "never killed")
    for stage in ("train", "edit", "evaluate"):
        clone.run("python", "-m", f"stages.{stage}", "defgan")
    return clone


@pytest.fixture(scope="session")
def finished(prepared, never_killed) -> tuple[Clone, str]:
    """`dvc repro`, killed three times with all its children, then run to its end; what it printed after the first kill.

    The first kill comes in a training, the others at random moments.
    """
    prepared.kill_in_training("dvc", "repro")
    moments = np.random.default_rng(0).uniform(2, 12, 2)
    output = "".join(prepared.kill_after(seconds, "dvc", "repro") for seconds in moments)
    output += prepared.run("dvc", "repro")
    prepared.commit("results")
    return prepared, output
