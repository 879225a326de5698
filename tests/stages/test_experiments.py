"""What is said of a DVC command that failed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from defgan.errors import UserError
from stages import experiments


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
    assert str(caught.value) == f"{reason} (all of it: {log})"
    assert log.read_text().splitlines() == printed


def test_every_stage_that_runs_is_heard_of(tmp_path, monkeypatch):
    (tmp_path / "dvc.py").write_text("print(\"Running stage 'train@defgan':\")\nprint(\"Stage 'plan' did not\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard = []
    experiments.dvc(["repro"], tmp_path / "dvc.log", heard.append)
    assert heard == ["train@defgan"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_dvc_started_ends_with_it(tmp_path, number):
    (tmp_path / "dvc.py").write_text(
        "import subprocess\n"
        "training = subprocess.Popen(['sleep', '300'])\n"
        "print(f\"Running stage '{training.pid}':\", flush=True)\n"
        "training.wait()\n"
    )
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # whatever the tests were started from
        "from pathlib import Path\n"
        "from stages import experiments\n"
        "experiments.dvc(['repro'], Path(sys.argv[1]), lambda stage: print(stage, flush=True))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])}
    command = [sys.executable, "-c", script, str(tmp_path / "dvc.log")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        training = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(60) != 0
    for _ in range(100):
        try:
            with open(f"/proc/{training}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":  # ended, though nobody has asked how
                    return
        except OSError:
            return
        time.sleep(0.1)
    os.kill(training, signal.SIGKILL)
    pytest.fail("the training went on alone")


def test_what_git_says_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"git rev-parse: .*not a git repository"):
        experiments.git("rev-parse", "HEAD")
