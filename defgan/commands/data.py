"""`defgan data`: look at a data set before hours are spent on it, and download one that anybody may have."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from defgan.datasets import LAYOUTS, guess_layout, read_dataset
from defgan.datasets.check import LOOKED_AT, few_subjects, look_at
from defgan.datasets.fetch import RECIPES, fetch
from defgan.datasets.views import VIEWS
from defgan.errors import UserError, plain_errors
from defgan.params import DataParams, Source, load_params
from defgan.readiness import openface_rows, role_problems
from defgan.records import Dataset, Skipped

app = typer.Typer(no_args_is_help=True, help="Look at data sets, and download them.")
console = Console()

Layout = StrEnum("Layout", list(LAYOUTS))
Recipe = StrEnum("Recipe", list(RECIPES))
Role = StrEnum("Role", list(DataParams.model_fields))
View = StrEnum("View", list(VIEWS))


@app.command()
def check(
    role: Annotated[Role, typer.Argument(help="what the photographs are for")],
    path: Annotated[Path, typer.Argument(help="the folder, or the zip or table")],
    layout: Annotated[Layout | None, typer.Option(help="Without it, guessed from what is there.")] = None,
    views: Annotated[View, typer.Option(help="Of RaFD: the cameras and gazes.")] = View.frontal,
) -> None:
    """Say what is found at PATH for ROLE, and what will be skipped and why, before anything is computed."""
    with plain_errors("data check"):
        layout = layout or Layout(guess_layout(path))
        report(role, path, layout, read_dataset(layout, path, views), views)


def report(role: str, path: Path, layout: str, dataset: Dataset, views: str) -> None:
    """Print what a data set holds, and what it lacks for a role."""

    def line(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False, highlight=False)

    records = dataset.records
    people = {record.subject for record in records}
    line(f"{path}: {len(records)} photographs of {len(people)} subjects, read as `{layout}`")
    expressions = Counter(record.expression for record in records if record.expression)
    if expressions:
        line("  expressions: " + ", ".join(f"{count} × {name}" for name, count in sorted(expressions.items())))
    annotated = sum(record.aus is not None for record in records)
    line(f"  annotated: {annotated} with AUs, {sum(record.points is not None for record in records)} with points")
    found = look_at(records)
    if found.sizes:
        smallest, median, largest = found.sizes
        line(f"  sizes (of {found.readable + found.unreadable.total()} looked at): shorter side {smallest} to {largest}"
             f" pixels, median {median}")  # fmt: skip
    if records and found.looked_at < len(records):
        line(f"  at most {LOOKED_AT} photographs are opened for this, evenly spaced")
    rejected = Counter(record.reject for record in records if record.reject) + found.unreadable
    rejects = Skipped(rejected, found.examples)
    for title, left_out in (
        ("will be rejected", rejects),
        ("skipped, not counted as photographs", dataset.skipped),
    ):
        if left_out.counts:
            line(f"  {title}:")
        for sentence in left_out.sentences():
            line(f"    {sentence}")
    source = settings_of(role, path, layout, dataset)
    if source.action_units == "openface":
        with suppress(UserError):  # named among the problems
            found, looked_at = openface_rows(source, records)
            line(f"  openface: a row for {found} of {looked_at} photographs, evenly spaced")
    for warning in (*warnings(role, dataset, expressions, people), *role_problems(role, source, dataset)):
        line(f"  note: {warning}")
    chosen = "" if views == View.frontal else f", views: {views}"
    settings = f"points: {source.points}, action_units: {source.action_units}{chosen}"
    line(f"  in params.yaml: {role}: {{path: {path}, layout: {layout}, {settings}}}")


def settings_of(role: str, path: Path, layout: str, dataset: Dataset) -> Source:
    """The role's entry in params.yaml where it names this place; else what is guessed from what is there."""
    if Path("params.yaml").is_file():
        configured = getattr(load_params().data, role)
        if Path(configured.path).resolve() == path.resolve():
            return configured
    points = "annotations" if dataset.has_points else "mtcnn"
    aus = "annotations" if all(record.aus is not None for record in dataset.records) else "blendshapes"
    if any((path / name).exists() for name in ("openface", "openface.csv")):
        aus = "openface"
    return Source(path=str(path), layout=layout, points=points, action_units=aus)


def warnings(role: str, dataset: Dataset, expressions: Counter, people: set[str]) -> Iterator[str]:
    """What a role needs and the data set lacks."""
    if role in ("train", "rafd") and len(people) < 2:
        yield "one subject only: nobody can be held out for validation"
    if few := few_subjects(dataset.records):
        yield few
    if role == "train" and len(people) == len(dataset.records) > 1:
        yield "every photograph counts as a person of its own, so one person may be both in training and held out"


@app.command(name="fetch")
def fetch_command(
    recipe: Annotated[Recipe, typer.Argument(help="which data set")],
    directory: Annotated[Path, typer.Argument(help="where to")] = Path("photographs"),
) -> None:
    """Download a data set that anybody may have into DIRECTORY; it continues where it was cut off."""
    with plain_errors("data fetch"):
        for sentence in fetch(RECIPES[recipe], directory):
            console.print(sentence, soft_wrap=True, markup=False, highlight=False)
