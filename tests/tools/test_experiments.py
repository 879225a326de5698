"""What is said of a DVC command that failed, what is refused before one runs, and what ends with it."""

import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from defgan.errors import UserError
from tests.conftest import ROOT
from tools import experiments


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        (
            ["> python", "train@defgan: no faces", "ERROR: failed to reproduce"],
            "train@defgan: no faces; failed to reproduce",
        ),
        (["Stage 'plan' didn't change, skipping", "ERROR: missing data", "more"], "missing data"),
        (["No module named dvc"], "No module named dvc"),
        ([], "no output"),
    ],
)
def test_the_reason_is_short_and_the_log_whole(tmp_path, monkeypatch, printed, reason):
    script = tmp_path / "dvc.py"
    script.write_text("import sys\n" + "".join(f"print({line!r})\n" for line in printed) + "sys.exit(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = tmp_path / "logs/dvc.log"
    with pytest.raises(UserError) as caught:
        experiments.dvc(["exp", "run"], log, lambda stage: None)
    assert str(caught.value) == f"{reason} (whole output: {log})"
    assert log.read_text().splitlines() == printed


def test_every_stage_that_runs_is_heard_of(tmp_path, monkeypatch):
    (tmp_path / "dvc.py").write_text("print(\"Running stage 'train@defgan':\")\nprint(\"Stage 'plan' did not\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard = []
    experiments.dvc(["repro"], tmp_path / "dvc.log", heard.append)
    assert heard == ["train@defgan"]


def test_what_git_says_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"git rev-parse: .*not a git repository.*`git init`"):
        experiments.git("rev-parse", "HEAD")


def test_photographs_that_a_copy_would_lack_are_refused_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("tracked", "ignored"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_text("a photograph")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    subprocess.run("git init --quiet . && git add .", shell=True, check=True)
    fine = {"train": "data/corpus/train", "wild": "tracked", "mug": str(tmp_path / "ignored"), "rafd": "./tracked/"}
    experiments.check_data({role: {"path": path} for role, path in fine.items()})
    for role, path in (("train", "ignored"), ("wild", "data/corpus/train"), ("mug", "nowhere")):
        with pytest.raises(UserError, match=rf"data\.{role}\.path: .*{path}.* absolute path"):
            experiments.check_data({role: {"path": path}})


def test_sigterm_ends_everything_that_the_command_started(tmp_path, monkeypatch):
    """DVC's stage ends with it, though it is a child's child; the process with a session of its own ends itself."""
    (tmp_path / "dvc.py").write_text(
        textwrap.dedent(
            """
            import subprocess, sys
            training = subprocess.Popen("exec sleep 100 & wait", shell=True)
            writer = subprocess.Popen(["sleep", "100"], start_new_session=True)
            print(f"Running stage '{training.pid} {writer.pid}':", flush=True)
            training.wait()
            """
        )
    )
    script = """
        from pathlib import Path
        from tools import experiments
        experiments.dvc(["repro"], Path("dvc.log"), lambda name: print(name, flush=True))
    """
    path = f"{tmp_path}:{ROOT}"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    training, writer = map(int, process.stdout.readline().split())
    [dvc] = psutil.Process(process.pid).children()
    at_work = [dvc, psutil.Process(training), *psutil.Process(training).children()]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in at_work)
    assert psutil.Process(writer).status() != psutil.STATUS_ZOMBIE
    psutil.Process(writer).kill()
