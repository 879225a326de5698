"""What a run leaves in MLflow, and what it never does to the command that it records."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing

import pytest

from defgan import tracking
from defgan.tracking import flatten, start_run
from defgan.tracking_writer import EXPERIMENT, WAITING, open_store

DEADLINE = 300


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """A database of MLflow's with its tables, which take seconds to make; and another place in it."""
    root = tmp_path_factory.mktemp("empty")
    with open_store(root) as client:
        client.create_experiment(EXPERIMENT, artifact_location=(root / "mlartifacts").as_uri())
    return root / "mlflow.db"


def rows(root, query):
    with sqlite3.connect(root / "mlflow.db") as connection:
        return connection.execute(query).fetchall()


def test_flatten_joins_names_with_dots():
    assert flatten({"a": {"b": 1, "c": {"d": None}}, "e": [1, 2]}) == {"a.b": 1, "a.c.d": None, "e": [1, 2]}


def test_a_run_records_params_metrics_artifacts_and_tags(tracked, tmp_path, monkeypatch):
    workspace = tmp_path / "temporary workspace"
    workspace.mkdir()
    monkeypatch.chdir(workspace)
    (workspace / "sheets").mkdir()
    sheet = workspace / "sheets" / "sheet.txt"
    sheet.write_text("as logged")
    with start_run(tracked, "train@defgan gummy-suit", {"stage": "train@defgan", "variant": "gummy-suit"}) as run:
        run.log_params({"lambda_cyc": 50.0, "training": {"beta1": 0.5}, "long": "x" * 7000})
        for step in range(1500):
            run.log_metrics({"loss_g": 2.0 * step}, step=step)
        run.log_metrics({"gain": {"happy": 0.25, "sad": None}})
        run.log_artifact(sheet)
        run.log_artifact(sheet.parent, "folder")
        sheet.write_text("changed afterwards")

    assert rows(tracked, "select status, name from runs") == [("FINISHED", "train@defgan gummy-suit")]
    params = dict(rows(tracked, "select key, value from params"))
    assert params.pop("long") == "x" * 6000
    assert params == {"lambda_cyc": "50.0", "training.beta1": "0.5"}
    curve = rows(tracked, "select count(*), max(step), max(value) from metrics where key = 'loss_g'")
    assert curve == [(1500, 1499, 2998)]
    assert rows(tracked, "select key, value from metrics where key like 'gain%'") == [("gain.happy", 0.25)]
    tags = dict(rows(tracked, "select key, value from tags"))
    assert {"stage": "train@defgan", "variant": "gummy-suit"}.items() <= tags.items()
    [(uri,)] = rows(tracked, "select artifact_uri from runs")
    assert uri.startswith((tracked / "mlartifacts").as_uri())
    artifacts = {path.relative_to(tracked / "mlartifacts"): path for path in (tracked / "mlartifacts").rglob("*.txt")}
    assert sorted("/".join(name.parts[2:]) for name in artifacts) == ["folder/sheets/sheet.txt", "sheet.txt"]
    assert {path.read_text() for path in artifacts.values()} == {"as logged"}
    assert not list(workspace.glob("ml*"))


def test_three_stages_at_once_on_a_new_store_end_as_they_ended(tracked):
    script = """
        import os, signal, sys
        from pathlib import Path
        from defgan.errors import UserError
        from defgan.tracking import start_run
        with start_run(Path(sys.argv[2]), sys.argv[1], {}) as run:
            run.log_params({"lambda_cyc": 100.0})
            run.log_metrics({"loss": 1.0}, step=1)
            if sys.argv[1] == "broken":
                raise UserError("bad input")
            if sys.argv[1] == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
    """
    processes = {
        name: subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), name, tracked], stderr=subprocess.PIPE)
        for name in ("whole", "broken", "killed")
    }
    errors = {name: process.communicate(timeout=DEADLINE)[1].decode() for name, process in processes.items()}
    assert {name: process.returncode for name, process in processes.items()} == {
        "whole": 0,
        "broken": 1,
        "killed": -signal.SIGKILL,
    }
    assert errors["whole"] == "" and "bad input" in errors["broken"]
    wanted = {"whole": "FINISHED", "broken": "FAILED", "killed": "KILLED"}
    until = time.monotonic() + DEADLINE
    while dict(rows(tracked, "select name, status from runs")) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    assert dict(rows(tracked, "select name, status from runs")) == wanted
    assert rows(tracked, "select count(*) from experiments where name = 'defgan'") == [(1,)]
    assert rows(tracked, "select count(*) from params") == rows(tracked, "select count(*) from metrics") == [(3,)]


