"""One MLflow run per stage, in `mlflow.db` and `mlartifacts/` at the root of the main repository.

Importing MLflow takes seconds, more than some stages. A stage therefore hands its records to a writer process
(`defgan/tracking_writer.py`) that works beside it. That also makes the record honest: the run of a stage that was
killed ends as KILLED, not as one that runs forever. Without MLflow nothing is recorded, and one line says so.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EXPERIMENT = "defgan"
WRITER = Path(__file__).with_name("tracking_writer.py")
DVC_VARIABLES = ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
WAIT_SECONDS = 180
"""How long the end of a stage waits for its records to be written."""


def tracking_root() -> Path:
    """The directory of `mlflow.db` and `mlartifacts/`, absolute.

    DVC names the main repository in DVC_ROOT, also for experiments that run in a temporary copy of it (`--temp`,
    `--queue`); outside DVC it is the current directory, since stages run from the repository's root.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` to `{"a.b": 1}`."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


class Run:
    """The record of one stage run; every call returns at once."""

    def __init__(self, writer: subprocess.Popen | None, spool: Path | None) -> None:
        self._writer = writer
        self._spool = spool
        self._artifacts = 0

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record params; nested mappings become dotted names."""
        self._send("params", values={key: str(value) for key, value in flatten(params).items()})

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Record numbers, at a step of a curve or once; nested mappings become dotted names, None is left out."""
        values = {key: float(value) for key, value in flatten(metrics).items() if value is not None}
        self._send("metrics", values=values, step=step or 0)

    def log_artifact(self, path: str | Path, folder: str | None = None) -> None:
        """Record a file or a directory as it is now."""
        if self._writer is None:
            return
        path = Path(path)
        self._artifacts += 1
        copy = self._spool / str(self._artifacts) / path.name
        copy.parent.mkdir()
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copy2(path, copy)
        self._send("artifact", path=str(copy), folder=folder)

    def _send(self, kind: str, **content: Any) -> None:
        if self._writer is None:
            return
        try:
            self._writer.stdin.write(json.dumps({"kind": kind, "time": int(time.time() * 1000), **content}) + "\n")
            self._writer.stdin.flush()
        except BrokenPipeError:
            self._lose("the writer ended early")

    def _finish(self, status: str) -> None:
        """Close the run and wait until all of it is written."""
        self._send("end", status=status)
        if self._writer is None:
            return
        try:
            self._writer.stdin.close()
            if self._writer.wait(WAIT_SECONDS):
                shutil.rmtree(self._spool, ignore_errors=True)
                self._lose(f"the writer ended with exit code {self._writer.returncode}")
        except BrokenPipeError:
            self._lose("the writer ended early")
        except subprocess.TimeoutExpired:
            self._lose(f"writing takes longer than {WAIT_SECONDS} s, and goes on")

    def _lose(self, reason: str) -> None:
        self._writer = None
        print(f"tracking: this run is not yet whole in MLflow: {reason}; the outputs are not affected", file=sys.stderr)


def mlflow_installed() -> bool:
    """Whether MLflow is there, found out without importing it."""
    return importlib.util.find_spec("mlflow") is not None


def _git_commit() -> str | None:
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _tags(stage: str) -> dict[str, str]:
    tags = {"stage": stage, "mlflow.source.name": f"stages.{stage.partition('@')[0]}", "mlflow.source.type": "LOCAL"}
    tags |= {name: os.environ[name] for name in DVC_VARIABLES if os.environ.get(name)}
    if commit := _git_commit():
        tags |= {"git_commit": commit, "mlflow.source.git.commit": commit}
    return tags


@contextmanager
def stage_run(stage: str) -> Iterator[Run]:
    """Yield the MLflow run of a stage; it ends as FINISHED, FAILED (an exception) or KILLED (with the process)."""
    if not mlflow_installed():
        print("tracking: MLflow is not installed, so this run is not recorded", file=sys.stderr)
        yield Run(None, None)
        return
    name = os.environ.get("DVC_STAGE") or stage
    if experiment := os.environ.get("DVC_EXP_NAME"):
        name = f"{name} {experiment}"
    # The writer removes the copies of the artifacts: it may outlive the stage.
    spool = tempfile.mkdtemp(prefix="defgan-tracking-")
    # -P: the script's own folder must not shadow top-level modules. A session of its own: Ctrl-C ends the stage, and
    # the writer then still has to say so.
    writer = subprocess.Popen(
        [sys.executable, "-P", str(WRITER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    run = Run(writer, Path(spool))
    run._send("start", root=str(tracking_root()), experiment=EXPERIMENT, name=name, tags=_tags(stage), spool=spool)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        run._finish(status)
