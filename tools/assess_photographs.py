"""Assess the weights on photographs of people: `python -m tools.assess_photographs FOLDER`.

FOLDER has the sub-folders `neutral` and `smiling`, with one photograph per person under the same file name in both. The
Face Research Lab London Set is such a set (DeBruine & Jones, 2017, doi 10.6084/m9.figshare.5047666.v5, CC BY 4.0).
Every neutral face is edited to the six expressions, at four strengths; the blendshapes estimator predicts the AUs.
Writes photographs.csv, crop_errors.csv and sheets of edits to reports/photographs. Git ignores the sheets: they show
people.
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.progress import track

from defgan import methods
from defgan.editing import pictures
from defgan.editing.assessment import (
    AT_EQUAL_RESPONSE,
    Person,
    chip,
    crop_errors,
    equal_response,
    identity_wins,
    measure,
)
from defgan.editing.editor import Editor
from defgan.editing.image_file import encode_picture, open_photograph, write_file
from defgan.editing.targets import make_target
from defgan.errors import UserError, plain_errors
from defgan.facs import EXPRESSIONS
from defgan.files import atomic_file
from stages.common import console

REPORTS = Path("reports/photographs")
SHEET_PEOPLE = 8
EVERY = 4
"""Errors of the crop are measured on every fourth person."""


def read_people(folder: Path, editor: Editor) -> tuple[list[Person], list[str]]:
    """The people with a face in both photographs, and a line for each one left out, with the reason."""
    files = sorted(path for path in (folder / "neutral").glob("*") if (folder / "smiling" / path.name).is_file())
    if not files:
        raise UserError(f"{folder}: no photographs with the same name in its sub-folders neutral and smiling")
    people, left_out = [], []
    for path in track(files, "Faces"):
        try:
            pixels = open_photograph(path).pixels
            [face] = editor.find(pixels, "largest")
            other = open_photograph(folder / "smiling" / path.name).pixels
            [smiling] = editor.find(other, "largest")
        except UserError as error:
            left_out.append(f"{path.name}: {error}")
        else:
            people.append(Person(path.stem, pixels, face, chip(other, smiling.points)))
    return people, left_out


def sheet(editor: Editor, people: list[Person]) -> bytes:
    """A PNG of `SHEET_PEOPLE` people, evenly spread over all, with their six expressions."""
    targets = [make_target(name) for name in EXPRESSIONS]
    shown = people[:: max(1, len(people) // SHEET_PEOPLE)][:SHEET_PEOPLE]
    rows = [pictures.row(editor, person.pixels, person.face, targets) for person in shown]
    return encode_picture(pictures.table(rows, ["input", *EXPRESSIONS]), editor.note("the six expressions"))


def write(path: Path, table: pd.DataFrame) -> None:
    """A table as CSV, whole or not at all."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")


def main(
    folder: Annotated[Path, typer.Argument(help="Holds neutral/ and smiling/.")],
    weights: Annotated[Path | None, typer.Option(help="Folder of other weights than the project's own.")] = None,
    reports: Annotated[Path, typer.Option(help="Where tables and sheets go.")] = REPORTS,
) -> None:
    """Edit photographs of people with every method that edits by AUs, and measure response and identity."""
    with plain_errors("photographs"):
        tables, errors, finder, people = [], [], None, []
        for method in methods.told_aus():
            editor = Editor.load(method.name, weights, finder)
            if finder is not editor.find:  # the faces are not yet found, or these weights need other crops
                finder = editor.find
                people, left_out = read_people(folder, editor)
                for line in left_out:
                    console.print(f"left out: {line}", highlight=False)
                if not people:
                    raise UserError(f"{folder}: nobody is left")
            tables.append(measure(editor, people, track))
            errors.append(crop_errors(editor, people[::EVERY], track))
            write_file(reports / f"{method.name}.png", sheet(editor, people))
        table = pd.concat(tables, ignore_index=True)
        table = pd.concat([table, equal_response(table)], ignore_index=True)
        write(reports / "photographs.csv", table)
        write(reports / "crop_errors.csv", pd.concat(errors, ignore_index=True))
        wins, equal_wins = identity_wins(table), identity_wins(table, AT_EQUAL_RESPONSE)
        own = methods.get("defgan")
        console.print(
            f"{len(people)} people; {own.label} keeps the identity better than {methods.get(own.rival).label} in "
            f"{sum(wins.values())} of {len(wins)} expressions, and in {sum(equal_wins.values())} where both are edited "
            f"to the same response of the AUs; tables and sheets in {reports}",
            highlight=False,
        )


if __name__ == "__main__":
    typer.run(main)
