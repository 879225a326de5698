"""The process that writes one run to MLflow: JSON lines on standard input, sent by `defgan.tracking`.

`start` comes first, then any number of `params`, `metrics` and `artifact`, then `end`. Input that stops without `end`
means that the command was killed.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAMS_AT_ONCE = 100
METRICS_AT_ONCE = 1000
"""MLflow's limits per call."""
VALUE_LENGTH = 6000
"""MLflow's limit for the text of a param's value."""
METRICS_MILLISECONDS = 3000
"""How long metrics are gathered before they are written together: a call costs milliseconds, however many it writes."""


@contextmanager
def open_store(root: Path) -> Iterator[MlflowClient]:
    """A client of the store at `root`, created where it does not exist; no other process opens it at the same time."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # Two processes that create the database's tables at the same time fail.
    with open(root / "mlflow.db.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield MlflowClient(f"sqlite:///{root / 'mlflow.db'}")


def write(start: dict, records: Iterable[dict]) -> None:
    """Write the run that `start` opens and `records` fill."""
    root, name = Path(start["root"]), start["experiment"]
    with open_store(root) as client:
        found = client.get_experiment_by_name(name)
        location = (root / "mlartifacts").as_uri()
        experiment = found.experiment_id if found else client.create_experiment(name, artifact_location=location)

    from mlflow.entities import Metric, Param

    created = client.create_run(experiment, start_time=start["time"], tags=start["tags"], run_name=start["name"])
    run = created.info.run_id
    waiting: list[Metric] = []

    def write_metrics() -> None:
        for first in range(0, len(waiting), METRICS_AT_ONCE):
            client.log_batch(run, metrics=waiting[first : first + METRICS_AT_ONCE])
        waiting.clear()

    status, ended = "KILLED", None
    for record in records:
        match record["kind"]:
            case "params":
                params = [Param(key, value[:VALUE_LENGTH]) for key, value in record["values"].items()]
                for first in range(0, len(params), PARAMS_AT_ONCE):
                    client.log_batch(run, params=params[first : first + PARAMS_AT_ONCE])
            case "metrics":
                moment = (record["time"], record["step"])
                waiting += [Metric(key, value, *moment) for key, value in record["values"].items()]
                if record["time"] - waiting[0].timestamp >= METRICS_MILLISECONDS:
                    write_metrics()
            case "artifact":
                client.log_artifact(run, record["path"], record["folder"])
            case "end":
                status, ended = record["status"], record["time"]
    write_metrics()
    client.set_terminated(run, status, ended)


if __name__ == "__main__":
    # MLflow works without pandas, of which nothing here makes use; importing both takes half as long again.
    sys.modules["pandas"] = None
    lines = map(json.loads, sys.stdin)
    first = next(lines)
    try:
        write(first, lines)
    except Exception as error:
        sys.exit(f"tracking: {type(error).__name__}: {error}")
    finally:
        shutil.rmtree(first["spool"], ignore_errors=True)
