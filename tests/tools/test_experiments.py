"""What is said of a DVC command that failed."""

import pytest

from defgan.errors import UserError
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
    with pytest.raises(UserError, match=r"git rev-parse: .*not a git repository"):
        experiments.git("rev-parse", "HEAD")
