"""What every stage does around its own work: params, one-line errors, an MLflow run."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from defgan.errors import UserError
from defgan.params import Params, load_params
from defgan.tracking import Run, stage_run

console = Console()


def select(params: Params, *keys: str) -> dict[str, Any]:
    """The named params, such as `seed`, `training` or `data.train`, as plain values."""
    values = {key: attrgetter(key)(params) for key in keys}
    return {key: value.model_dump() if isinstance(value, BaseModel) else value for key, value in values.items()}


@contextmanager
def stage(name: str, *keys: str) -> Iterator[tuple[Params, Run]]:
    """Yield the validated params and the stage's MLflow run; a UserError ends in one line and exit code 1.

    `keys` are the params that the stage depends on, as in dvc.yaml; they are logged.
    """
    try:
        params = load_params()
        with stage_run(name) as run:
            run.log_params(select(params, *keys))
            yield params, run
    except UserError as error:
        Console(stderr=True).print(f"[red]{name}:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None
