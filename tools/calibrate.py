"""Calibrate the `blendshapes` AU estimator on rendered faces: `python -m tools.calibrate`, or `make calibrate`.

Writes defgan/faces/au_estimators/au_calibration.json and reports/calibration/. It is no stage of the pipeline: the
coefficients come with the project, and every AU of a photograph depends on them. It takes about ten minutes on two
cores. `--check` leaves the coefficients as they are, and only compares them with the truth again.
"""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.progress import track

from defgan.agreement import icc_3_1
from defgan.editing.assessment import RISE
from defgan.errors import UserError, plain_errors
from defgan.evaluation.intervals import draw_people, percentiles
from defgan.faces.au_estimators import blendshapes
from defgan.facs import AU_NAMES
from defgan.files import atomic_file
from defgan.report.markup import markdown, score
from stages.common import console

SEED = 0
COMMAND = "python -m tools.calibrate"
REPORTS = Path("reports/calibration")
SKIN = MappingProxyType({"dark": (0.0, 0.15), "medium": (0.15, 0.3), "light": (0.3, 1.0)})
"""Bands of the luminance of the skin's albedo, from the first bound to below the second."""
DRAWS = 200
"""Resamples of the people for an interval."""


def observations(file: Path | None, subjects: range) -> dict[str, np.ndarray]:
    """The measurements of subjects: from `file` where it is there, else rendered and measured, and kept in it."""
    from defgan.corpus.roles import Studio
    from defgan.corpus.scenes import available_cores, crew
    from tools.calibration_faces import observe

    if file and file.is_file():
        with np.load(file, allow_pickle=False) as content:
            found = {name: content[name] for name in content.files}
        if "skin" not in found or subjects.start < found["subject"].min():
            raise UserError(f"{file}: some measurements are missing in it; delete it or name another file")
        here = np.isin(found["subject"], subjects)
        return {name: values[here] for name, values in found.items()}
    with console.status("calibrate: the head model (its first use on a machine takes about a minute)"):
        studio = Studio()
    with crew(studio.head, available_cores()) as run:
        found = observe(studio, run, SEED, subjects, progress=partial(_bar, "calibrate: subjects"))
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


def by_skin(predicted: np.ndarray, true: np.ndarray, skin: np.ndarray, subject: np.ndarray) -> pd.DataFrame:
    """Per band of `SKIN` and unit: people, n, mean absolute error, ICC(3,1) and slope of photographs of renders.

    `predicted` and `true` N×17; `skin`, the luminance of the skin, and `subject` (N,). The slope is that of the
    least-squares line of the prediction on the truth. The unit "mean" is the mean over all units; only there ICC and
    slope have 95 % intervals, by the bootstrap over people.
    """
    rows = []
    for tone, (least, most) in SKIN.items():
        here = (skin >= least) & (skin < most)
        if not here.any():
            continue
        own, of, people = predicted[here].astype(float), true[here].astype(float), subject[here]
        head = {"tone": tone, "luminance": f"{least:g} to {most:g}", "people": len(set(people)), "n": len(own)}
        columns = {"mae": np.abs(own - of).mean(axis=0), "icc": _iccs(own, of), "slope": _slopes(own, of)}
        resamples = [np.repeat(np.arange(len(own)), counts) for counts in draw_people(people, DRAWS)]
        intervals = {}
        for name, measure in (("icc", _iccs), ("slope", _slopes)):
            drawn = np.array([measure(own[taken], of[taken]).mean() for taken in resamples])
            intervals[f"{name}_low"], intervals[f"{name}_high"] = percentiles(drawn)
        table = pd.DataFrame({"au": AU_NAMES, **columns})
        mean = {"au": "mean", **{name: values.mean() for name, values in columns.items()}, **intervals}
        rows += [head | row for row in (mean, *table.to_dict("records"))]
    return pd.DataFrame(rows)


