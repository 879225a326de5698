"""The experiment under several seeds, as DVC experiments: `python -m stages.seeds --count 3`, or `make seeds N=3`.

Runs what is not there yet, one after another, each in a temporary copy of the repository; writes reports/seeds. Not a
stage of dvc.yaml: it runs DVC itself.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from defgan.ablations import overridden
from defgan.errors import UserError
from defgan.files import atomic_directory
from defgan.params import read_params, validate_params
from defgan.report import seeds as report
from defgan.report import tables
from stages import experiments
from stages.ablations import check_repository
from stages.common import console, stage
from stages.compare import show

METHODS = ("defgan", "ganimation")
REPORTS = Path("reports/seeds")
LOGS = Path(".defgan/seeds")
TITLE = "Several seeds"


def target(method: str) -> str:
    """What an experiment makes of a method."""
    return f"evaluate@{method}"


def run_seed(seed: int, overrides: dict) -> report.Row:
    """One seed's experiment, run where it is not there yet."""
    name, started = f"seed-{seed}", time.monotonic()
    changed = overridden(read_params(), {**overrides, "seed": seed})
    validate_params(changed, f"seed {seed}")
    commits = {experiments.find(name, target(method), changed) for method in METHODS}
    commit = commits.pop() if len(commits) == 1 else None
    how = "there already" if commit else "new"
    if commit is None:
        with console.status(f"{name}: starting") as status:
            commit = experiments.run(
                name,
                [target(method) for method in METHODS],
                {**overrides, "seed": seed},
                LOGS / f"{name}.log",
                lambda stage_name: status.update(f"{name}: {stage_name}"),
            )
    console.print(f"{name}: {how} ({time.monotonic() - started:.0f} s)", highlight=False)
    metrics = {method: experiments.metrics(commit, f"metrics/{method}.json") for method in METHODS}
    return report.Row(seed, name, commit, metrics)


def write_report(rows: list[report.Row], batches: int) -> None:
    """Table and numbers to reports/seeds, the table to the terminal."""
    numbers = report.frame(rows)
    table, text = report.table(numbers), report.caption(rows, batches)
    with atomic_directory(REPORTS) as directory:
        numbers.to_csv(directory / "seeds.csv", index=False, float_format="%.6g")
        (directory / "seeds.md").write_text(tables.markdown(table, TITLE, text), encoding="utf-8")
        (directory / "seeds.tex").write_text(tables.latex(table, TITLE, text), encoding="utf-8")
    # A line per measure: a terminal is narrower than the table.
    show(table.set_index("method").T.rename_axis("measure").reset_index(), TITLE)
    console.print(text, highlight=False)
    console.print(f"Table: {REPORTS}   An experiment's files: dvc exp apply NAME", highlight=False)


def seeds(
    count: Annotated[int, typer.Option(min=1, help="how many seeds, from params.yaml's on")] = 3,
    batches: Annotated[int | None, typer.Option(help="training.batches of all of them, in place of the file's")] = None,
) -> None:
    """Run DefGAN and GANimation under several seeds and write mean ± standard deviation to reports/seeds."""
    with stage("seeds") as (params, run):
        overrides = {} if batches is None else {"training.batches": batches}
        check_repository(params)
        run.log_params({"count": count, "first": params.seed, "overrides": overrides})
        rows, failed = [], []
        for seed in range(params.seed, params.seed + count):
            try:
                rows.append(run_seed(seed, overrides))
            except UserError as error:
                failed.append(f"seed-{seed} failed: {error}")
        if rows:
            write_report(rows, params.training.batches if batches is None else batches)
            run.log_artifact(REPORTS)
        if failed:
            raise UserError("; ".join(failed))


def main() -> None:
    typer.run(seeds)


if __name__ == "__main__":
    main()
