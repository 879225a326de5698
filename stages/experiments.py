"""DVC experiments in temporary copies of the repository: run one, and find those that still hold.

DVC's run cache leaves out stages with outputs that git tracks, such as metrics, so that an experiment that is run again
trains again. Here one is looked for first, among those of all commits: what it was made of stands in its dvc.lock.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from defgan.errors import UserError

_PROGRESS = ("Stage '", "Running stage '", "> ", "Generating lock file", "Updating lock file", "Reproducing experiment")
"""What DVC says where all is well."""


def git(*command: str) -> str:
    """What a git command prints; a UserError with what it says where it fails."""
    ended = subprocess.run(["git", *command], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise UserError(f"git {command[0]}: {ended.stderr.strip() or f'exit code {ended.returncode}'}")
    return ended.stdout


def dvc(command: list[str], log: Path, on_stage: Callable[[str], None]) -> None:
    """Run a DVC command, its output in `log`; `on_stage` hears of every stage that runs. A UserError where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [sys.executable, "-m", "dvc", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout:
            file.write(line)
            file.flush()
            if line.startswith("Running stage '"):
                on_stage(line.split("'")[1])
            if line.strip():
                lines.append(line.strip())
    if process.returncode:
        raise UserError(f"{_reason(lines)} (all of it: {log})")


def _reason(lines: list[str]) -> str:
    """DVC's error, and before it the last words of the stage where it was the stage that failed."""
    at = next((i for i, line in enumerate(lines) if line.startswith("ERROR: ")), len(lines))
    said = [line for line in lines[max(0, at - 1) : at] if not line.startswith(_PROGRESS)]
    return "; ".join(said + [line.removeprefix("ERROR: ") for line in lines[at : at + 1]]) or "no output"


def _yaml(text: str) -> dict[str, Any]:
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
    """Whether one path is the other or lies in it."""
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


def _holds(commit: str, target: str, params: Mapping[str, Any]) -> bool:
    """Whether `target` would come out the same today: same stages, params, code and photographs."""
    locked = _yaml(git("show", f"{commit}:./dvc.lock"))["stages"]
    if target not in locked:
        return False
    now = _yaml(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    defined, then = _yaml(Path("dvc.yaml").read_text()), _yaml(git("show", f"{commit}:./dvc.yaml"))
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
    """The commit of an experiment of that name, of any baseline, whose result still holds; None where there is none.

    `params` are the nested params of today with the experiment's own changes. The data stages have to be up to date.
    """
    commits = git("for-each-ref", "--sort=-committerdate", "--format=%(objectname)", f"refs/exps/*/*/{name}").split()
    return next((commit for commit in commits if _holds(commit, target, params)), None)


def run(name: str, targets: list[str], overrides: Mapping[str, Any], log: Path, on_stage: Callable[[str], None]) -> str:
    """Run `targets` in a temporary copy of the repository as experiment `name`; return its commit.

    Where an outdated experiment of this name hangs on the same commit of the repository, this one takes its place.
    """
    head = git("rev-parse", "HEAD").strip()
    ref = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    if git("for-each-ref", ref):
        dvc(["exp", "remove", ref], log, on_stage)
    changes = [part for key, value in overrides.items() for part in ("--set-param", f"{key}={json.dumps(value)}")]
    dvc(["exp", "run", "--temp", "--name", name, *changes, *targets], log, on_stage)
    return git("rev-parse", ref).strip()


def metrics(commit: str, path: str) -> dict[str, Any]:
    """A metrics file as of an experiment."""
    return json.loads(git("show", f"{commit}:./{path}"))


def left_out(*paths: str) -> list[str]:
    """Files of the repository that git does not know; experiments run without them."""
    return git("ls-files", "--others", "--exclude-standard", "--", *paths).splitlines()
