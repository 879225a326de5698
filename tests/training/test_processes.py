"""Training in processes of its own: killed and run again, and shared by two."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

TOLERANCE = {10: 2e-3, 20: 1e-2}
"""Of the loss trace of two processes against one by iteration, relative: sums are taken in another order, and Adam
takes full steps from gradients near 0 whatever their rounding."""


def start(name: str, directory: Path, processes: int = 1) -> subprocess.Popen:
    directory.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.process_run", name, str(directory), str(processes)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(name: str, directory: Path, processes: int = 1) -> list[dict[str, float]]:
    process = start(name, directory, processes)
    process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads((directory / "rows.json").read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Callable[[str], Path]:
    """The directory of a method's run that one process made without a break; each is made once."""

    @cache
    def made(name: str) -> Path:
        directory = tmp_path_factory.mktemp(name)
        run(name, directory)
        return directory

    return made


@pytest.mark.long
def test_a_run_killed_at_any_moment_ends_with_the_same_weights_to_the_bit(whole, tmp_path):
    """The end-to-end tests kill a stage that trains, and compare all that it writes. This looks at the trainer alone."""
    # Killed when it says that it is at iteration 10: somewhere in the steps and saves that follow.
    process = start("defgan", tmp_path / "killed")
    for line in process.stdout:
        if line.strip() == "10":
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    rows = run("defgan", tmp_path / "killed")
    assert rows == json.loads((whole("defgan") / "rows.json").read_text())
    weights = "final.safetensors"
    assert (tmp_path / "killed" / weights).read_bytes() == (whole("defgan") / weights).read_bytes()


# How a batch is shared is the trainer's, the same for every method; `make test-long` looks at a second one.
@pytest.mark.parametrize("name", ["defgan", pytest.param("stargan", marks=pytest.mark.long)])
def test_two_processes_with_half_the_batch_each_follow_one(name, whole, tmp_path):
    one, two = json.loads((whole(name) / "rows.json").read_text()), run(name, tmp_path / "two", processes=2)
    assert [row["step"] for row in one] == [10, 20]
    compared = [key for key in one[0] if key not in ("step", "offset_max")]
    for row_one, row_two in zip(one, two, strict=True):
        for key in compared:
            assert row_two[key] == pytest.approx(row_one[key], rel=TOLERANCE[row_one["step"]], abs=2e-4), (
                key,
                row_one["step"],
            )
