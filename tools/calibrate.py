"""Calibrate the `blendshapes` AU estimator on rendered faces: `python -m tools.calibrate`, or `make calibrate`.

Writes defgan/faces/au_estimators/au_calibration.json and reports/calibration/. It is no stage of the pipeline: the
coefficients come with the project, and every AU of a photograph depends on them. It takes about ten minutes on two
cores.
"""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.progress import track

from defgan.agreement import icc_3_1
from defgan.errors import UserError, plain_errors
from defgan.faces.au_estimators import blendshapes
from defgan.facs import AU_NAMES
from defgan.files import atomic_file
from defgan.report.markup import markdown
from stages.common import console

SEED = 0
COMMAND = "python -m tools.calibrate"
REPORTS = Path("reports/calibration")


def observations(file: Path | None) -> dict[str, np.ndarray]:
    """The measurements to fit to: from `file` where it is there, else rendered and measured, and kept in it."""
    from defgan.corpus.roles import Studio
    from defgan.corpus.scenes import available_cores, crew
    from tools.calibration_faces import observe

    if file and file.is_file():
        with np.load(file, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    with console.status("calibrate: the head model (its first use on a machine takes about a minute)"):
        studio = Studio()
    with crew(studio.head, available_cores()) as run:
        found = observe(studio, run, SEED, progress=partial(_bar, "calibrate: subjects"))
    if file:
        with atomic_file(file) as path:
            np.savez_compressed(path, **found)
    return found


def predict_pairs(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """AUs of people photographed twice, in neutral/ and smiling/ under the same file name, N×17 each."""
    from defgan.faces.detection import Detector
    from defgan.photographs import read_photograph

    detect, estimate = Detector(threshold=0.9), blendshapes.BlendshapeEstimator()
    names = sorted(path.name for path in (folder / "neutral").glob("*") if (folder / "smiling" / path.name).is_file())
    if not names:
        raise UserError(f"{folder}: no photographs of the same name in neutral/ and smiling/")
    pairs = []
    for name in track(names, description="calibrate: photographs", console=console, transient=True):
        images = [read_photograph(folder / kind / name).pixels for kind in ("neutral", "smiling")]
        faces = detect(images)
        if all(face is not None for face in faces):
            pairs.append([prediction.aus for prediction in estimate(images, [face.points for face in faces])])
    complete = [pair for pair in pairs if all(aus is not None for aus in pair)]
    console.print(f"calibrate: AUs of {len(complete)} of {len(names)} people predicted in both photographs")
    neutral, smiling = np.array(complete).swapaxes(0, 1)
    return neutral, smiling


def agreement(predicted: np.ndarray, true: np.ndarray, view: np.ndarray) -> pd.DataFrame:
    """Per unit: correlation, ICC(3,1) and mean absolute error of photographs, ICC and error of crops of each side.

    `predicted` and `true` N×17; `view` (N,) is 0 for a photograph, or the side of the crop.
    """
    rows = []
    sides = sorted(set(view.tolist()), key=lambda side: (side > 0, -side))
    for i, name in enumerate(AU_NAMES):
        row: dict[str, str | float] = {"au": name}
        for side in sides:
            here, suffix = view == side, f"_crop{side}" if side else ""
            ratings = np.stack([predicted[here, i], true[here, i]], axis=1).astype(float)
            if not side:
                row["correlation"] = float(np.corrcoef(ratings.T)[0, 1])
            row[f"icc{suffix}"] = icc_3_1(ratings)
            row[f"mae{suffix}"] = float(np.abs(predicted[here, i] - true[here, i]).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def change(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Per unit, of N people with AUs of two photographs (both N×17): the means, and the share in whom it rises."""
    return pd.DataFrame(
        {"au": AU_NAMES, "neutral": before.mean(0), "smiling": after.mean(0), "rises": (after > before).mean(0)}
    )


def write_table(name: str, table: pd.DataFrame, title: str, text: str) -> None:
    """reports/calibration/NAME.csv, and the same as Markdown with title and caption."""
    numbers = [column for column in table if column != "au"]
    shown = table.assign(**{column: table[column].map("{:.3f}".format) for column in numbers})
    with atomic_file(REPORTS / f"{name}.csv") as path:
        shown.to_csv(path, index=False)
    with atomic_file(REPORTS / f"{name}.md") as path:
        path.write_text(markdown(shown, title, text), encoding="utf-8")


def calibrate(
    observed: Annotated[
        Path | None, typer.Option("--observations", help="keep the measurements in this file; use it if it is there")
    ] = None,
    photographs: Annotated[
        Path | None, typer.Option(help="folder with neutral/ and smiling/ photographs of the same people to check on")
    ] = None,
) -> None:
    """Render faces, fit the AU estimator to them and compare it with the truth on held-out subjects."""
    # There is one process for each core: none may start threads of its own.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with plain_errors("calibrate"):
        from tools.calibration import fit, save_calibration
        from tools.calibration_faces import HELD_OUT, IMAGES, SIZE, SUBJECTS

        found = observations(observed)
        held_out = found["subject"] >= SUBJECTS - HELD_OUT
        kept = {name: values[~held_out] for name, values in found.items()}
        calibration = fit(kept["measured"], kept["aus"], kept["subject"])
        faces = {"seed": SEED, "subjects": SUBJECTS, "held_out": HELD_OUT, "images": IMAGES, "size": SIZE}
        with atomic_file(blendshapes.CALIBRATION) as path:
            save_calibration(path, calibration, COMMAND, faces)
        # The file's rounded coefficients are what is compared with the truth.
        predicted = blendshapes.load_calibration(blendshapes.CALIBRATION).intensities(found["measured"][held_out])
        table = agreement(predicted, found["aus"][held_out], found["view"][held_out])
        write_table(
            "au_estimator",
            table,
            "The AU estimator against the truth",
            f"AUs predicted by `blendshapes` against the exact AUs of {HELD_OUT} rendered people that it was not"
            f" fitted to ({IMAGES} photographs each: neutral, single units, expressions, random combinations). ICC is"
            " ICC(3,1). crop128 and crop64: the same faces as aligned crops of that many pixels. The table does not"
            f" hold for photographs of people, whose true AUs nobody knows. Made by `{COMMAND}`.",
        )
        if photographs:
            write_table(
                "au_estimator_photographs",
                change(*predict_pairs(photographs)),
                "The AU estimator on photographs of people, neutral and smiling",
                "Mean predicted AUs of photographs of the same people, neutral and smiling, and the share of people in"
                " whom the unit rises. Face Research Lab London Set (DeBruine & Jones, 2017, CC BY 4.0,"
                " doi 10.6084/m9.figshare.5047666). Made by"
                f" `{COMMAND} --photographs FOLDER`.",
            )
    console.print(table.round(2).to_string(index=False), highlight=False)
    console.print(
        f"calibrate: ICC at least 0.75 on {(table['icc'] >= 0.75).sum()} of {len(table)} AUs,"
        f" least {table['icc'].min():.2f} → {blendshapes.CALIBRATION.name}, {REPORTS}/au_estimator.csv"
    )


def _bar(description: str, items: Iterable, total: int) -> Iterable:
    return track(items, description=description, total=total, console=console)


def main() -> None:
    """Entry point of `python -m tools.calibrate`."""
    typer.run(calibrate)


if __name__ == "__main__":
    main()
