"""The paper's figures and those of the truth and the training: `python -m stages.figures`; one: `... figures fig_04`.

Reads tables, arrays and metrics, loads no model; writes reports/figures: the files of each figure, and captions.json,
what stands below them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from defgan.errors import UserError
from defgan.files import atomic_directory, atomic_file
from stages.common import console, select, stage

# What draws is loaded where it is used: `--help` and a wrong param need not wait for it.
if TYPE_CHECKING:
    from defgan.report.figures.base import Figure
    from defgan.report.results import Results

FIGURES = Path("reports/figures")
CAPTIONS = FIGURES / "captions.json"


def as_text(captions: dict[str, dict]) -> str:
    """Captions by name, as JSON."""
    return json.dumps(dict(sorted(captions.items())), indent=2, ensure_ascii=False) + "\n"


def draw_all(results: Results) -> list[str]:
    """Write the directory anew, with every figure whose data exist; the names of the files."""
    from defgan.report import figures

    chosen = [figure for figure in figures.every() if figure.available(results)]
    with atomic_directory(FIGURES) as directory:
        written = [path for figure in track(chosen, "Figures") for path in write(figure, results, directory)]
        captions = {figure.name: asdict(figure.caption(results)) for figure in chosen}
        (directory / CAPTIONS.name).write_text(as_text(captions), encoding="utf-8")
    return [path.name for path in written]


def draw_one(results: Results, name: str) -> list[str]:
    """Replace the files of one figure and its caption; the names of the files."""
    from defgan.report import figures

    figure = figures.get(name)
    if not figure.available(results):
        raise UserError(f"{figure.name}: this experiment has no data for it")
    captions = json.loads(CAPTIONS.read_text(encoding="utf-8")) if CAPTIONS.is_file() else {}
    captions[figure.name] = asdict(figure.caption(results))
    with TemporaryDirectory() as temporary:
        written = write(figure, results, Path(temporary))
        for path in written:
            with atomic_file(FIGURES / path.name) as target:
                target.write_bytes(path.read_bytes())
    with atomic_file(CAPTIONS) as path:
        path.write_text(as_text(captions), encoding="utf-8")
    return [path.name for path in written]


def write(figure: Figure, results: Results, directory: Path) -> list[Path]:
    """Draw a figure into a directory; its files."""
    from defgan.report.style import figure_style, save

    with figure_style():
        return save(figure.draw(results), directory, figure.name, photographs=figure.photographs)


def figures(
    name: Annotated[str, typer.Argument(help="One figure, such as fig_04; without it all are drawn.")] = "",
) -> None:
    """Draw the figures whose data exist, or one of them."""
    with stage("figures", "data") as (params, run):
        from defgan.report.names import data_name
        from defgan.report.results import Results

        data = select(params, "data")["data"]
        results = Results({role: data_name(source) for role, source in data.items()})
        written = draw_one(results, name) if name else draw_all(results)
        for file in written:
            run.log_artifact(FIGURES / file, folder="figures")
        console.print(f"figures: {', '.join(written)} in {FIGURES}", highlight=False)


def main() -> None:
    typer.run(figures)


if __name__ == "__main__":
    main()
