"""The paper's figures and the training curves: `python -m stages.figures`.

Reads tables, arrays and metrics, loads no model; writes reports/figures: one file per figure, with the paper's number,
and captions.json, what stands below them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from matplotlib.figure import Figure
from rich.progress import track

from defgan.errors import UserError
from defgan.evaluation.images import read_edits, read_truth
from defgan.faces.table import read_faces, read_inputs
from defgan.files import atomic_directory
from defgan.report import differences, evidence_plots, grids, plots, units
from defgan.report.captions import captions
from defgan.report.pictures import Pictures
from defgan.report.style import METHOD_LABELS, figure_style, save
from stages.common import console, stage

MAIN_METHODS = ("defgan", "ganimation")
"""Shown in this order, the paper's."""
METHODS = (*MAIN_METHODS, "stargan")
"""With App. F's, which stands in Fig. 17, Fig. 18 and the training curves."""
GRID_FACES = 4
"""Faces in Fig. 4; the next as many stand in Fig. 9."""
DIFFERENCE_FIGURES = (5, 13, 14)
DIFFERENCE_FACES = 2
"""Faces in each of them: Fig. 5 and 13 show those of Fig. 4, Fig. 14 the first of Fig. 9."""
WILD_FACES = 3
"""Faces in Fig. 18, the last of the grids'."""


def existing(path: str) -> Path:
    """A file that an earlier stage wrote."""
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; run `dvc repro figures`, which makes it")
    return Path(path)


def read_pictures(data: Mapping[str, str]) -> Pictures:
    """The edits of the methods, their inputs and the truth; `data` says what the faces of each role are."""
    methods = {name: read_edits(f"edits/{name}") for name in METHODS}
    plan = methods[METHODS[0]].frame
    inputs = read_inputs(plan, "data/prepared").pixels
    return Pictures(plan, inputs, methods, read_truth("data/truth", plan), data)


def read_photographs() -> dict[tuple[str, str], np.ndarray]:
    """The RaFD photograph of each person and expression, the first where there are more, uint8 H×W×3."""
    faces = read_faces("data/prepared/rafd")
    first = faces.frame.drop_duplicates(["subject", "expression"])
    return {(face.subject, face.expression): faces.pixels[face.row] for face in first.itertuples()}


def photographs(pictures: Pictures, tables: Mapping[str, pd.DataFrame]) -> dict[str, Callable[[], Figure]]:
    """The figures made of photographs, by name; `tables` are the measurements of the two main methods."""
    both = replace(pictures, methods={name: pictures.methods[name] for name in MAIN_METHODS})
    faces, single = pictures.faces("grid"), pictures.faces("au")
    inside = {
        METHOD_LABELS[name]: table["concentration"].to_numpy()
        for name, table in tables.items()
        if "concentration" in table
    }
    drawings = {
        "fig_01_alpha_strip": lambda: grids.alpha_strip(both),
        "fig_04_expressions": lambda: grids.expression_grid(both, faces[:GRID_FACES], 4),
        "fig_06_single_aus": lambda: units.deformed_sweep(both, single[:2]),
        "fig_10_details": lambda: grids.detail_grid(both, faces[:2]),
        "fig_11_single_aus_deformed": lambda: units.deformation_grid(both, single[-1]),
        "fig_12_single_aus_final": lambda: units.final_sweep(both, single[-1]),
        "fig_18_stargan_wild": lambda: grids.in_the_wild_grid(pictures, faces[-WILD_FACES:]),
    }
    if more := faces[GRID_FACES : 2 * GRID_FACES]:
        drawings["fig_09_expressions"] = lambda: grids.expression_grid(both, more, 9)
    for i, number in enumerate(DIFFERENCE_FIGURES):
        if shown := faces[i * DIFFERENCE_FACES : (i + 1) * DIFFERENCE_FACES]:
            drawings[f"fig_{number:02d}_differences"] = partial(
                differences.difference_grid, both, shown, number, inside
            )
    if pictures.faces("rafd"):
        drawings["fig_17_stargan_rafd"] = lambda: grids.rafd_grid(pictures, read_photographs())
    return drawings


def evidence_drawings(defgan: pd.DataFrame, distance: str) -> dict[str, Callable[[], Figure]]:
    """The plots of the tables in reports/tables; those of what was not measured are left out."""
    numbers = {
        name: pd.read_csv(existing(f"reports/tables/{name}.csv"))
        for name in ("identity_by_expression", "motion", "au_fidelity", "cross_talk")
    }
    pairs = numbers["identity_by_expression"]
    drawings = {
        "fig_08_relative_improvement": lambda: evidence_plots.improvement(pairs, distance),
        "au_fidelity": lambda: evidence_plots.fidelity(numbers["au_fidelity"]),
    }
    if defgan["epe"].notna().any():
        drawings["truth_motion"] = lambda: evidence_plots.motion(numbers["motion"])
    if len(numbers["cross_talk"]):
        drawings["au_cross_talk"] = lambda: evidence_plots.cross_talk(numbers["cross_talk"])
    return drawings


def figures() -> None:
    """Draw Fig. 1, 3–6, 9–14, 17 and 18, the gains and the training curves."""
    with stage("figures") as (_, run):
        tables = {name: pd.read_parquet(existing(f"data/evaluation/{name}.parquet")) for name in MAIN_METHODS}
        measured = {name: table[table["set"] == "expressions"] for name, table in tables.items()}
        curves = {name: pd.read_csv(existing(f"metrics/train_{name}.csv")) for name in METHODS}
        compared = json.loads(existing("metrics/compare.json").read_text(encoding="utf-8"))

        of_photographs = photographs(read_pictures(compared["data"]), tables)
        drawings = of_photographs | {
            "fig_03_identity_distance": lambda: plots.identity_by_expression(
                measured, compared["networks"]["identity"]
            ),
            "training_curves": lambda: plots.training_curves(curves),
        }
        drawings |= evidence_drawings(measured["defgan"], compared["networks"]["identity"])
        if measured["defgan"]["err_copy"].notna().any():
            drawings["truth_gain"] = lambda: plots.gain_by_expression(measured)
        texts = captions(compared["data"], compared["networks"])

        written = []
        with atomic_directory("reports/figures") as directory, figure_style():
            for name, draw in track(sorted(drawings.items()), "Figures"):
                written += save(draw(), directory, name, photographs=name in of_photographs)
            described = {name: asdict(texts[name]) for name in sorted(drawings)}
            (directory / "captions.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n")
        for path in written:
            run.log_artifact(Path("reports/figures", path.name), folder="figures")
        console.print(f"figures: {', '.join(path.name for path in written)} in reports/figures", highlight=False)


def main() -> None:
    typer.run(figures)


if __name__ == "__main__":
    main()
