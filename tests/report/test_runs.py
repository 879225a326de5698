"""The runs on the page are those that the tracking wrote."""

import os
import subprocess

import pytest

from defgan.errors import UserError
from defgan.report.runs import latest_runs
from defgan.tracking import stage_run


def test_the_latest_finished_run_of_each_stage(tracked, monkeypatch):
    with stage_run("plan") as run:
        run.log_metrics({"edits": 1})
    with pytest.raises(RuntimeError), stage_run("truth"):
        raise RuntimeError
    before = latest_runs(tracked / "mlflow.db")
    monkeypatch.setenv("DVC_EXP_NAME", "other-exp")
    with stage_run("plan"):
        pass
    [only] = latest_runs(tracked / "mlflow.db")
    assert [only] == before and only.stage == "plan" and len(only.run) == 32 and only.seconds >= 0
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    assert only.commit == head
    [experiment] = latest_runs(tracked / "mlflow.db", os.environ["DVC_EXP_NAME"])
    assert experiment.run != only.run


def test_no_database_means_no_runs_and_another_file_is_named(tmp_path):
    assert latest_runs(tmp_path / "mlflow.db") == []
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to look at")
    with pytest.raises(UserError, match=r"mlflow\.db: cannot be read"):
        latest_runs(tmp_path / "mlflow.db")