def test_without_mlflow_a_stage_runs_and_says_so(tracked, monkeypatch, capsys):
    monkeypatch.setattr(tracking, "mlflow_installed", lambda: False)
    with start_run(tracked, "targets", {}) as run:
        run.log_params({"seed": 0})
        run.log_metrics({"a": 1.0})
        run.log_artifact("not there")
    assert capsys.readouterr().err.splitlines() == ["tracking: MLflow is not installed, so this run is not recorded"]
    assert not list(tracked.iterdir())


def test_a_directory_that_is_not_there_does_not_stop_the_command(tracked, capfd):
    with start_run(tracked / "not there", "targets", {}) as run:
        run.log_metrics({"a": 1.0})
        run.log_artifact(__file__)
    assert "this run is not recorded: " in capfd.readouterr().err


def test_what_a_broken_store_refuses_is_kept_and_written_later(tracked, empty_store, capfd):
    (tracked / "mlflow.db").write_text("no database, but long enough to be looked at for one" * 99)
    (tracked / "sheet.txt").write_text("kept")
    with start_run(tracked, "early", {"stage": "early"}) as run:
        run.log_metrics({"a": 1.0})
        run.log_artifact(tracked / "sheet.txt")
        run.log_artifact(tracked / "none.txt")
    errors = capfd.readouterr().err
    assert "DatabaseError" in errors and "the next command writes it" in errors and "none.txt is not recorded" in errors
    shutil.copy(empty_store, tracked / "mlflow.db")
    # A writer that died leaves its spool, too; the power cut came within a line.
    [spool] = (tracked / WAITING).iterdir()
    dead = shutil.copytree(spool, spool.with_name("dead"))
    lines = (dead / "records.jsonl").read_text(encoding="utf-8").replace('"early"', '"dead"').splitlines()
    (dead / "records.jsonl").write_text("\n".join(lines[:2]) + "\n" + lines[2][:9], encoding="utf-8")

    with start_run(tracked, "late", {"stage": "late"}):
        pass
    assert capfd.readouterr().err == ""
    assert dict(rows(tracked, "select name, status from runs")) == {
        "early": "FINISHED",
        "late": "FINISHED",
        "dead": "KILLED",
    }
    assert rows(tracked, "select key, value from metrics") == [("a", 1.0)] * 2
    ends = dict(rows(tracked, "select name, end_time from runs"))
    assert ends["dead"] <= ends["early"] < ends["late"]  # as the records say, not when they were written
    assert [path.read_text() for path in (tracked / "mlartifacts").rglob("sheet.txt")] == ["kept"]
    assert list((tracked / WAITING).iterdir()) == []


def test_a_locked_database_is_waited_for(tracked, empty_store, capfd):
    shutil.copy(empty_store, tracked / "mlflow.db")
    with closing(sqlite3.connect(tracked / "mlflow.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin exclusive")
        release = threading.Timer(7, other.rollback)  # longer than SQLite and MLflow wait by themselves
        release.start()
        with start_run(tracked, "targets", {}) as run:
            run.log_metrics({"a": 1.0})
        release.join()
    assert rows(tracked, "select status from runs") == [("FINISHED",)] and capfd.readouterr().err == ""


def test_artifacts_follow_a_repository_that_moves(tracked, empty_store):
    old, new = tracked / "old place", tracked / "new place"
    old.mkdir()
    shutil.copy(empty_store, old / "mlflow.db")
    (tracked / "sheet.txt").write_text("sheet")

    def record(root, name):
        with start_run(root, name, {}) as run:
            run.log_artifact(tracked / "sheet.txt")

    record(old, "before")
    old.rename(new)
    record(new, "after")
    assert (
        not old.exists()
        and not (empty_store.parent / "mlartifacts").exists()
        and len(list(new.rglob("sheet.txt"))) == 2
    )
    with open_store(new) as client:
        runs = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
        assert {run.info.run_name for run in runs} == {"before", "after"}
        for run in runs:
            [found] = client.list_artifacts(run.info.run_id)
            assert open(client.download_artifacts(run.info.run_id, found.path), encoding="utf-8").read() == "sheet"


def test_ctrl_c_ends_the_run_as_killed(tracked):
    script = """
        import signal, sys, time
        from pathlib import Path
        from defgan.tracking import start_run
        # A shell's background jobs, such as a run of these tests, begin deaf to it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with start_run(Path(sys.argv[1]), "train", {}):
            print("begun", flush=True)
            time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), tracked],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(DEADLINE) != 0
    assert rows(tracked, "select status from runs") == [("KILLED",)]
