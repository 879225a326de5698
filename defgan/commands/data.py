"""`defgan data`: look at a data set before hours are spent on it, and fetch one that may be passed on."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from defgan.datasets import Dataset, read_dataset
from defgan.datasets.check import LOOKED_AT, look_at
from defgan.datasets.fetch import RECIPES, fetch
from defgan.datasets.kinds import READERS
from defgan.errors import plain_errors
from defgan.facs import EXPRESSIONS

app = typer.Typer(no_args_is_help=True, help="Look at data sets, and fetch them.")
console = Console()

Kind = StrEnum("Kind", list(READERS))
Recipe = StrEnum("Recipe", list(RECIPES))
Role = StrEnum("Role", ["train", "wild", "mug", "rafd"])
EXPECTED = {"mug": "mug", "rafd": "rafd"}
"""Kind of data that a role has in the paper, where it is one of its name."""


@app.command()
def check(
    role: Annotated[Role, typer.Argument(help="what the photographs are for")],
    path: Annotated[Path, typer.Argument(help="the folder, or the zip or table")],
    kind: Annotated[Kind | None, typer.Option(help="Layout; without it, guessed from what is there.")] = None,
) -> None:
    """Say what is found at PATH for ROLE, what will be skipped and why, before anything is computed."""
    with plain_errors("data check"):
        kind = kind or Kind(guess(path))
        dataset = read_dataset(kind, path)
        report(role, path, kind, dataset)


def guess(path: Path) -> str:
    """The kind of data set at a path, by its layout."""
    if path.suffix.lower() in (".csv", ".parquet"):
        return "manifest"
    if path.suffix.lower() == ".zip" or (path / "CelebA-HQ-img").is_dir() or path.name == "CelebA-HQ-img":
        return "celeba_hq"
    for kind, pattern in (
        ("rafd", "Rafd*.jpg"),
        ("rafd", "*/Rafd*.jpg"),
        ("mug", "*/happiness/*/*.jpg"),
        ("mug", "*/*/happiness/*/*.jpg"),
        ("emotionet", "EmotioNet*.csv"),
        ("emotionet", "**/N_*_*.jpg"),
        ("corpus", "scenes.npz"),
    ):
        if next(path.glob(pattern), None) is not None:
            return kind
    return "folder"


def report(role: str, path: Path, kind: str, dataset: Dataset) -> None:
    """Print what a data set holds and what it means for a role."""

    def line(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False, highlight=False)

    records = dataset.records
    people = {record.subject for record in records}
    line(f"{path}: {len(records)} photographs of {len(people)} subjects, read as `{kind}`")
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
        line(f"  at most {LOOKED_AT} photographs are opened for this, spread evenly")
    refused = Counter(record.reject for record in records if record.reject) + found.unreadable
    for title, reasons, examples in (
        ("will be refused", refused, found.examples),
        ("skipped, not counted as photographs", dataset.skipped.counts, dataset.skipped.examples),
    ):
        if reasons:
            line(f"  {title}:")
        for reason, count in reasons.most_common():
            example = f", such as {examples[reason]!r}" if reason in examples else ""
            line(f"    {count} × {reason}{example}")
    points = "annotations" if dataset.has_points else "mtcnn"
    aus = "annotations" if annotated == len(records) else "blendshapes"
    for warning in warnings(role, dataset, expressions, people):
        line(f"  note: {warning}")
    line(f"  in params.yaml: {role}: {{path: {path}, dataset: {kind}, points: {points}, action_units: {aus}}}")


def warnings(role: str, dataset: Dataset, expressions: Counter, people: set[str]) -> Iterator[str]:
    """What a role needs and the data set lacks."""
    if role in ("mug", "rafd"):
        missing = [name for name in EXPRESSIONS if name not in expressions]
        if missing:
            yield f"{role} lends the target expressions, and {', '.join(missing)} occur nowhere"
    if role in ("train", "rafd") and len(people) < 2:
        yield "one subject only: nobody can be held out for validation"
    if role == "train" and len(people) == len(dataset.records) > 1:
        yield "every photograph counts as a person of its own: the split by subject does not separate people"


@app.command(name="fetch")
def fetch_command(
    recipe: Annotated[Recipe, typer.Argument(help="which data set")],
    directory: Annotated[Path, typer.Argument(help="where to")] = Path("photographs"),
) -> None:
    """Download a data set that may be passed on, into DIRECTORY; goes on where it was cut off."""
    with plain_errors("data fetch"):
        for sentence in fetch(RECIPES[recipe], directory):
            console.print(sentence, soft_wrap=True, markup=False, highlight=False)
