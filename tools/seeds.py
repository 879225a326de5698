"""The experiment under several seeds, as DVC experiments: `python -m tools.seeds --count 3`, or `make seeds N=3`.

Runs the experiments that are not there yet, one after another, each in a temporary copy of the repository. Writes
reports/seeds. It is no stage of dvc.yaml, because it runs DVC itself.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from defgan.errors import UserError
from defgan.files import atomic_directory
from defgan.methods import registry
from defgan.params import read_params, validate_params
from defgan.report import markup
from stages.common import console, recorded
from stages.compare import show
from tools import experiments, seed_table
from tools.ablation_params import overridden

METHODS = tuple(method.name for method in registry.told_aus())
REPORTS = Path("reports/seeds")
LOGS = Path(".defgan/seeds")
TITLE = "Several seeds"


def target(method: str) -> str:
    """The stage that an experiment runs for a method."""
    return f"evaluate@{method}"


def run_seed(seed: int, overrides: dict) -> seed_table.Row:
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
    metrics = {method: experiments.metrics(commit, f"metrics/methods/{method}.json") for method in METHODS}
    return seed_table.Row(seed, name, commit, metrics)


def write_report(rows: list[seed_table.Row], length: str) -> None:
    """Write table and numbers to reports/seeds, and print the table."""
    numbers = seed_table.frame(rows)
    table, text = seed_table.table(numbers), seed_table.caption(rows, length)
    with atomic_directory(REPORTS) as directory:
        numbers.to_csv(directory / "seeds.csv", index=False, float_format="%.6g")
        (directory / "seeds.md").write_text(markup.markdown(table, TITLE, text), encoding="utf-8")
        (directory / "seeds.tex").write_text(markup.latex(table, TITLE, text), encoding="utf-8")
    # One line per measure, as a terminal is narrower than the table.
    show(table.set_index("method").T.rename_axis("measure").reset_index(), TITLE)
    console.print(text, highlight=False)
    console.print(f"Table: {REPORTS}   An experiment's files: dvc exp apply NAME", highlight=False)


def seeds(
    count: Annotated[int, typer.Option(min=1, help="how many seeds, counted up from that of params.yaml")] = 3,
    batches: Annotated[int | None, typer.Option(help="training.batches of all of them, instead of the file's")] = None,
) -> None:
    """Run the methods that edit by AUs under several seeds; write mean ± standard deviation to reports/seeds."""
    with recorded("seeds", "tools.seeds") as (params, run):
        overrides = {} if batches is None else {"training.batches": batches, "training.epochs": None}
        experiments.check_repository(params)
        run.log_params({"count": count, "first": params.seed, "overrides": overrides})
        rows, failed = [], []
        for seed in range(params.seed, params.seed + count):
            try:
                rows.append(run_seed(seed, overrides))
            except UserError as error:
                failed.append(f"seed-{seed} failed: {error}")
        if rows:
            write_report(rows, params.training.length if batches is None else f"{batches} batches")
            run.log_artifact(REPORTS)
        if failed:
            raise UserError("; ".join(failed))


def main() -> None:
    """Entry point of `python -m tools.seeds`."""
    typer.run(seeds)


if __name__ == "__main__":
    main()
