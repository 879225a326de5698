"""Twenty kills at random moments, a queue among them: the run after them has the bytes of one that was never killed."""

import subprocess
import time

import numpy as np
import psutil
import pytest
from ruamel.yaml import YAML

from tests.e2e.conftest import copy_of, copy_project, make_tiny
from tests.e2e.repository import DEADLINE, Clone

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(7200)]

IN_REPRO, IN_QUEUE = 15, 5
"""Kills."""
EXPERIMENT = ("-S", "ganimation.lambda_cyc=5", "train@ganimation")
rng = np.random.default_rng(20)


@pytest.fixture(scope="module")
def whole(without_models, tmp_path_factory) -> Clone:
    """A repository in which nothing was ever killed."""
    clone = copy_of(without_models, tmp_path_factory.mktemp("kills") / "whole")
    clone.run("dvc", "repro")
    clone.commit("results")
    return clone


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Clone:
    """A repository in which `dvc repro` was killed again and again, from the first stage on, then run to its end."""
    clone = Clone(tmp_path_factory.mktemp("kills") / "killed")
    copy_project(clone.path)
    make_tiny(clone.path / "params.yaml")
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    clone.commit("tiny")
    for seconds in rng.uniform(2, 60, IN_REPRO):
        clone.kill_after(seconds, "dvc", "repro")
        assert not psutil.wait_procs(clone.at_work(), 10)[1]
    clone.run("dvc", "repro")
    clone.commit("results")
    return clone


def test_killed_runs_end_with_the_same_bytes(whole, killed):
    assert killed.digests() == whole.digests()
    assert not list(killed.path.rglob(".*.partial*"))


def start_queue(clone: Clone) -> None:
    """Start the worker, a process that lives on: it must not hold a pipe of this one."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["dvc", "queue", "start"], cwd=clone.path, env=clone.env, check=True, **quiet)


def test_a_killed_queue_goes_on_when_the_experiment_is_queued_again(whole, killed):
    for number, seconds in enumerate(rng.uniform(10, 60, IN_QUEUE)):
        killed.run("dvc", "exp", "run", "--queue", "--name", f"killed-{number}", *EXPERIMENT)
        start_queue(killed)
        time.sleep(seconds)
        for process in killed.at_work():
            process.kill()
    killed.run("dvc", "exp", "run", "--queue", "--name", "last", *EXPERIMENT)
    start_queue(killed)
    until = time.monotonic() + DEADLINE
    while "last" not in killed.run("dvc", "exp", "list", "--name-only").split():
        assert time.monotonic() < until, killed.run("dvc", "queue", "status")
        time.sleep(2)
    killed.run("dvc", "queue", "stop", "--kill")
    killed.run("dvc", "exp", "apply", "last")
    whole.run("dvc", "exp", "run", *EXPERIMENT)
    locks = [YAML(typ="safe").load(clone.path / "dvc.lock")["stages"]["train@ganimation"] for clone in (whole, killed)]
    assert locks[0] == locks[1]
