"""A team's MLflow server: records go to it, wait while it is away, and its pages put experiments side by side."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from defgan.errors import UserError
from defgan.tracking import start_run
from defgan.tracking_runs import latest_runs
from defgan.tracking_writer import ADDRESS, WAITING
from tools import mlflow_screenshot as pictures
from tools.mlflow_ui import HOST, NO_JOBS, free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

START_SECONDS = 300


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """A server with a SQLite database, which alone reads and writes artifacts: its address and its folder."""
    folder, port = tmp_path_factory.mktemp("server"), free_port(25000)
    address = f"http://{HOST}:{port}"
    places = (
        "--backend-store-uri",
        f"sqlite:///{folder}/team.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    )
    command = (sys.executable, "-m", "mlflow", "server", *places, "--host", HOST, "--port", str(port), "--workers", "1")
    options = {"cwd": folder, "env": os.environ | dict([NO_JOBS]), "start_new_session": True}
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, **options) as process:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.5)
        yield address, folder
        os.killpg(process.pid, signal.SIGTERM)


def test_records_go_to_the_server_and_wait_while_it_is_away(team, tracked, monkeypatch, capfd):
    address, folder = team
    (tracked / "sheet.txt").write_text("sheet")
    monkeypatch.setenv(ADDRESS, f"http://{HOST}:{free_port(26000)}")
    with start_run(tracked, "early", {"stage": "early"}) as run:
        run.log_artifact(tracked / "sheet.txt", "sheets")
    assert "the next command writes it" in capfd.readouterr().err and any((tracked / WAITING).iterdir())
    with pytest.raises(UserError, match=f"{ADDRESS}=.*: cannot be read"):
        latest_runs(tracked, "variant")

    monkeypatch.setenv(ADDRESS, address)
    with start_run(tracked, "late", {"stage": "late"}) as run:
        run.log_params({"lambda_cyc": 100.0})
        run.log_data("data/prepared/train", "0123456789abcdef" * 4)
        run.log_metrics({"frechet": 50.0})
    assert capfd.readouterr().err == ""
    assert {run.stage for run in latest_runs(tracked, "variant")} == {"early", "late"}
    assert [path.read_text() for path in (folder / "artifacts").rglob("sheets/sheet.txt")] == ["sheet"]
    assert not list((tracked / WAITING).iterdir())
    assert sorted(path.name for path in tracked.iterdir()) == [WAITING, "sheet.txt"]


def test_five_values_of_a_coefficient_side_by_side(team, tmp_path, monkeypatch, browser, capsys):
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    address, _ = team
    client = MlflowClient(address)
    found = client.get_experiment_by_name("defgan")
    experiment = found.experiment_id if found else client.create_experiment("defgan")
    with pytest.raises(SystemExit):
        pictures.mlflow_screenshot(address, output=tmp_path / "mlflow.png")
    assert "fewer than two runs of evaluate@defgan that differ in lambda_cyc" in capsys.readouterr().err
    for minute, (value, frechet) in enumerate([(10, 0), (200, 51), (50, 50), (10, 61), (100, 47), (25, 55)]):
        start = 1_800_000_000_000 + 60_000 * minute
        run = client.create_run(experiment, start, {"stage": "evaluate@defgan"}, f"evaluate@defgan {value}").info.run_id
        params = [Param("lambda_cyc", f"{value}.0"), Param("lambda_comp", "10.0")]
        metrics = [Metric("frechet", frechet, start, 0), Metric("au_error", 0.1, start, 0)]
        client.log_batch(run, metrics, params)
        client.set_terminated(run, "FINISHED", start + 9000)
    # The browser at hand: Playwright runs once in a process.
    chosen = pictures.runs_by_param(address, "evaluate@defgan", "lambda_cyc")
    assert [client.get_run(run).data.metrics["frechet"] for run in chosen[1]] == [61, 55, 50, 47, 51]
    picture = pictures.comparison(browser, address, chosen, "lambda_cyc", "frechet")
    pictures.save(picture, tmp_path / "mlflow.png")
    with Image.open(tmp_path / "mlflow.png") as written:
        assert written.width == pictures.WINDOW["width"] and 600 < written.height < 1000
        assert len(np.unique(np.asarray(written.convert("RGB")).reshape(-1, 3), axis=0)) > 50
    assert os.path.getsize(tmp_path / "mlflow.png") < 150_000
