"""How commands end: in one line that says what to do, whatever went wrong with the disk or the terminal."""

import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from defgan.errors import UserError, plain_errors
from defgan.files import atomic_directory, atomic_file
from defgan.methods.model import save_weights
from defgan.training.checkpoint import save_state
from tests.conftest import ROOT

ROOM = 200_000
"""Bytes that can be written."""
NOISE = np.random.default_rng(0).integers(0, 255, (600, 600, 3), np.uint8)


def write_whole_directory(path):
    with atomic_directory(path) as directory:
        np.save(directory / "pixels.npy", NOISE)


def through(write):
    """The writer, by way of a temporary file."""

    def written(path):
        with atomic_file(path) as temporary:
            write(temporary)

    return written


WRITERS = {
    "text.json": through(lambda path: path.write_text("x" * 10**6, encoding="utf-8")),
    "array.npy": through(lambda path: np.save(path, NOISE)),
    "arrays.npz": through(lambda path: np.savez(path, noise=NOISE)),
    "table.parquet": through(lambda path: pd.DataFrame(NOISE.reshape(-1, 3)).to_parquet(path)),
    "table.csv": through(lambda path: pd.DataFrame(NOISE.reshape(-1, 3)).to_csv(path)),
    "image.png": through(lambda path: Image.fromarray(NOISE).save(path)),
    "weights.safetensors": lambda path: save_weights({"noise": torch.from_numpy(NOISE)}, path),
    "state.pt": lambda path: save_state(path, {"noise": torch.from_numpy(NOISE)}),
    "directory": write_whole_directory,
}


@pytest.fixture(params=["full disk", "limit of file sizes"])
def no_room(request, tmp_path):
    """A folder that holds ROOM bytes: a small disk of its own, or any disk under `ulimit -f`."""
    if request.param == "full disk":
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", tmp_path], capture_output=True, check=False
        )
        if not mounted or mounted.returncode:
            pytest.skip("may not mount a small disk here")
        yield tmp_path
        # Lazily: what a failed write left open must not keep it.
        subprocess.run(["umount", "--lazy", tmp_path], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing_half_written(no_room, capsys):
    said = {}
    for name, write in WRITERS.items():
        with pytest.raises(SystemExit) as ended, plain_errors("stage"):
            write(no_room / name)
        assert ended.value.code == 1
        said[name] = capsys.readouterr().err
        assert list(no_room.iterdir()) == [], name
    wrong = {name: text for name, text in said.items() if not text.startswith("stage: the disk is full, or a quota or")}
    assert not wrong and all(text.count("\n") == 1 for text in said.values())


def test_other_errors_are_shown_whole():
    with pytest.raises(ZeroDivisionError), plain_errors("stage"):
        raise ZeroDivisionError


def test_a_terminal_without_the_letters_ends_no_command():
    script = """
from stages.common import console
from defgan.errors import UserError, plain_errors
with plain_errors("stage"):
    console.print("Fr\\u00e9chet \\u00d7")
    raise UserError("\\u03bb_cyc: \\u2026")
"""
    ascii_only = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PATH": os.environ["PATH"]}
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=ascii_only, capture_output=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == b"Fr\\xe9chet \\xd7\n" and ended.stderr == b"stage: \\u03bb_cyc: \\u2026\n"


def test_an_error_of_the_user_is_one_line(capsys):
    with pytest.raises(SystemExit), plain_errors("plan"):
        raise UserError("data/[red]: no such folder")
    assert capsys.readouterr().err == "plan: data/[red]: no such folder\n"
