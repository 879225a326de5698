"""Which recorded runs made the results. MLflow, which takes seconds to import, is imported when this is asked."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from defgan.errors import UserError
from defgan.tracking import mlflow_installed
from defgan.tracking_writer import ADDRESS, EXPERIMENT, database, open_store


@dataclass(frozen=True)
class RecordedRun:
    """The latest finished run of a stage."""

    stage: str
    run: str
    experiment: str  # MLflow's number of the experiment
    commit: str  # "" outside git
    started: str  # UTC, to the minute
    seconds: float


def latest_runs(root: Path, tag: str, value: str = "") -> list[RecordedRun]:
    """The latest finished run of each stage in the store at `root`, in the order of their start.

    Where MLFLOW_TRACKING_URI names another store, such as a server, that one is asked. Runs that have the tag `tag`
    count only where it has this value. The list is empty where there is no store, or no MLflow to read it. Raises
    UserError for a file that is no database of MLflow's and for a server that does not answer.
    """
    address, own = os.environ.get(ADDRESS), database(root)
    if not mlflow_installed() or not (address or own.is_file()):
        return []
    from mlflow.exceptions import MlflowException

    try:
        if not address:
            # MLflow tries a broken file again and again, for a minute and a half.
            with closing(sqlite3.connect(f"{own.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("pragma schema_version")
        with open_store(root) as client:
            found = client.get_experiment_by_name(EXPERIMENT)
        query, runs, page = "attributes.status = 'FINISHED' and tags.stage like '%'", [], ""
        while found and page is not None:
            oldest_first = ["attributes.start_time ASC"]
            answer = client.search_runs([found.experiment_id], query, order_by=oldest_first, page_token=page or None)
            runs, page = runs + list(answer), answer.token
    except (sqlite3.Error, MlflowException) as error:
        said = " ".join(str(error).split())
        if address:
            raise UserError(f"{ADDRESS}={address}: cannot be read ({said}); unset it to use mlflow.db") from None
        raise UserError(f"{own}: cannot be read ({said}); move it away and the page is made without it") from None
    latest = {}
    for run in runs:
        tags = run.data.tags
        if tags.get(tag, value) != value:
            continue
        latest.pop(tags["stage"], None)
        latest[tags["stage"]] = RecordedRun(
            stage=tags["stage"],
            run=run.info.run_id,
            experiment=run.info.experiment_id,
            commit=tags.get("git_commit", ""),
            started=datetime.fromtimestamp(run.info.start_time / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
            seconds=(run.info.end_time - run.info.start_time) / 1000,
        )
    return list(latest.values())
