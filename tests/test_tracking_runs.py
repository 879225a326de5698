"""The runs on the page are those that the tracking wrote."""

import subprocess

import pytest

from defgan import tracking_runs
from defgan.errors import UserError
from defgan.tracking import start_run
from defgan.tracking_runs import latest_runs
from defgan.tracking_writer import EXPERIMENT, open_store

LATER = 4_102_444_800_000  # the year 2100, in milliseconds


def test_the_latest_finished_run_of_each_stage(tracked):
    with start_run(tracked, "plan", {"stage": "plan"}) as run:
        run.log_metrics({"edits": 1})
    [first] = latest_runs(tracked, "variant")
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    assert first.stage == "plan" and len(first.run) == 32 and first.seconds >= 0 and first.commit == head

    later = {}
    with open_store(tracked) as client:
        for minute, (name, status, tags) in enumerate(
            (
                ("truth", "FAILED", {"stage": "truth"}),
                ("check", "FINISHED", {"stage": "check"}),
                ("variant", "FINISHED", {"stage": "plan", "variant": "other"}),
                ("plan", "FINISHED", {"stage": "plan"}),
                ("of something else", "FINISHED", {}),
            )
        ):
            start = LATER + 60_000 * minute
            made = client.create_run(client.get_experiment_by_name(EXPERIMENT).experiment_id, start, tags)
            client.set_terminated(made.info.run_id, status, start + 1500)
            later[name] = made.info.run_id
    runs = latest_runs(tracked, "variant")
    assert [(run.stage, run.run) for run in runs] == [("check", later["check"]), ("plan", later["plan"])]
    assert (runs[0].started, runs[0].seconds, runs[0].commit) == ("2100-01-01 00:01", 1.5, "")
    assert [run.run for run in latest_runs(tracked, "variant", "other")] == [later["check"], later["plan"]]


def test_no_store_means_no_runs_and_another_file_is_named(tmp_path, tracked):
    assert latest_runs(tmp_path, "variant") == []
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to look at")
    with pytest.raises(UserError, match=r"mlflow\.db: cannot be read") as caught:
        latest_runs(tmp_path, "variant")
    assert "\n" not in str(caught.value)


def test_without_mlflow_there_are_no_runs(tmp_path, monkeypatch):
    (tmp_path / "mlflow.db").write_text("whatever it holds")
    monkeypatch.setattr(tracking_runs, "mlflow_installed", lambda: False)
    assert latest_runs(tmp_path, "variant") == []
