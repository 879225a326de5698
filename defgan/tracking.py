"""One MLflow run per command, in `mlflow.db` and `mlartifacts/` of a directory, or where MLFLOW_TRACKING_URI says.

Importing MLflow takes seconds, longer than some stages run. So a command hands its records to a writer process
(`defgan/tracking_writer.py`). The writer outlives a command that is killed and ends its run as KILLED; MLflow's own
asynchronous logging would leave it RUNNING for ever. Without MLflow nothing is recorded, and one line says so.
"""

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from defgan.tracking_writer import LOADER, WAITING

WRITER = Path(__file__).with_name("tracking_writer.py")
DIGEST_LENGTH = 36
"""MLflow's limit."""
WAIT_SECONDS = 180
"""How long the end of a command waits for its records to be written."""


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
    """The record of one command's run; every call returns at once. Without a writer nothing is recorded."""

    def __init__(self, writer: subprocess.Popen | None = None, spool: Path | None = None) -> None:
        self._writer = writer
        self._spool = spool
        self._artifacts = 0
        self._data: dict[str, str] = {}

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record params; nested mappings become dotted names."""
        self._send("params", values={key: str(value) for key, value in flatten(params).items()})

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Record numbers, at a step of a curve or once; nested mappings become dotted names, None is left out."""
        values = {key: float(value) for key, value in flatten(metrics).items() if value is not None}
        self._send("metrics", values=values, step=step or 0)

    def log_data(self, name: str, digest: str) -> None:
        """Record which data was used: where it lies and a hash of what it holds."""
        self._data[name] = digest[:DIGEST_LENGTH]
        self._send("data", name=name, digest=self._data[name])

    def log_note(self, text: str) -> None:
        """Record a text, in Markdown, that stands above the run in the browser."""
        self._send("note", text=text)

    def log_artifact(self, path: str | Path, folder: str | None = None) -> None:
        """Record a file or a directory as it is now.

        Weights with their description beside them, NAME.safetensors and NAME.json, become a model that MLflow loads.
        """
        if self._writer is None:
            return
        path = Path(path)
        description = path.with_suffix(".json")
        if path.suffix == ".safetensors" and description.is_file():
            self._log_model(path, description)
        elif copies := self._copied(path):
            self._send("artifact", path=f"{copies}/{path.name}", folder=folder)

    def _log_model(self, weights: Path, description: Path) -> None:
        if not (copies := self._copied(weights, description, below=weights.stem)):
            return
        try:
            # By its name, as MLflow does: it loads torch, and what records no weights does not depend on it.
            told = importlib.import_module(LOADER).describe(self._spool / copies)
        except Exception as error:  # a record never ends a command
            print(f"tracking: {weights} is recorded as a file, not as a model: {error}", file=sys.stderr)
            self._send("artifact", path=f"{copies}/{weights.name}", folder=None)
            return
        learnt_from = ", ".join(f"{name} ({digest})" for name, digest in self._data.items())
        told["about"] |= {"learnt_from": learnt_from} if learnt_from else {}
        told["params"] = {key: str(value) for key, value in flatten(told["params"]).items()}
        self._send("model", name=weights.stem, path=copies, **told)

    def _copied(self, *paths: Path, below: str = "") -> str | None:
        """The new folder in the spool that holds copies; None where there are none, which is said."""
        self._artifacts += 1
        folder = Path(str(self._artifacts), below)
        for path in paths:
            copy = self._spool / folder / path.name
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    shutil.copytree(path, copy)
                else:
                    shutil.copy2(path, copy)
            except OSError as error:
                print(f"tracking: {path} is not recorded: {error}", file=sys.stderr)
                return None
        return str(folder)

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
                self._lose("the next command writes it")
        except BrokenPipeError:
            self._lose("the writer ended early")
        except subprocess.TimeoutExpired:
            self._lose(f"writing goes on after {WAIT_SECONDS} s")

    def _lose(self, reason: str) -> None:
        self._writer = None
        print(f"tracking: this run is not yet whole in MLflow: {reason}; the outputs are not affected", file=sys.stderr)


def mlflow_installed() -> bool:
    """Whether MLflow is installed; does not import it."""
    return importlib.util.find_spec("mlflow") is not None


def _git_commit() -> str | None:
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


@contextmanager
def start_run(root: Path, name: str, tags: Mapping[str, str]) -> Iterator[Run]:
    """Yield an MLflow run in the store at `root`, or on the server of the team, with the git commit among its tags.

    It ends as FINISHED, FAILED (by an exception) or KILLED (with the process).
    """
    if not mlflow_installed():
        print("tracking: MLflow is not installed, so this run is not recorded", file=sys.stderr)
        yield Run()
        return
    if commit := _git_commit():
        tags = {**tags, "git_commit": commit, "mlflow.source.git.commit": commit}
    # The writer removes it, as it may outlive the command.
    spool = root / WAITING / f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:8]}"
    try:
        spool.parent.mkdir(exist_ok=True)
        spool.mkdir()
    except OSError as error:
        print(f"tracking: this run is not recorded: {error}", file=sys.stderr)
        yield Run()
        return
    # -P: modules beside the script must not shadow top-level ones. A session of its own: Ctrl-C ends the command, and
    # the writer still has to record that.
    writer = subprocess.Popen(
        [sys.executable, "-P", str(WRITER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
        start_new_session=True,
    )
    run = Run(writer, spool)
    run._send("start", root=str(root), name=name, tags=dict(tags), spool=str(spool))
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        run._finish(status)
