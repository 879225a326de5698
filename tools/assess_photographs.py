"""Assess the weights on photographs of people: `python -m tools.assess_photographs FOLDER`.

FOLDER has the sub-folders `neutral` and `smiling`, with one photograph per person under the same file name in both. The
Face Research Lab London Set is such a set (DeBruine & Jones, 2017, doi 10.6084/m9.figshare.5047666.v5, CC BY 4.0).
Every neutral face is edited to the six expressions, at four strengths, and to the AUs of the person's own smile; the
blendshapes estimator predicts the AUs. Writes photographs.csv, crop_errors.csv, real_smile.csv and sheets of edits to
reports/photographs, and photographs_by_group.csv where a table names groups of the people. Git ignores the sheets: they
show people.
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.progress import track

from defgan import methods
from defgan.editing import EDITORS, pictures, real_smile
from defgan.editing.assessment import (
    AT_EQUAL_RESPONSE,
    RELATIVE,
    RESPONSE,
    compared,
    crop_errors,
    equal_response,
    identity_wins,
    observe,
    summarise,
)
from defgan.editing.editor import Editor
from defgan.editing.face_finder import FaceFinder
from defgan.editing.groups import by_group, read_groups, widest_gap
from defgan.editing.image_file import encode_picture, write_files
from defgan.editing.people import Person, read_person
from defgan.editing.targets import make_target
from defgan.editing.trained_weights import available
from defgan.errors import UserError, plain_errors
from defgan.facs import EXPRESSIONS
from defgan.files import atomic_file
from defgan.spacing import spread
from stages.common import console

REPORTS = Path("reports/photographs")
SHEET_PEOPLE = 8
EVERY = 4
"""Errors of the crop are measured on every fourth person."""


def say(line: str) -> None:
    """Print a line as it is."""
    console.print(line, highlight=False, markup=False)


def pairs(folder: Path, limit: int | None) -> tuple[list[Path], list[str]]:
    """The neutral photographs that have a smiling one, at most `limit`, evenly spread; a line for each that has none.

    Raises UserError where all have none, and where two people have one name.
    """
    neutral = sorted(path for path in (folder / "neutral").glob("*") if path.is_file())
    files = [path for path in neutral if (folder / "smiling" / path.name).is_file()]
    if not files:
        raise UserError(f"{folder}: no photographs with the same name in its sub-folders neutral and smiling")
    stems = [path.stem for path in files]
    if twice := [stem for stem in stems if stems.count(stem) > 1]:
        raise UserError(f"{folder}: two photographs are called {twice[0]}; rename one of them in both sub-folders")
    alone = [f"{path.name}: no photograph of this name in smiling" for path in neutral if path not in files]
    return [files[index] for index in spread(len(files), limit or len(files))], alone


def read_people(files: list[Path], find: FaceFinder) -> tuple[list[Person], list[str]]:
    """The people with a face in both photographs, and a line for each one left out, with the reason."""
    people, left_out = [], []
    for path in track(files, "Faces"):
        try:
            people.append(read_person(find, path, path.parents[1] / "smiling" / path.name))
        except UserError as error:
            left_out.append(f"{path.name}: {error}")
    return people, left_out


def groups_file(folder: Path, chosen: Path | None) -> Path | None:
    """The table of groups: the chosen one, or the only CSV file of the folder; None where there is none.

    Raises UserError where the folder has several.
    """
    if chosen:
        return chosen
    found = sorted(folder.glob("*.csv"))
    if len(found) > 1:
        raise UserError(f"{folder}: {', '.join(path.name for path in found)}: name the table of groups with --groups")
    return found[0] if found else None


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


def report_identity(table: pd.DataFrame) -> None:
    """Print in how many expressions each method keeps the identity better than its rival."""
    for name, rival in compared(table["method"].unique()):
        wins, equal_wins = identity_wins(table, name), identity_wins(table, name, AT_EQUAL_RESPONSE)
        say(
            f"{methods.get(name).label} keeps the identity better than {methods.get(rival).label} in "
            f"{sum(wins.values())} of {len(wins)} expressions, and in {sum(equal_wins.values())} where both are edited "
            "to the same response of the AUs"
        )


def report_groups(table: pd.DataFrame) -> None:
    """Print for each method and column which group responds least, and which most, by both readings."""
    for name in table["method"].unique():
        for column in table["column"].unique():
            for measure in (RESPONSE, RELATIVE):
                if gap := widest_gap(table, name, column, measure):
                    least, most = (f"{row['group']} {row['value']:.2f} (n {row['n']})" for row in gap)
                    say(
                        f"{methods.get(name).label}, {measure}, by {column}: {least} to {most}, "
                        f"{gap[0]['value'] / gap[1]['value']:.2f} of it"
                    )


def main(
    folder: Annotated[Path, typer.Argument(help="Holds neutral/ and smiling/.")],
    weights: Annotated[Path | None, typer.Option(help="Folder of other weights than the project's own.")] = None,
    reports: Annotated[Path, typer.Option(help="Where tables and sheets go.")] = REPORTS,
    model: Annotated[
        list[str] | None, typer.Option(help="Assess this model; once for each. Default: all that have weights.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(help="Table of the people's groups, CSV or Parquet. Default: the only CSV file in FOLDER."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Assess so many people only, evenly spread.")] = None,
) -> None:
    """Edit photographs of people with the methods that edit by AUs, and measure response, identity and smiles."""
    with plain_errors("photographs"):
        chosen = tuple(model or available(weights))
        for name in chosen:
            if name not in EDITORS:
                raise UserError(f"{name}: no such model; choose one of {', '.join(EDITORS)}")
        files, left_out = pairs(folder, limit)
        table_of_groups = groups_file(folder, groups)
        people_groups = table_of_groups and read_groups(table_of_groups, [path.stem for path in files])
        observed, errors, smiles, edits, finder, people = [], [], [], {}, None, []
        for name in chosen:
            editor = Editor.load(name, weights, finder)
            if finder is not editor.find:  # the faces are not yet found, or these weights need other crops
                finder = editor.find
                people, faceless = read_people(files, finder)
                for line in (*left_out, *faceless):
                    say(f"left out: {line}")
                if not people:
                    raise UserError(f"{folder}: nobody is left")
                if not smiles:
                    smiles.append(real_smile.measure_copy(people))
            observed.append(observe(editor, people, track))
            errors.append(crop_errors(editor, people[::EVERY], track))
            smiles.append(real_smile.measure(editor, people, track))
            edits[name] = real_smile.portraits(editor, real_smile.shown(people))
            write_files({reports / f"{name}.png": sheet(editor, people)}, overwrite=True)
        everything = pd.concat(observed, ignore_index=True)
        table = summarise(everything)
        table = pd.concat([table, equal_response(table)], ignore_index=True)
        write(reports / "photographs.csv", table)
        write(reports / "crop_errors.csv", pd.concat(errors, ignore_index=True))
        write(reports / "real_smile.csv", pd.concat(smiles, ignore_index=True))
        figure = real_smile.figure(real_smile.shown(people), edits)
        note = editor.note("the person's own smile")
        write_files({reports / "real_smile.png": encode_picture(figure, note)}, overwrite=True)
        report_identity(table)
        if people_groups is None:
            say(f"no table by group: {folder} has no CSV file of groups, and --groups names none")
        else:
            by = by_group(everything, people_groups.loc[[person.name for person in people]])
            write(reports / "photographs_by_group.csv", by)
            report_groups(by)
        say(f"{len(people)} people; tables and sheets in {reports}")


if __name__ == "__main__":
    typer.run(main)
