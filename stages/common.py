"""What every stage does around its own work: params, errors in one line, a record in MLflow. All that concerns DVC."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console

from defgan.errors import MissingInputError, UserError, plain_errors
from defgan.params import DataParams, Params, load_params
from defgan.tracking import Run, flatten, start_run

console = Console()
Role = StrEnum("Role", list(DataParams.model_fields))
"""The roles of params.data, as a command's argument."""

EXPERIMENT_TAG = "DVC_EXP_NAME"
DVC_TAGS = ("DVC_STAGE", EXPERIMENT_TAG, "DVC_EXP_BASELINE_REV")
"""Variables that DVC sets; they become tags of a stage's run."""


def repository_root() -> Path:
    """The root of the main repository, absolute: what lies there is shared by all of DVC's copies of it.

    DVC names it in DVC_ROOT, also for experiments that run in a temporary copy (`--temp`, `--queue`). Without DVC it is
    the current directory, since stages run from the repository's root.
    """
    return Path(os.environ.get("DVC_ROOT") or ".").resolve()


def state_directory(kind: str) -> Path:
    """Where killed runs of a stage leave what the next run goes on with.

    It is no output of DVC's: DVC removes outputs before a stage runs, and experiments share what is left here.
    """
    return repository_root() / ".defgan" / kind


def select(params: Params, *keys: str) -> dict[str, Any]:
    """The named params, such as `seed`, `training` or `data.train`, as plain values."""
    values = {key: attrgetter(key)(params) for key in keys}
    return {key: value.model_dump() if isinstance(value, BaseModel) else value for key, value in values.items()}


def trained_with(*names: str) -> dict[str, Any]:
    """The params that the models of these methods were trained with, from the JSON beside their weights; flat.

    For the record in MLflow only, where numbers and params have to stand in one run. A method without weights has none.
    Where two models differ in a param, it stands under METHOD.KEY.
    """
    files = {name: Path("models", f"{name}.json") for name in names}
    found = {
        name: flatten(json.loads(path.read_text(encoding="utf-8"))["params"])
        for name, path in files.items()
        if path.is_file()
    }
    settings = {}
    for name, own in found.items():
        for key, value in own.items():
            same = all(other.get(key, value) == value for other in found.values())
            settings[key if same else f"{name}.{key}"] = value
    return settings


def beside(name: str, settings: Mapping[str, Any], logged: Mapping[str, Any]) -> dict[str, Any]:
    """A method's settings for MLflow, flat; where they differ from params that are logged, they stand under METHOD.KEY.

    A method may learn with a length or a rate of its own. MLflow takes one value for a param.
    """
    told = flatten(logged)
    return {key if told.get(key, own) == own else f"{name}.{key}": own for key, own in flatten(settings).items()}


def is_main_process() -> bool:
    """Whether this process is the one that writes; the others of a distributed training only train."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


@contextmanager
def recorded(name: str, module: str, *keys: str) -> Iterator[tuple[Params, Run]]:
    """Yield the validated params and the MLflow run of a command; a UserError ends in one line and exit code 1.

    `module` is the command's own; `keys` are the params that are logged.
    """
    tags = {"stage": name, "mlflow.source.name": module, "mlflow.source.type": "LOCAL"}
    tags |= {key: os.environ[key] for key in DVC_TAGS if os.environ.get(key)}
    title = " ".join(filter(None, (os.environ.get("DVC_STAGE") or name, os.environ.get(EXPERIMENT_TAG))))
    with plain_errors(name):
        params = load_params()
        with start_run(repository_root(), title, tags) if is_main_process() else nullcontext(Run()) as run:
            run.log_params(select(params, *keys))
            yield params, run


def stage_name(kind: str, item: str = "") -> str:
    """A stage's name in dvc.yaml: KIND, KIND@ITEM of a template, or KIND_ITEM where the item has a stage of its own."""
    own, pipeline = f"{kind}_{item}", Path("dvc.yaml")
    if not item:
        return kind
    has_own = pipeline.is_file() and f"\n  {own}:\n" in pipeline.read_text(encoding="utf-8")
    return own if has_own else f"{kind}@{item}"


@contextmanager
def stage(kind: str, *keys: str, item: str = "") -> Iterator[tuple[Params, Run]]:
    """Yield the validated params and the MLflow run of a DVC stage; what is missing is named with how to make it.

    `keys` are the params that the stage depends on, as in dvc.yaml; they are logged. `item` is what its command names:
    a method or a role.
    """
    name = stage_name(kind, item)
    with recorded(name, f"stages.{kind}", *keys) as context:
        try:
            yield context
        except MissingInputError as error:
            raise UserError(f"{error}; `dvc repro {name}` makes it first") from None
