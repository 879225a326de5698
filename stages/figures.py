"""The paper's figures and the training curves: `python -m stages.figures`.

Reads tables, arrays and metrics, loads no model; writes reports/figures, one file per figure with the paper's number.
"""

import json
from pathlib import Path

import pandas as pd
import typer
from rich.progress import track

from defgan.errors import UserError
from defgan.evaluation.images import read_edits, read_truth
from defgan.faces.table import read_faces
from defgan.files import atomic_directory
from defgan.report import grids, plots
from defgan.report.style import figure_style, save
from stages.common import console, stage

METHODS = ("defgan", "ganimation")
"""Shown in this order, the paper's."""
GRID_FACES = 4
"""Faces in Fig. 4; the next as many stand in Fig. 9."""
DIFFERENCE_FACES = 2


def existing(path: str) -> Path:
    """A file that an earlier stage wrote."""
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; run `dvc repro figures`, which makes it")
    return Path(path)


def read_pictures(data: str) -> grids.Pictures:
    """The edits of the methods, their inputs and the truth; `data` says what the faces are."""
    methods = {name: read_edits(f"edits/{name}") for name in METHODS}
    plan = methods[METHODS[0]].frame
    originals = read_faces("data/prepared/wild").pixels
    return grids.Pictures(plan, originals, methods, read_truth("data/truth", len(plan)), data)


def figures() -> None:
    """Draw Fig. 1, 3, 4, 5 and 9, the gains and the training curves."""
    with stage("figures") as (_, run):
        measured = {name: pd.read_parquet(existing(f"data/evaluation/{name}.parquet")) for name in METHODS}
        measured = {name: table[table["set"] == "expressions"] for name, table in measured.items()}
        curves = {name: pd.read_csv(existing(f"metrics/train_{name}.csv")) for name in METHODS}
        compared = json.loads(existing("metrics/compare.json").read_text(encoding="utf-8"))
        pictures = read_pictures(compared["data"])
        faces = pictures.faces("grid")

        photographs = {
            "fig_01_alpha_strip": lambda: grids.alpha_strip(pictures),
            "fig_04_expressions": lambda: grids.expression_grid(pictures, faces[:GRID_FACES], 4),
            "fig_05_differences": lambda: grids.difference_grid(pictures, faces[:DIFFERENCE_FACES]),
        }
        if more := faces[GRID_FACES : 2 * GRID_FACES]:
            photographs["fig_09_expressions"] = lambda: grids.expression_grid(pictures, more, 9)
        drawings = photographs | {
            "fig_03_identity_distance": lambda: plots.identity_by_expression(
                measured, compared["networks"]["identity"]
            ),
            "training_curves": lambda: plots.training_curves(curves),
        }
        if pictures.true is not None:
            drawings["gain_over_copying"] = lambda: plots.gain_by_expression(measured)

        written = []
        with atomic_directory("reports/figures") as directory, figure_style():
            for name, draw in track(sorted(drawings.items()), "Figures"):
                written += save(draw(), directory, name, photographs=name in photographs)
        for path in written:
            run.log_artifact(Path("reports/figures", path.name), folder="figures")
        console.print(f"figures: {', '.join(path.name for path in written)} in reports/figures", highlight=False)


def main() -> None:
    typer.run(figures)


if __name__ == "__main__":
    main()
