"""Which recorded runs made the results: read from MLflow's database without MLflow."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from defgan.errors import UserError

_QUERY = """
    select stage.value, runs.run_uuid, runs.experiment_id, commits.value, runs.start_time, runs.end_time
    from runs
    join tags stage on stage.run_uuid = runs.run_uuid and stage.key = 'stage'
    left join tags commits on commits.run_uuid = runs.run_uuid and commits.key = 'git_commit'
    left join tags experiment on experiment.run_uuid = runs.run_uuid and experiment.key = 'DVC_EXP_NAME'
    where runs.status = 'FINISHED' and runs.lifecycle_stage = 'active'
      and (experiment.value is null or experiment.value = ?)
    order by runs.start_time
"""


@dataclass(frozen=True)
class RecordedRun:
    """The latest finished run of a stage."""

    stage: str
    run: str
    experiment: str  # MLflow's number of the experiment
    commit: str  # "" outside git
    started: str  # UTC, to the minute
    seconds: float


def latest_runs(database: Path, experiment: str = "") -> list[RecordedRun]:
    """The latest finished run of each stage, in the order of their start; empty where there is no database.

    Runs of DVC experiments count only where `experiment` names that one. Raises UserError for a file that is no
    database of MLflow's.
    """
    if not database.is_file():
        return []
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute(_QUERY, (experiment,)).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise UserError(f"{database}: cannot be read ({error}); move it away and the page is made without it") from None
    latest = {}
    for stage, run, number, commit, started, ended in rows:
        latest.pop(stage, None)
        at = datetime.fromtimestamp(started / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        latest[stage] = RecordedRun(stage, run, str(number), commit or "", at, (ended - started) / 1000)
    return list(latest.values())
