"""The process that writes one run to MLflow: JSON lines on standard input, sent by `defgan.tracking`.

`start` comes first, then any number of `params`, `metrics`, `data`, `note`, `artifact` and `model`, then `end`. Input
that stops without `end` means that the command was killed.

The records also lie in the run's spool, a directory in `mlflow.db.waiting/`, until all of them are written. Where that
fails, as with a locked database or a server that is away, the spool stays there. The next writer writes it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "defgan"
ADDRESS = "MLFLOW_TRACKING_URI"
"""The variable that names another store, such as a team's server."""
WAITING = "mlflow.db.waiting"
"""Directory of the spools, beside the database."""
RECORDS = "records.jsonl"
PARAMS_AT_ONCE = 100
METRICS_AT_ONCE = 1000
"""MLflow's limits per call."""
VALUE_LENGTH = 6000
"""MLflow's limit for the text of a param's value."""
NOTE_LENGTH = 8000
"""MLflow's limit for a run's note."""
LOADER = "defgan.tracking_model"
"""The module by which MLflow loads a model."""
METRICS_MILLISECONDS = 3000
"""How long metrics are gathered before they are written together: a call costs milliseconds, however many it writes."""
LOCK_SECONDS = 60
"""How long a locked database is waited for."""
_PLACES = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}
"""Where MLflow's database names absolute places of artifacts."""


def database(root: Path) -> Path:
    """The repository's own store."""
    return root / "mlflow.db"


def artifacts(root: Path) -> Path:
    """Where the repository's own store keeps files."""
    return root / "mlartifacts"


def _follow_a_move(root: Path) -> None:
    """MLflow would go on writing artifacts where the repository was before it was moved: set the places right."""
    if not database(root).is_file():
        return
    with closing(sqlite3.connect(database(root), timeout=LOCK_SECONDS)) as connection, connection:
        if not connection.execute("select 1 from sqlite_master where name = 'experiments'").fetchone():
            return
        query = "select artifact_location from experiments where name = ?"
        old, new = connection.execute(query, (EXPERIMENT,)).fetchone() or ("",), artifacts(root).as_uri()
        [old] = old
        if old == new or not old.endswith(f"/{artifacts(root).name}"):
            return
        for table, column in _PLACES.items():
            connection.execute(
                f"update {table} set {column} = ? || substr({column}, ?) where {column} = ? or instr({column}, ?) = 1",
                (new, len(old) + 1, old, f"{old}/"),
            )


@contextmanager
def open_store(root: Path, lock_seconds: float = LOCK_SECONDS) -> Iterator[MlflowClient]:
    """A client of the store that `ADDRESS` names, else of the one at `root`, created where it does not exist.

    No other process opens the one at `root` at the same time. Relative places in an address start at `root`.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # MLflow's own patience with a server that is away is minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    if address := os.environ.get(ADDRESS):
        os.chdir(root)
        yield MlflowClient(address)
        return
    # Two processes that create the database's tables at the same time fail.
    with open(root / "mlflow.db.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _follow_a_move(root)
        yield MlflowClient(f"sqlite:///{database(root)}?timeout={lock_seconds}")


def _experiment(client: MlflowClient, root: Path) -> str:
    """MLflow's number of the experiment, which is created where it does not exist."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    # A server decides where its artifacts lie.
    served = os.environ.get(ADDRESS, "").startswith(("http:", "https:"))
    try:
        return client.create_experiment(EXPERIMENT, None if served else artifacts(root).as_uri())
    except MlflowException:  # another machine was first
        if found := client.get_experiment_by_name(EXPERIMENT):
            return found.experiment_id
        raise


def _write_model(client: MlflowClient, experiment: str, run: str, folder: Path, record: dict) -> None:
    """Make the model whose files lie in `folder`; a server that knows no models keeps its weights as a file."""
    import mlflow
    import yaml
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.exceptions import MlflowException

    number = folder.with_name(".model")
    if number.is_file():  # an earlier try came so far
        made = client.get_logged_model(number.read_text(encoding="utf-8"))
    else:
        about = {key: value[:VALUE_LENGTH] for key, value in record["about"].items()}
        params = {key: value[:VALUE_LENGTH] for key, value in record["params"].items()}
        try:
            made = client.create_logged_model(experiment, record["name"], run, about, params)
        except MlflowException as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":
                raise
            client.log_artifact(run, str(folder / f"{record['name']}.safetensors"))
            return
        number.write_text(made.model_id, encoding="utf-8")
    if made.status == LoggedModelStatus.READY:
        return
    # By hand, as `mlflow.models` needs pandas.
    described = {
        "artifact_path": record["name"],
        "flavors": {"python_function": {"loader_module": LOADER, "python_version": platform.python_version()}},
        "metadata": record["about"],
        "mlflow_version": mlflow.__version__,
        "model_id": made.model_id,
        "model_uuid": made.model_id,
        "run_id": run,
        "signature": {side: json.dumps(record[side]) for side in ("inputs", "outputs")},
        "utc_time_created": str(datetime.fromtimestamp(record["time"] / 1000, UTC).replace(tzinfo=None)),
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    client.log_model_artifacts(made.model_id, str(folder))
    client.log_outputs(run, [LoggedModelOutput(made.model_id, step=0)])
    client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)


