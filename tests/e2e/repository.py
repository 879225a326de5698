"""A repository with the project's files, in which the end-to-end tests run what a user runs."""

import hashlib
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import psutil

DEADLINE = 1200
"""Seconds after which a command hangs."""
FORKS = Path(__file__).with_name("forks.py")


@contextmanager
def forks() -> Iterator[Path]:
    """Yield a folder with a `python` and a `dvc` that start fast (`tests/e2e/forks.py`)."""
    with TemporaryDirectory() as folder:  # not pytest's: the address of a socket is short
        for name in ("python", "dvc"):
            command = shlex.join([sys.executable, "-IS", str(FORKS), folder, name])
            Path(folder, name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
            Path(folder, name).chmod(0o755)
        server = subprocess.Popen(
            [sys.executable, "-P", str(FORKS), folder],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with server:
            assert server.stdout.readline() == "ready\n"
            yield Path(folder)


class Clone:
    """A repository with the project's files, and the commands that a user runs in it.

    `programs`: a folder with a `python` and a `dvc` in place of this environment's.
    """

    def __init__(self, path: Path, programs: Path | None = None) -> None:
        self.path = path
        self.programs = programs
        # Compiled modules are written, as on a usual machine: DVC has to overlook them.
        unset = (
            "MLFLOW_TRACKING_URI",
            "DVC_ROOT",
            "DVC_STAGE",
            "DVC_EXP_NAME",
            "DVC_EXP_BASELINE_REV",
            "VIRTUAL_ENV",
            "PYTHONPATH",
        )
        self.env = {key: value for key, value in os.environ.items() if key not in (*unset, "PYTHONDONTWRITEBYTECODE")}
        who = {f"GIT_{role}_{key}": "e2e" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        own = (programs, Path(sys.executable).parent, os.environ["PATH"])
        places = os.pathsep.join(str(place) for place in own if place)
        self.env |= who | {"PATH": places, "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}

    def run(self, *command: str, ok: bool = True) -> str:
        """Run a command in the repository and return all that it printed."""
        code, printed = self._watch(DEADLINE, command)
        assert code is not None and (code == 0) == ok, f"{command} ended with {code}:\n{printed[-4000:]}"
        return printed

    def _watch(self, seconds: float, command: tuple[str, ...]) -> tuple[int | None, str]:
        """A command's exit code and all that it printed; None where it was killed, with its children, after `seconds`.

        It prints to a file: what it leaves at work, as `dvc queue start` does, would hold a pipe open.
        """
        with TemporaryFile("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, cwd=self.path, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = None
            log.seek(0)
            return code, log.read()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def kill_in_training(self, *command: str) -> None:
        """Run a command and kill it, with all its children, as soon as a training has saved a state."""
        with (self.path.parent / "killed.log").open("w+") as log:
            process = subprocess.Popen(
                command, cwd=self.path, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
            until = time.monotonic() + DEADLINE
            while not any(self.path.glob(".defgan/resume/*/state.pt")):
                log.seek(0)
                assert process.poll() is None and time.monotonic() < until, log.read()[-4000:]
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill_after(self, seconds: float, *command: str) -> str:
        """Run a command and kill it, with all its children, after a while; return all that it printed."""
        return self._watch(seconds, command)[1]

    def at_work(self) -> list[psutil.Process]:
        """The processes that work in the repository, in whatever session; MLflow's writers end by themselves."""
        found = []
        for process in psutil.process_iter():
            try:
                inside = Path(process.cwd()).is_relative_to(self.path)
                if inside and not any("tracking_writer" in word for word in process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def digests(self) -> dict[str, str]:
        """A hash of every file that the pipeline made, but for the page, which names MLflow's runs and their times."""
        made = ("data", "models", "edits", "metrics", "reports")
        return {
            str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in made
            for path in sorted((self.path / folder).rglob("*"))
            if path.is_file() and path.name != "index.html"
        }

    def tracked(self, query: str, *values: str) -> list[tuple]:
        """Ask the MLflow store."""
        with sqlite3.connect(self.path / "mlflow.db") as connection:
            return connection.execute(query, values).fetchall()

    def statuses(self, stage: str) -> list[str]:
        """How the runs of a stage ended, oldest first."""
        query = """select status from runs join tags using (run_uuid)
                   where tags.key = 'stage' and tags.value = ? order by start_time"""
        return [status for (status,) in self.tracked(query, stage)]

    def params(self, stage: str) -> list[dict[str, str]]:
        """The params of the finished runs of a stage, oldest first."""
        query = """select run_uuid from runs join tags using (run_uuid)
                   where tags.key = 'stage' and tags.value = ? and status = 'FINISHED' order by start_time"""
        runs = self.tracked(query, stage)
        return [dict(self.tracked("select key, value from params where run_uuid = ?", *run)) for run in runs]
