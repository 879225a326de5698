"""The page: all tables and figures, the sliders, and how they were made, in one file that fetches nothing."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from PIL import Image

from defgan.report.captions import read_captions
from defgan.report.names import in_place
from defgan.report.sliders import data_uri
from defgan.tracking_runs import RecordedRun

FIRST_TABLE = "table_1"
_DEEPER = 2  # a Markdown file's headings stand so many levels deeper on the page
_KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}


@dataclass(frozen=True)
class PageFigure:
    """A figure with its caption; `params` are the values of the caption's keys."""

    name: str
    image: str  # data URI
    width: int
    height: int
    files: Sequence[str]  # addresses relative to the page
    caption: Mapping[str, Any]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """A Markdown file as HTML."""

    name: str
    title: str
    body: str


@dataclass(frozen=True)
class Commit:
    """The code that made the page; `changed` says that files differed from it."""

    name: str
    date: str
    changed: bool


def number_of(name: str) -> tuple[bool, str]:
    """The key that sorts the paper's figures first, by number."""
    return not name.startswith("fig_"), name


def read_figures(folders: Iterable[Path], params: Mapping[str, Any], page: Path) -> list[PageFigure]:
    """The figures of some folders that have a caption in their captions.json, the paper's first.

    `params` are all params by dotted key; the addresses of the files are relative to `page`.
    """
    figures = []
    for folder in folders:
        for name, text in read_captions(folder).items():
            png = folder / f"{name}.png"
            with Image.open(png) as image:
                width, height = image.size
            paths = [path for path in (png, png.with_suffix(".pdf")) if path.is_file()]
            files = [Path(os.path.relpath(path, page.parent)).as_posix() for path in paths]
            values = {key: params[key] for key in text["params"] if params[key] is not None}
            uri = data_uri(png.read_bytes(), "image/png")
            figures.append(PageFigure(name, uri, width, height, files, text, values))
    return sorted(figures, key=lambda figure: number_of(figure.name))


def read_document(path: Path) -> Document:
    """A Markdown file with its pictures; raw HTML in it is shown as text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    title = path.stem
    if tokens and tokens[0].type == "heading_open":
        title, tokens = tokens[1].content, tokens[3:]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + _DEEPER)}"
        for child in token.children or ():
            if child.type == "image":
                picture = path.parent / str(child.attrs["src"])
                if picture.suffix in _KINDS and picture.is_file():
                    child.attrs["src"] = data_uri(picture.read_bytes(), _KINDS[picture.suffix])
    body = markdown.renderer.render(tokens, markdown.options, {})
    wide = '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
    body = body.replace("<table>", wide).replace("</table>", "</table></div>")
    return Document(path.stem, title, body)


def read_documents(directory: Path, first: str = "") -> list[Document]:
    """All Markdown files of a directory by name, one of them first; none where there is no directory."""
    paths = sorted(directory.glob("*.md"), key=lambda path: (path.stem != first, path.name))
    return [read_document(path) for path in paths]


def of_this_run(path: Path, seed: int, metrics: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a seeds.csv is about the run at hand: `metrics` of its methods are those of the same seed there.

    The tables of several seeds stay when params change. Beside the results of other params they would mislead.
    """
    if not path.is_file():
        return False
    rows = pd.read_csv(path, dtype={"seed": str}).query("seed == @seed", local_dict={"seed": str(seed)})
    own = dict(zip(rows["method"], rows["frechet"], strict=True))
    there = [name for name in own if name in metrics]
    return bool(there) and all(math.isclose(own[name], metrics[name]["frechet"], rel_tol=1e-4) for name in there)


def substitutes(figures: Sequence[PageFigure], networks: Mapping[str, str]) -> list[str]:
    """What is used in place of the paper's own data and networks, each once."""
    frechet = []
    if in_place(networks, "frechet"):
        frechet.append(f"{networks['frechet']} in place of the Inception FID (Table 1)")
    return list(dict.fromkeys([*frechet, *(entry for figure in figures for entry in figure.caption["substitutes"])]))


def render(
    *,
    figures: Sequence[PageFigure],
    first: Sequence[Document],
    tables: Sequence[Document],
    seeds: Sequence[Document],
    study: Sequence[Document],
    cards: Sequence[Document],
    sliders: Mapping[str, Any],
    networks: Mapping[str, str],
    params_text: str,
    commit: Commit | None,
    runs: Sequence[RecordedRun],
) -> str:
    """The page as HTML; all text is escaped. The tables of `first` lie open above the others."""
    environment = Environment(
        loader=PackageLoader("defgan.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        figures=figures,
        first=first,
        tables=tables,
        sections=(
            ("several-seeds", "Several seeds", "tables", seeds),
            ("study", "User study", "tables", study),
            ("data", "Data", "cards", cards),
        ),
        sliders=sliders,
        substitutes=substitutes(figures, networks),
        params_text=params_text,
        commit=commit,
        runs=runs,
        run_of={run.stage: run for run in runs},
    )