def write(root: Path, spool: Path, records: Iterable[dict], again: bool = False) -> None:
    """Write the run that `records` describe; `spool` has its files. `again`: an earlier try may have written a part."""
    records = iter(records)
    start = next(records)
    with open_store(root) as client:
        experiment = _experiment(client, root)

    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    number = spool / "run"
    if number.is_file():
        run = number.read_text(encoding="utf-8")
    else:
        created = client.create_run(experiment, start_time=start["time"], tags=start["tags"], run_name=start["name"])
        run = created.info.run_id
        number.write_text(run, encoding="utf-8")
    waiting: list[Metric] = []

    def write_metrics() -> None:
        for first in range(0, len(waiting), METRICS_AT_ONCE):
            client.log_batch(run, metrics=waiting[first : first + METRICS_AT_ONCE])
        waiting.clear()

    status, ended, latest = "KILLED", None, start["time"]
    for record in records:
        latest = record["time"]
        match record["kind"]:
            case "params":
                params = [Param(key, value[:VALUE_LENGTH]) for key, value in record["values"].items()]
                for first in range(0, len(params), PARAMS_AT_ONCE):
                    client.log_batch(run, params=params[first : first + PARAMS_AT_ONCE])
            case "metrics":
                moment = (record["time"], record["step"])
                waiting += [Metric(key, value, *moment) for key, value in record["values"].items()]
                if waiting and record["time"] - waiting[0].timestamp >= METRICS_MILLISECONDS:
                    write_metrics()
            case "data":
                data = Dataset(record["name"], record["digest"], "local", json.dumps({"uri": record["name"]}))
                client.log_inputs(run, [DatasetInput(data)])
            case "note":
                text = record["text"]
                whole = len(text) <= NOTE_LENGTH
                client.set_tag(run, "mlflow.note.content", text if whole else f"{text[: NOTE_LENGTH - 1]}…")
            case "model":
                _write_model(client, experiment, run, spool / record["path"], record)
            case "artifact":
                client.log_artifact(run, str(spool / record["path"]), record["folder"])
            case "end":
                status, ended = record["status"], record["time"]
    write_metrics()
    client.set_terminated(run, status, latest if again and ended is None else ended)


def _one_line(error: Exception) -> str:
    """What went wrong, without the SQL and the traces of a server that follow it."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _whole(lines: Iterable[str]) -> Iterator[dict]:
    """Records of a spool; a line that a power cut left unfinished ends them."""
    for line in lines:
        if not line.endswith("\n"):
            return
        yield json.loads(line)


def write_waiting(root: Path) -> int:
    """Write the runs whose own writers could not; return how many are left. Those of living writers are not touched."""
    left = 0
    for path in sorted((root / WAITING).glob(f"*/{RECORDS}")):
        try:
            with path.open(encoding="utf-8") as kept:
                fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Else another writer was faster, or this one's own has just begun.
                if path.is_file() and path.stat().st_size:
                    write(root, path.parent, _whole(kept), again=True)
                    shutil.rmtree(path.parent)
        except (BlockingIOError, FileNotFoundError):
            continue
        except Exception as error:
            left += 1
            print(f"tracking: {path.parent}: {_one_line(error)}", file=sys.stderr)
    return left


def main() -> None:
    """Write the run on standard input, then those that wait."""
    # Whoever ends a whole group of processes means the command; its end is still to be recorded here.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    first = sys.stdin.readline()
    start = json.loads(first)
    root, spool = Path(start["root"]), Path(start["spool"])
    with open(spool / RECORDS, "w", encoding="utf-8", buffering=1) as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)

        def records() -> Iterator[dict]:
            kept.write(first)
            yield start
            for line in sys.stdin:
                kept.write(line)
                yield json.loads(line)

        arriving = records()
        try:
            write(root, spool, arriving)
        except Exception as error:
            # What is still to come is kept, too. The generator itself may have failed: then nothing more comes.
            for _ in arriving:
                pass
            print(f"tracking: {_one_line(error)}", file=sys.stderr)
            sys.exit(1)
        shutil.rmtree(spool)
    write_waiting(root)


if __name__ == "__main__":
    # MLflow works without pandas, of which nothing here makes use; importing both takes half as long again.
    sys.modules["pandas"] = None
    main()
