"""The ablations of DefGAN as DVC experiments: `python -m stages.ablations`, or `make ablations`.

Reads ablations.yaml; runs what is not there yet, one after another, each in a temporary copy of the repository; writes
reports/ablations. Not a stage of dvc.yaml: it runs DVC itself.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from defgan.ablations import Ablation, load_ablations
from defgan.errors import UserError
from defgan.files import atomic_directory
from defgan.params import Params
from defgan.report import ablations as report
from defgan.report import tables
from defgan.report.style import figure_style, save
from stages import experiments
from stages.common import console, select, stage
from stages.compare import show

TARGET = "evaluate@defgan"
"""What an experiment makes. It needs no other model, though the ablations change params that all models share."""
METRICS = "metrics/defgan.json"
REPORTS = Path("reports/ablations")
LOGS = Path(".defgan/ablations")
TITLE = "Ablations of DefGAN"


def check_repository(params: Params) -> None:
    """Refuse what would be missing in the experiments' copies of the repository."""
    if files := experiments.left_out("defgan", "stages"):
        raise UserError(f"{files[0]}: git does not know this file, and experiments would run without it; git add it")
    for role, source in params.data:
        inside = source.dataset == "folder" and not Path(source.path).is_absolute()
        if inside and not experiments.git("ls-files", "--", source.path):
            raise UserError(
                f"params.yaml: data.{role}.path: experiments run in a copy of the repository that has no"
                f" {source.path}; name the folder by its absolute path"
            )


def choose(declared: list[Ablation], only: list[str]) -> list[Ablation]:
    """The ablations of these names; all of them where none is named."""
    names = [ablation.name for ablation in declared]
    if unknown := [name for name in only if name not in names]:
        raise UserError(f"no ablation is called {unknown[0]!r}; ablations.yaml has {', '.join(names)}")
    return [ablation for ablation in declared if not only or ablation.name in only]


def experiment_name(ablation: Ablation) -> str:
    return f"ablation-{ablation.name}"


def run_all(chosen: list[Ablation]) -> dict[str, str]:
    """Run the experiments that are not there yet; return what went wrong, by ablation."""
    failed = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("ablations", total=len(chosen))
        for number, ablation in enumerate(chosen, 1):
            name, started = experiment_name(ablation), time.monotonic()

            def describe(stage: str, name: str = name) -> None:
                progress.update(bar, description=f"{name}: {stage}")

            describe("looking for it")
            try:
                commit = experiments.find(name, TARGET, ablation.content)
                how = "there already" if commit else "new"
                commit = commit or experiments.run(name, [TARGET], ablation.overrides, LOGS / f"{name}.log", describe)
                result = f"{how}, {report.one_line(experiments.metrics(commit, METRICS))}"
            except UserError as error:
                failed[name], result = str(error), "failed"
            seconds = time.monotonic() - started
            line = f"{number}/{len(chosen)} {name}: {result} ({seconds:.0f} s)"
            progress.console.print(line, highlight=False, soft_wrap=True)
            progress.advance(bar)
    return failed


def found(declared: list[Ablation]) -> list[report.Row]:
    """The ablations whose experiments are there and still hold, as rows of the table."""
    rows = []
    for ablation in declared:
        name = experiment_name(ablation)
        if commit := experiments.find(name, TARGET, ablation.content):
            rows.append(report.Row(ablation, name, commit, experiments.metrics(commit, METRICS)))
    if any(row.metrics["networks"] != rows[0].metrics["networks"] for row in rows):
        raise UserError("ablations.yaml: the experiments were measured with different networks and do not compare")
    return rows


def write_report(rows: list[report.Row], data: dict) -> None:
    """Table and figure to reports/ablations, the table's measures to the terminal; `data` the params of that name."""
    table, text = report.table(rows), report.caption(rows, data)
    with atomic_directory(REPORTS) as directory, figure_style():
        report.frame(rows).to_csv(directory / "ablations.csv", index=False)
        (directory / "ablations.md").write_text(tables.markdown(table, TITLE, text), encoding="utf-8")
        (directory / "ablations.tex").write_text(tables.latex(table, TITLE, text), encoding="utf-8")
        save(report.figure(rows), directory, "ablations", photographs=False)
    # The other columns stand in the files: a terminal is narrow.
    show(table.drop(columns=["paper", *table.columns[-3:]]), TITLE)
    console.print(text, highlight=False)
    console.print(f"Table and figure: {REPORTS}   An experiment's files: dvc exp apply NAME", highlight=False)


def ablations(
    only: Annotated[list[str] | None, typer.Option(help="run this ablation; may be given several times")] = None,
    batches: Annotated[int | None, typer.Option(help="training.batches of all of them, in place of the file's")] = None,
) -> None:
    """Run the ablations of ablations.yaml as DVC experiments and put them side by side in reports/ablations."""
    with stage("ablations") as (params, run):
        declared = load_ablations(shared={} if batches is None else {"training.batches": batches})
        chosen = choose(declared, only or [])
        check_repository(params)
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
            run.log_metrics({row.ablation.name: report.measured(row) for row in rows})
            run.log_artifact(REPORTS)
        if failed:
            raise UserError("; ".join(f"{name} failed: {reason}" for name, reason in failed.items()))


def main() -> None:
    typer.run(ablations)


if __name__ == "__main__":
    main()
