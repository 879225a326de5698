"""The ablations of DefGAN as DVC experiments: `python -m tools.ablations`, or `make ablations`.

Reads ablations.yaml. Runs the experiments that are not there yet, one after another, each in a temporary copy of the
repository. Writes reports/ablations. It is no stage of dvc.yaml, because it runs DVC itself.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from defgan.errors import UserError
from defgan.files import atomic_directory
from defgan.report import markup
from defgan.report.style import figure_style, save
from stages.common import console, recorded, select
from stages.compare import show
from tools import ablation_table, experiments
from tools.ablation_params import Ablation, load_ablations

TARGET = "evaluate@defgan"
"""What an experiment makes. It needs no other method, though the ablations change params that all methods share."""
METRICS = "metrics/methods/defgan.json"
REPORTS = Path("reports/ablations")
LOGS = Path(".defgan/ablations")
TITLE = "Ablations of DefGAN"


def choose(declared: list[Ablation], only: list[str]) -> list[Ablation]:
    """The ablations of these names; all of them where none is named."""
    names = [ablation.name for ablation in declared]
    if unknown := [name for name in only if name not in names]:
        raise UserError(f"no ablation is called {unknown[0]!r}; ablations.yaml has {', '.join(names)}")
    return [ablation for ablation in declared if not only or ablation.name in only]


def experiment_name(ablation: Ablation) -> str:
    """The name of its DVC experiment."""
    return f"ablation-{ablation.name}"


def run_all(chosen: list[Ablation]) -> dict[str, str]:
    """Run the experiments that are not there yet; return the errors by experiment."""
    failed = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("ablations", total=len(chosen))
        for number, ablation in enumerate(chosen, 1):
            name, started = experiment_name(ablation), time.monotonic()

            def describe(stage: str, name: str = name) -> None:
                progress.update(bar, description=f"{name}: {stage}")

            describe("looking for its result")
            try:
                experiments.check_data(ablation.content["data"])
                commit = experiments.find(name, TARGET, ablation.content)
                how = "there already" if commit else "new"
                commit = commit or experiments.run(name, [TARGET], ablation.overrides, LOGS / f"{name}.log", describe)
                result = f"{how}, {ablation_table.one_line(experiments.metrics(commit, METRICS))}"
            except UserError as error:
                failed[name], result = str(error), "failed"
            seconds = time.monotonic() - started
            line = f"{number}/{len(chosen)} {name}: {result} ({seconds:.0f} s)"
            progress.console.print(line, highlight=False, soft_wrap=True)
            progress.advance(bar)
    return failed


def found(declared: list[Ablation]) -> list[ablation_table.Row]:
    """The ablations whose experiments are there and up to date, as rows of the table."""
    rows = []
    for ablation in declared:
        name = experiment_name(ablation)
        if commit := experiments.find(name, TARGET, ablation.content):
            rows.append(ablation_table.Row(ablation, name, commit, experiments.metrics(commit, METRICS)))
    if any(row.metrics["networks"] != rows[0].metrics["networks"] for row in rows):
        raise UserError("ablations.yaml: the experiments were measured with different networks and do not compare")
    return rows


def write_report(rows: list[ablation_table.Row], data: dict) -> None:
    """Write table and figure to reports/ablations, and print the table; `data` are the params of that name."""
    table, text = ablation_table.table(rows), ablation_table.caption(rows, data)
    with atomic_directory(REPORTS) as directory, figure_style():
        ablation_table.frame(rows).to_csv(directory / "ablations.csv", index=False, float_format="%.6g")
        (directory / "ablations.md").write_text(markup.markdown(table, TITLE, text), encoding="utf-8")
        (directory / "ablations.tex").write_text(markup.latex(table, TITLE, text), encoding="utf-8")
        save(ablation_table.figure(rows), directory, "ablations", photographs=False)
    # The files have more columns, for which a terminal is too narrow.
    show(table.drop(columns=["paper", *table.columns[-3:]]), TITLE)
    console.print(text, highlight=False)
    console.print(f"Table and figure: {REPORTS}   An experiment's files: dvc exp apply NAME", highlight=False)


def ablations(
    only: Annotated[list[str] | None, typer.Option(help="run only this ablation; can be given several times")] = None,
    batches: Annotated[int | None, typer.Option(help="training.batches of all of them, instead of the file's")] = None,
) -> None:
    """Run the ablations of ablations.yaml as DVC experiments and put them side by side in reports/ablations."""
    with recorded("ablations", "tools.ablations") as (params, run):
        declared = load_ablations(
            shared={} if batches is None else {"training.batches": batches, "training.epochs": None}
        )
        chosen = choose(declared, only or [])
        experiments.check_repository()
        experiments.check_data(select(params, "data")["data"])
        run.log_params({"overrides": {ablation.name: ablation.overrides for ablation in declared}})
        with console.status("ablations: is the data up to date?") as status:
            experiments.dvc(
                ["repro", "prepare", "truth", "reference"],
                LOGS / "data.log",
                lambda name: status.update(f"ablations: {name}"),
            )
        failed = run_all(chosen)
        if rows := found(declared):
            write_report(rows, select(params, "data")["data"])
            run.log_metrics({row.ablation.name: ablation_table.measured(row) for row in rows})
            run.log_artifact(REPORTS)
        if failed:
            raise UserError("; ".join(f"{name} failed: {reason}" for name, reason in failed.items()))


def main() -> None:
    """Entry point of `python -m tools.ablations`."""
    typer.run(ablations)


if __name__ == "__main__":
    main()