def _iccs(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.array([icc_3_1(pair) for pair in np.stack([predicted, true], axis=2).swapaxes(0, 1)])


def _slopes(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    centred = true - true.mean(axis=0)
    return (centred * predicted).sum(axis=0) / (centred**2).sum(axis=0)


def change(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Per unit, of N people with AUs of two photographs (both N×17): the means, and the share in whom it rises.

    It rises where the difference is above `RISE`, as in `reports/photographs/photographs.csv`.
    """
    rises = (after - before > RISE).mean(0)
    means = {"neutral": before.mean(0), "smiling": after.mean(0)}
    return pd.DataFrame({"au": AU_NAMES, **means, f"rises by more than {RISE:g}": rises})


def write_table(name: str, table: pd.DataFrame, title: str, text: str) -> None:
    """reports/calibration/NAME.csv, and the same as Markdown with title and caption."""
    numbers = table.select_dtypes("floating").columns
    shown = table.astype(str).assign(**{column: table[column].map(partial(score, digits=3)) for column in numbers})
    with atomic_file(REPORTS / f"{name}.csv") as path:
        shown.to_csv(path, index=False)
    with atomic_file(REPORTS / f"{name}.md") as path:
        path.write_text(markdown(shown, title, text), encoding="utf-8")


def write_photographs(folder: Path) -> None:
    """The table of real people, neutral and smiling."""
    write_table(
        "au_estimator_photographs",
        change(*predict_pairs(folder)),
        "The AU estimator on photographs of people, neutral and smiling",
        "Mean predicted AUs of photographs of the same people, neutral and smiling, and the share of people in whom the"
        f" unit rises by more than {RISE:g}. Face Research Lab London Set (DeBruine & Jones, 2017, CC BY 4.0,"
        f" doi 10.6084/m9.figshare.5047666). Made by `{COMMAND} --photographs FOLDER`.",
    )


def calibrate(
    observed: Annotated[
        Path | None, typer.Option("--observations", help="keep the measurements in this file; use it if it is there")
    ] = None,
    photographs: Annotated[
        Path | None, typer.Option(help="folder with neutral/ and smiling/ photographs of the same people to check on")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="fit nothing: compare the coefficients that are there")
    ] = False,
) -> None:
    """Render faces, fit the AU estimator to them and compare it with the truth on held-out subjects."""
    # There is one process for each core: none may start threads of its own.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with plain_errors("calibrate"):
        from tools.calibration import fit, save_calibration
        from tools.calibration_faces import HELD_OUT, IMAGES, SIZE, SUBJECTS

        fitted_to = SUBJECTS - HELD_OUT
        found = observations(observed, range(fitted_to if check else 0, SUBJECTS))
        held_out = found["subject"] >= fitted_to
        if not check:
            kept = {name: values[~held_out] for name, values in found.items()}
            calibration = fit(kept["measured"], kept["aus"], kept["subject"])
            faces = {"seed": SEED, "subjects": SUBJECTS, "held_out": HELD_OUT, "images": IMAGES, "size": SIZE}
            with atomic_file(blendshapes.CALIBRATION) as path:
                save_calibration(path, calibration, COMMAND, faces)
        # The file's rounded coefficients are what is compared with the truth.
        predicted = blendshapes.load_calibration(blendshapes.CALIBRATION).intensities(found["measured"][held_out])
        true, view = found["aus"][held_out], found["view"][held_out]
        table = agreement(predicted, true, view)
        write_table(
            "au_estimator",
            table,
            "The AU estimator against the truth",
            f"AUs predicted by `blendshapes` against the exact AUs of {HELD_OUT} rendered people that it was not"
            f" fitted to ({IMAGES} photographs each: neutral, single units, expressions, random combinations). ICC is"
            " ICC(3,1). crop128 and crop64: the same faces as aligned crops of that many pixels. The table does not"
            f" hold for photographs of people, whose true AUs nobody knows. Made by `{COMMAND}`.",
        )
        whole = view == 0
        skins = by_skin(
            predicted[whole], true[whole], found["skin"][held_out][whole], found["subject"][held_out][whole]
        )
        write_table(
            "au_estimator_by_skin",
            skins,
            "The AU estimator by the tone of the skin",
            f"The photographs of `au_estimator.md`, by the luminance (Rec. 709) of the albedo of the person's skin:"
            f" {', '.join(f'{tone} {least:g} to {most:g}' for tone, (least, most) in SKIN.items())}. ICC is ICC(3,1),"
            " slope that of the predicted intensity over the true one. The unit `mean` is the mean over the units; low"
            f" and high are the 95 % intervals of its ICC and slope, by {DRAWS} resamples of the people (seed 0). Made"
            f" by `{COMMAND}`.",
        )
        if photographs:
            write_photographs(photographs)
    console.print(table.round(2).to_string(index=False), highlight=False)
    tones = skins[skins["au"] == "mean"]
    console.print(
        "calibrate: mean ICC by skin: "
        + ", ".join(f"{row.tone} {row.icc:.2f} (slope {row.slope:.2f}, n {row.people})" for row in tones.itertuples())
    )
    written = REPORTS if check else f"{blendshapes.CALIBRATION.name}, {REPORTS}"
    console.print(
        f"calibrate: ICC at least 0.75 on {(table['icc'] >= 0.75).sum()} of {len(table)} AUs,"
        f" least {table['icc'].min():.2f} → {written}"
    )


def _bar(description: str, items: Iterable, total: int) -> Iterable:
    return track(items, description=description, total=total, console=console)


def main() -> None:
    """Entry point of `python -m tools.calibrate`."""
    typer.run(calibrate)


if __name__ == "__main__":
    main()
