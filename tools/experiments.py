"""DVC experiments in temporary copies of the repository: run one, and find those that are still up to date.

DVC's run cache leaves out stages whose outputs git tracks, such as metrics. So DVC would train again for an experiment
that was already run. Here the experiments of all commits are searched first: dvc.lock says what each was made from.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML

from defgan.errors import UserError

_PROGRESS = ("Stage '", "Running stage '", "> ", "Generating lock file", "Updating lock file", "Reproducing experiment")
"""Beginnings of lines that DVC prints when nothing is wrong."""
_GRACE_SECONDS = 10
"""How long processes that were asked to end may take."""


def git(*command: str) -> str:
    """What a git command prints; raises UserError with git's message where it fails."""
    ended = subprocess.run(["git", *command], capture_output=True, encoding="utf-8", check=False)
    if ended.returncode:
        said = ended.stderr.strip() or f"exit code {ended.returncode}"
        if "not a git repository" in said:  # a ZIP of the sources
            said += "; experiments are commits: `git init`, `git add .` and `git commit -m start` make one"
        raise UserError(f"git {command[0]}: {said}")
    return ended.stdout


def _descendants(pid: int) -> list[psutil.Process]:
    """Processes below `pid` that are of its session. The others, such as those that write to MLflow, end themselves."""
    try:
        below, session = psutil.Process(pid).children(recursive=True), os.getsid(pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return []
    same = []
    for process in below:
        try:
            if os.getsid(process.pid) == session:
                same.append(process)
        except ProcessLookupError:
            continue
    return same


@contextmanager
def ending_together() -> Iterator[None]:
    """A block that, ended by SIGTERM or an exception, leaves no process at work: all descendants end with it."""

    def stop(number: int, frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except BaseException:
        below = _descendants(os.getpid())
        for process in below:
            try:
                process.terminate()
            except psutil.NoSuchProcess:
                continue
        for process in psutil.wait_procs(below, _GRACE_SECONDS)[1]:
            process.kill()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def dvc(command: list[str], log: Path, on_stage: Callable[[str], None]) -> None:
    """Run a DVC command and write its output to `log`; calls `on_stage` with the name of every stage that runs.

    Raises UserError with the reason where the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [sys.executable, "-m", "dvc", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
        ending_together(),
    ):
        for line in process.stdout:
            file.write(line)
            file.flush()
            if line.startswith("Running stage '"):
                on_stage(line.split("'")[1])
            if line.strip():
                lines.append(line.strip())
    if process.returncode:
        raise UserError(f"{_reason(lines)} (whole output: {log})")


def _reason(lines: list[str]) -> str:
    """DVC's error and, where a stage failed, the last line that the stage printed before it."""
    at = next((i for i, line in enumerate(lines) if line.startswith("ERROR: ")), len(lines))
    said = [line for line in lines[max(0, at - 1) : at] if not line.startswith(_PROGRESS)]
    return "; ".join(said + [line.removeprefix("ERROR: ") for line in lines[at : at + 1]]) or "no output"


@cache  # a lock file takes a second, and many results are looked up in the same one
def _yaml(text: str) -> Mapping[str, Any]:
    # YAML 1.2, as DVC writes it: 1e-05 is a number.
    return YAML(typ="safe").load(text)


def _value(params: Mapping[str, Any], dotted: str) -> Any:
    """The value, or the whole block, at a dotted key; None where there is none."""
    for key in dotted.split("."):
        params = params.get(key) if isinstance(params, Mapping) else None
    return params


def _paths(entry: Mapping[str, Any], kind: str) -> list[str]:
    """Paths of the deps or outs of a stage in dvc.lock."""
    return [item["path"] for item in entry.get(kind, [])]


def _related(path: str, other: str) -> bool:
    """Whether one path is the other or lies inside it."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def _needed(locked: Mapping[str, Any], target: str) -> set[str]:
    """`target` and the stages that it depends on, directly or not."""
    needed, waiting = set(), [target]
    while waiting:
        stage = waiting.pop()
        needed.add(stage)
        for name in locked.keys() - needed:
            if any(_related(out, dep) for out in _paths(locked[name], "outs") for dep in _paths(locked[stage], "deps")):
                waiting.append(name)
    return needed


def _up_to_date(commit: str, target: str, params: Mapping[str, Any]) -> bool:
    """Whether `target` would give the same result today: same stages, params, code and photographs."""
    locked = _yaml(git("show", f"{commit}:./dvc.lock"))["stages"]
    if target not in locked:
        return False
    now = _yaml(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    defined, then = _yaml(Path("dvc.yaml").read_text(encoding="utf-8")), _yaml(git("show", f"{commit}:./dvc.yaml"))
    needed = _needed(locked, target)
    made = [path for stage in needed for path in _paths(locked[stage], "outs")]
    code = set()
    for stage in needed:
        name, entry = stage.partition("@")[0], locked[stage]
        if defined["stages"].get(name) != then["stages"].get(name):
            return False
        if any(_value(params, key) != value for key, value in entry.get("params", {}).get("params.yaml", {}).items()):
            return False
        for dep in entry.get("deps", []):
            if Path(dep["path"]).is_absolute():
                if dep not in now.get(stage, {}).get("deps", []):
                    return False
            elif not any(_related(dep["path"], path) for path in made):
                code.add(dep["path"])
    return not git("diff", "--name-only", commit, "--", *sorted(code))


def find(name: str, target: str, params: Mapping[str, Any]) -> str | None:
    """The commit of an experiment of that name whose result is up to date, whatever commit it was run on, or None.

    `params` are today's nested params with the experiment's own changes. The data stages have to be up to date.
    """
    commits = git("for-each-ref", "--sort=-committerdate", "--format=%(objectname)", f"refs/exps/*/*/{name}").split()
    return next((commit for commit in commits if _up_to_date(commit, target, params)), None)


def at_head(target: str, params: Mapping[str, Any]) -> str | None:
    """The commit at hand where its own results of `target` are up to date, or None; `params` as of `find`."""
    head = git("rev-parse", "HEAD").strip()
    has_results = git("ls-tree", "--name-only", head, "--", "dvc.lock")
    return head if has_results and _up_to_date(head, target, params) else None


def run(name: str, targets: list[str], overrides: Mapping[str, Any], log: Path, on_stage: Callable[[str], None]) -> str:
    """Run `targets` in a temporary copy of the repository as experiment `name`; return its commit.

    It replaces an outdated experiment of the same name on the same commit of the repository.
    """
    head = git("rev-parse", "HEAD").strip()
    ref = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    if git("for-each-ref", ref):
        dvc(["exp", "remove", ref], log, on_stage)
    changes = [part for key, value in overrides.items() for part in ("--set-param", f"{key}={json.dumps(value)}")]
    dvc(["exp", "run", "--temp", "--name", name, *changes, *targets], log, on_stage)
    return git("rev-parse", ref).strip()


def metrics(commit: str, path: str) -> dict[str, Any]:
    """The content of a metrics file in an experiment's commit."""
    return json.loads(git("show", f"{commit}:./{path}"))


@cache
def output(commit: str, path: str) -> bytes:
    """The content of a file of an experiment that DVC's cache holds; UserError where it does not hold it."""
    import dvc.api  # takes a second: not for those who only ask for help

    try:
        return dvc.api.read(path, rev=commit, mode="rb")
    except Exception as error:  # DVC's own errors and those of the file system have no common class
        raise UserError(f"{path} of commit {commit[:12]}: {error}") from error


def check_repository() -> None:
    """Raise UserError for code that the experiments' copies of the repository would lack."""
    files = git("ls-files", "--others", "--exclude-standard", "--", "defgan", "stages").splitlines()
    if files:
        raise UserError(f"{files[0]}: git does not track this file, so experiments would run without it; git add it")


def check_data(data: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise UserError for photographs that the experiments' copies would lack; `data` are the params of that name."""
    for role, source in data.items():
        path = Path(source["path"])
        made = path == Path("data/corpus", role)  # by the pipeline itself, also in a copy
        if not made and not path.is_absolute() and not git("ls-files", "--", str(path)):
            raise UserError(
                f"params.yaml: data.{role}.path: experiments run in a copy of the repository that has no {path},"
                " since git does not hold it; name the folder by its absolute path"
            )
