"""The paper's figures and those of the truth and the training: `python -m stages.figures`; one: `... figures fig_04`.

Reads tables, arrays and metrics, loads no model; writes reports/figures/LAYOUT, by the layout of the wild photographs:
the files of each figure, and captions.json, what stands below them.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from defgan.errors import UserError
from defgan.files import atomic_directory, atomic_file
from defgan.report.captions import CAPTIONS, as_text, read_captions
from stages.common import console, select, stage

# What draws is loaded where it is used: `--help` and a wrong param need not wait for it.
if TYPE_CHECKING:
    from defgan.report.figures.base import Figure
    from defgan.report.results import Results


def why_not(figure: Figure, results: Results) -> str:
    """Why a figure is not drawn; "" where it is."""
    if not figure.available(results):
        return "this experiment has no data for it"
    if figure.shows_people(results):
        return f"git keeps figures of rendered faces, but it shows the people of data.{figure.role}"
    return ""


def draw_all(results: Results, folder: Path) -> list[str]:
    """Write the directory anew, with every figure whose data exist; the names of the files."""
    from defgan.report import figures

    reasons = {figure: why_not(figure, results) for figure in figures.every()}
    for figure, reason in reasons.items():
        if reason:
            console.print(f"{figure.name} is left out: {reason}", highlight=False, soft_wrap=True)
    chosen = [figure for figure, reason in reasons.items() if not reason]
    with atomic_directory(folder) as directory:
        written = [path for figure in track(chosen, "Figures") for path in write(figure, results, directory)]
        captions = {figure.name: figure.caption(results) for figure in chosen}
        (directory / CAPTIONS).write_text(as_text(captions), encoding="utf-8")
    return [path.name for path in written]


def draw_one(results: Results, name: str, folder: Path) -> list[str]:
    """Replace the files of one figure and its caption; the names of the files."""
    from defgan.report import figures

    figure = figures.get(name)
    if reason := why_not(figure, results):
        raise UserError(f"{figure.name}: {reason}")
    captions = read_captions(folder) | {figure.name: figure.caption(results)}
    with TemporaryDirectory() as temporary:
        written = write(figure, results, Path(temporary))
        for path in written:
            with atomic_file(folder / path.name) as target:
                target.write_bytes(path.read_bytes())
    with atomic_file(folder / CAPTIONS) as path:
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
        from defgan.report.names import data_name, figures_folder
        from defgan.report.results import Results

        data = select(params, "data")["data"]
        results = Results({role: data_name(source) for role, source in data.items()})
        folder = figures_folder(data)
        written = draw_one(results, name, folder) if name else draw_all(results, folder)
        for file in written:
            run.log_artifact(folder / file, folder="figures")
        run.log_artifact(folder / CAPTIONS, folder="figures")
        captions = read_captions(folder)
        shown = [captions[figure] for figure in sorted({Path(file).stem for file in written})]
        run.log_note("\n\n".join(f"**{caption['title']}.** {caption['shows']}" for caption in shown))
        console.print(f"figures: {', '.join(written)} in {folder}", highlight=False)


def main() -> None:
    typer.run(figures)


if __name__ == "__main__":
    main()
