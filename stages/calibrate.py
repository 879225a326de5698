"""Fit the AU reader to rendered faces: `python -m stages.calibrate`, or `make calibrate`.

Writes defgan/faces/au_calibration.json and reports/tables/au_reader.{csv,md}. It is no stage of the pipeline: the
coefficients come with the project, and every reading of a photograph depends on them. It takes about ten minutes on two
cores.
"""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.progress import track

from defgan.errors import UserError, plain_errors
from defgan.files import atomic_file
from defgan.report.tables import markdown
from stages.common import console

SEED = 0
COMMAND = "python -m stages.calibrate"
TABLES = Path("reports/tables")


def observations(file: Path | None) -> dict[str, np.ndarray]:
    """The readings to fit to: from `file` where it is there, else rendered, read and kept in it."""
    from defgan.corpus.roles import Studio
    from defgan.corpus.scenes import available_cores, crew
    from defgan.faces.calibration import observe

    if file and file.is_file():
        with np.load(file, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    with console.status("calibrate: the head model (its first use on a machine takes about a minute)"):
        studio = Studio()
    with crew(studio.head, available_cores()) as run:
        bar = partial(_bar, "calibrate: subjects")
        found = observe(studio, run, SEED, progress=bar)
    if file:
        with atomic_file(file) as path:
            np.savez_compressed(path, **found)
    return found


def read_pairs(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """AUs of people photographed twice, in neutral/ and smiling/ under the same file name, N×17 each."""
    from defgan.faces.blendshapes import BlendshapeReader
    from defgan.faces.detection import Detector
    from defgan.faces.photographs import read_photograph

    detect, read = Detector(threshold=0.9), BlendshapeReader()
    names = sorted(path.name for path in (folder / "neutral").glob("*") if (folder / "smiling" / path.name).is_file())
    if not names:
        raise UserError(f"{folder}: no photographs of the same name in neutral/ and smiling/")
    pairs = []
    for name in track(names, description="calibrate: photographs", console=console, transient=True):
        images = [read_photograph(folder / kind / name).pixels for kind in ("neutral", "smiling")]
        faces = detect(images)
        if all(face is not None for face in faces):
            pairs.append([reading.aus for reading in read(images, [face.points for face in faces])])
    complete = [pair for pair in pairs if all(aus is not None for aus in pair)]
    console.print(f"calibrate: {len(complete)} of {len(names)} people read in both photographs")
    neutral, smiling = np.array(complete).swapaxes(0, 1)
    return neutral, smiling


def write_table(name: str, table: pd.DataFrame, title: str, text: str) -> None:
    """reports/tables/NAME.csv, and the same as Markdown with title and caption."""
    numbers = [column for column in table if column != "au"]
    shown = table.assign(**{column: table[column].map("{:.3f}".format) for column in numbers})
    with atomic_file(TABLES / f"{name}.csv") as path:
        shown.to_csv(path, index=False)
    with atomic_file(TABLES / f"{name}.md") as path:
        path.write_text(markdown(shown, title, text), encoding="utf-8")


def calibrate(
    observed: Annotated[
        Path | None, typer.Option("--observations", help="keep the readings in this file; read it where it is there")
    ] = None,
    photographs: Annotated[
        Path | None, typer.Option(help="folder with neutral/ and smiling/ photographs of the same people to check on")
    ] = None,
) -> None:
    """Render faces, fit the AU reader to them and measure it on held-out subjects."""
    # The renderer's processes share the cores; each of them is single.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with plain_errors("calibrate"):
        from defgan.faces.blendshapes import CALIBRATION, load_calibration
        from defgan.faces.calibration import HELD_OUT, IMAGES, SUBJECTS, agreement, change, fit, save_calibration

        found = observations(observed)
        held_out = found["subject"] >= SUBJECTS - HELD_OUT
        kept = {name: values[~held_out] for name, values in found.items()}
        calibration = fit(kept["measured"], kept["aus"], kept["subject"])
        with atomic_file(CALIBRATION) as path:
            save_calibration(path, calibration, COMMAND, SEED)
        # What is measured is what the file gives: rounded, and read as the reader reads it.
        read = load_calibration(CALIBRATION).intensities(found["measured"][held_out])
        table = agreement(read, found["aus"][held_out], found["view"][held_out])
        write_table(
            "au_reader",
            table,
            "The AU reader against the truth",
            f"AUs read by `blendshapes` against the exact ones of {HELD_OUT} rendered people that the reader was not"
            f" fitted to ({IMAGES} photographs each: neutral, single units, expressions, random combinations). ICC is"
            " ICC(3,1). crop128 and crop64: the same faces as aligned crops of that many pixels. On photographs nobody"
            f" knows the truth: there this table does not hold. Made by `{COMMAND}`.",
        )
        if photographs:
            write_table(
                "au_reader_photographs",
                change(*read_pairs(photographs)),
                "The AU reader on photographs of people, neutral and smiling",
                "Mean AUs read from photographs of the same people, neutral and smiling, and the share of people in"
                " whom the unit rises. Face Research Lab London Set (DeBruine & Jones, 2017, CC BY 4.0,"
                " doi 10.6084/m9.figshare.5047666). Made by"
                f" `{COMMAND} --photographs FOLDER`.",
            )
    console.print(table.round(2).to_string(index=False), highlight=False)
    console.print(
        f"calibrate: ICC at least 0.75 on {(table['icc'] >= 0.75).sum()} of {len(table)} AUs,"
        f" least {table['icc'].min():.2f} → {CALIBRATION.name}, {TABLES}/au_reader.csv"
    )


def _bar(description: str, items, total: int):
    return track(items, description=description, total=total, console=console)


def main() -> None:
    """Entry point of `python -m stages.calibrate`."""
    typer.run(calibrate)


if __name__ == "__main__":
    main()
