"""What all tests share."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from defgan import tracking
from defgan.params import Params, load_params
from tests.server import running_server

ROOT = Path(__file__).parents[1]
END_TO_END = "tests/e2e/"
FIRST = (END_TO_END, "tests/training/")
"""The folders of the files that take longest: with short ones at the end, parallel workers end together."""

TINY = {
    "image_size": 32,
    "corpus.image_size": 64,
    "corpus.supersample": 1,
    "corpus.train.subjects": 6,
    "corpus.train.images_per_subject": 2,
    "corpus.wild.subjects": 3,
    "corpus.mug.subjects": 2,
    "corpus.rafd.subjects": 3,
    "corpus.pairs.scenes": 3,
    "corpus.pairs.images_per_scene": 4,
    "corpus.pairs.held_out": 1,
    "prepare.val_share": 0.2,
    "plan.instances": 2,
    "plan.grid_faces": 2,
    "plan.sweep_faces": 1,
    "plan.sweep_steps": 3,
    "plan.rafd_faces": 1,
    "plan.au_faces": 1,
    "plan.au_steps": 2,
    "plan.slider_faces": 1,
    "training.batches": 8,
    "training.batch_size": 2,
    "training.channels": 4,
    "training.critic_channels": 4,
    "training.residual_blocks": 1,
    "training.au_warmup_steps": 2,
    "training.sheet_every": 2,
    "supervised.batches": 4,
    "edit.batch_size": 8,
    "evaluate.batch_size": 8,
    "user_study.images_per_method": 1,
    "user_study.questions": 2,
    "user_study.near_neutral": 1.0,
    "user_study.near_frontal": 1.0,
}
"""Params (dotted keys) under which every stage takes seconds."""


def changed(values: dict, overrides: dict) -> dict:
    """Nested params with some dotted keys replaced; a key that does not exist is an error."""
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for dotted, value in overrides.items():
        key, _, rest = dotted.partition(".")
        if key not in result:
            raise KeyError(dotted)
        result[key] = changed(result[key], {rest: value}) if rest else value
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort them by `FIRST`."""
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in FIRST])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Parallel workers take a file at a time, and all end-to-end tests as one: these share a run of the pipeline."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return END_TO_END if nodeid.startswith(END_TO_END) else super()._split_scope(nodeid)

    return Scheduler(config, log)


@pytest.fixture
def params() -> Params:
    """The default experiment's params."""
    return load_params(ROOT / "params.yaml")


@pytest.fixture
def tiny_params(params) -> Params:
    """Params under which everything takes seconds."""
    return Params.model_validate(changed(params.model_dump(), TINY))


@pytest.fixture(scope="session")
def studio():
    """The corpus' head model; building it takes seconds."""
    from defgan.corpus.roles import Studio

    return Studio()


@pytest.fixture
def shared() -> Path:
    """A folder of real photographs beside the repository; the test is skipped where there is none."""
    path = ROOT.parent / "shared"
    if not (path / "faces").is_dir():
        pytest.skip("needs real photographs in ../shared/faces, which do not come with the project")
    return path


@pytest.fixture(autouse=True)
def untracked(request, monkeypatch) -> None:
    """Stages that run inside a test record nothing in MLflow, unless the test asks for `tracked`."""
    if "tracked" not in request.fixturenames:
        monkeypatch.setattr(tracking, "mlflow_installed", lambda: False)


@pytest.fixture
def tracked(tmp_path, monkeypatch) -> Path:
    """The root of an MLflow store of the test's own."""
    for name in ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def server():
    """A server on this machine; see `tests.server.Server`."""
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def browser():
    """Debian's headless Chromium, driven by Playwright; the test is skipped where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # Nothing is fetched: the pages are files, or served on this machine.
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield running
        running.close()
