"""The experiment under several seeds, as DVC experiments: `python -m tools.seeds --count 3`, or `make seeds N=3`.

Every method of every seed is an experiment of its own, so that a kill loses one method at most. Runs those that are not
there yet, one after another, each in a temporary copy of the repository. Writes reports/seeds. It is no stage of
dvc.yaml, because it runs DVC itself.
"""

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from defgan.errors import UserError
from defgan.evaluation.truth import TRUTH
from defgan.files import atomic_directory
from defgan.methods import registry
from defgan.params import read_params, validate_params
from defgan.report.captions import CAPTIONS, as_text
from defgan.report.names import data_name
from defgan.report.style import figure_style, save
from stages.common import console, recorded, select
from stages.compare import show, write_page
from tools import experiments, seed_table
from tools.ablation_params import overridden
from tools.seed_numbers import Run, frame

REPORTS = Path("reports/seeds")
LOGS = Path(".defgan/seeds")
EVERY = (*registry.NAMES, TRUTH)
TOLD_NO_AUS = {method.name for method in registry.trained() if not method.told_aus}
"""StarGAN: it runs only where it is named."""


def target(name: str) -> str:
    """The stage that an experiment runs for a method, or for the true images."""
    return f"evaluate_{name}" if name == TRUTH else f"evaluate@{name}"


def experiment_name(seed: int, name: str) -> str:
    """The name of its DVC experiment."""
    return f"seed-{seed}-{name.replace('_', '-')}"


def choose(only: list[str]) -> list[str]:
    """The methods to run, in the order of the tables; the usual ones where none is named."""
    if unknown := [name for name in only if name not in EVERY]:
        raise UserError(f"no method is called {unknown[0]!r}; there are {', '.join(EVERY)}")
    return [name for name in EVERY if (name in only if only else name not in TOLD_NO_AUS)]


def edits_of(commit: str, name: str) -> bytes:
    """The table of a method's edits, a Parquet file; UserError where DVC's cache lacks it."""
    return experiments.output(commit, f"data/evaluation/{name}.parquet")


def is_held(commit: str, name: str) -> bool:
    """Whether the table is in DVC's cache. In a fresh clone it is not: git has the committed numbers alone."""
    try:
        edits_of(commit, name)
    except UserError:
        return False
    return True


def find(seed: int, name: str, overrides: Mapping[str, Any]) -> tuple[str, str] | None:
    """Experiment and commit of a result that is up to date; the experiment is "" where the commit at hand has it."""
    experiment, content = experiment_name(seed, name), overridden(read_params(), overrides)
    own, at_head = experiments.find(experiment, target(name), content), experiments.at_head(target(name), content)
    found = ((experiment, own), ("", at_head))
    return next(((where, commit) for where, commit in found if commit and is_held(commit, name)), None)


def run(seed: int, name: str, overrides: dict[str, Any]) -> None:
    """One method of one seed, where it is not there yet."""
    experiment, started = experiment_name(seed, name), time.monotonic()
    how = "there already"
    if find(seed, name, overrides) is None:
        how = "new"
        with console.status(f"{experiment}: starting") as status:
            experiments.run(
                experiment,
                [target(name)],
                overrides,
                LOGS / f"{experiment}.log",
                lambda stage_name: status.update(f"{experiment}: {stage_name}"),
            )
    console.print(f"{experiment}: {how} ({time.monotonic() - started:.0f} s)", highlight=False)


def read(seed: int, overrides: dict[str, Any]) -> list[Run]:
    """All results of a seed that are there and up to date."""
    runs = []
    for name in EVERY:
        if (found := find(seed, name, overrides)) is None:
            continue
        experiment, commit = found
        metrics = experiments.metrics(commit, f"metrics/methods/{name}.json")
        if metrics["images"]:  # photographs have no true images
            edits = pd.read_parquet(io.BytesIO(edits_of(commit, name)))
            runs.append(Run(seed, name, experiment, commit, metrics, edits))
    return runs


def write_report(runs: list[Run], length: str, data: str) -> None:
    """Write tables and figure to reports/seeds, and print the first table."""
    if any(run.metrics["networks"] != runs[0].metrics["networks"] for run in runs):
        raise UserError(
            "the seeds were measured with different networks and do not compare; commit dvc.lock, run again"
        )
    numbers = frame(runs)
    pages = seed_table.pages(runs, numbers, length)
    with atomic_directory(REPORTS) as directory, figure_style():
        for name, page in pages.items():
            write_page(page, directory, name)
        save(seed_table.figure(numbers, runs[0].metrics["networks"]), directory, "seeds", photographs=False)
        caption = seed_table.figure_caption(runs, numbers, data)
        (directory / CAPTIONS).write_text(as_text({"seeds": caption}), encoding="utf-8")
    # One line per measure, as a terminal is narrower than the table.
    show(pages["seeds"].table.set_index("method").T.rename_axis("measure").reset_index(), pages["seeds"].title)
    console.print(pages["seeds"].caption, highlight=False)
    console.print(f"Tables and figure: {REPORTS}   An experiment's files: dvc exp apply NAME", highlight=False)


def seeds(
    count: Annotated[int, typer.Option(min=1, help="how many seeds, counted up from that of params.yaml")] = 3,
    batches: Annotated[int | None, typer.Option(help="training.batches of all of them, instead of the file's")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="run only this method; can be given several times; else all but those told no AUs"),
    ] = None,
) -> None:
    """Run the experiment under several seeds; write mean ± standard deviation of all that is there to reports/seeds."""
    with recorded("seeds", "tools.seeds") as (params, mlflow_run):
        overrides = {} if batches is None else {"training.batches": batches, "training.epochs": None}
        names = choose(method or [])
        experiments.check_repository()
        experiments.check_data(select(params, "data")["data"])
        validate_params(overridden(read_params(), overrides), "params.yaml with these options")
        mlflow_run.log_params({"count": count, "first": params.seed, "overrides": overrides, "methods": names})
        of_seed = {seed: {**overrides, "seed": seed} for seed in range(params.seed, params.seed + count)}
        failed = []
        for seed, changes in of_seed.items():
            for name in names:
                try:
                    run(seed, name, changes)
                except UserError as error:
                    failed.append(f"{experiment_name(seed, name)} failed: {error}")
        if runs := [found for seed, changes in of_seed.items() for found in read(seed, changes)]:
            length = params.training.length if batches is None else f"{batches} batches"
            write_report(runs, length, f"role wild: {data_name(select(params, 'data')['data']['wild'])}")
            mlflow_run.log_artifact(REPORTS)
        if failed:
            raise UserError("; ".join(failed))


def main() -> None:
    """Entry point of `python -m tools.seeds`."""
    typer.run(seeds)


if __name__ == "__main__":
    main()
