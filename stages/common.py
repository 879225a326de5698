"""What every stage does around its own work: params, one-line errors, an MLflow run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from operator import attrgetter
from typing import Any

from pydantic import BaseModel
from rich.console import Console

from defgan.errors import plain_errors
from defgan.params import Params, load_params
from defgan.tracking import Run, stage_run

console = Console()


def select(params: Params, *keys: str) -> dict[str, Any]:
    """The named params, such as `seed`, `training` or `data.train`, as plain values."""
    values = {key: attrgetter(key)(params) for key in keys}
    return {key: value.model_dump() if isinstance(value, BaseModel) else value for key, value in values.items()}


def is_main_process() -> bool:
    """Whether this process is the one that writes; the others of a distributed training only train."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


@contextmanager
def stage(name: str, *keys: str) -> Iterator[tuple[Params, Run]]:
    """Yield the validated params and the stage's MLflow run; a UserError ends in one line and exit code 1.

    `keys` are the params that the stage depends on, as in dvc.yaml; they are logged.
    """
    with plain_errors(name):
        params = load_params()
        with stage_run(name) if is_main_process() else nullcontext(Run(None, None)) as run:
            run.log_params(select(params, *keys))
            yield params, run
