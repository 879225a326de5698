"""All methods side by side: `python -m stages.compare`.

Reads metrics/methods/NAME.json and data/evaluation/NAME.parquet of every method and of the truth; writes
metrics/compare.json and reports/tables: for each table NAME.csv (plain numbers), NAME.md and NAME.tex.
"""

import json
import re
from pathlib import Path

import pandas as pd
import typer
from rich import box
from rich.table import Table

from defgan.errors import UserError
from defgan.evaluation.truth import TRUTH
from defgan.files import atomic_directory, atomic_file
from defgan.methods.registry import every
from defgan.report import markup, tables
from defgan.report.measurements import read_measurements, read_metrics
from defgan.report.names import data_name
from defgan.report.tables.table_1 import HEADLINE
from stages.common import console, select, stage

SHARED = ("networks", "reference", "reference_images", "reference_available")
"""What is the same for all methods, or they could not be compared."""
TABLES = Path("reports/tables")


def show(table: pd.DataFrame, title: str) -> None:
    """Print a table of text; words in brackets are left out of its headings, for narrow terminals."""
    shown = Table(title=title, title_justify="left", box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    for heading in table.columns:
        shown.add_column(re.sub(r" \(.*?\)", "", heading), no_wrap=heading in ("method", "ablation"))
    for row in table.to_numpy().tolist():
        shown.add_row(*row)
    console.print(shown)


def read_all(data: dict) -> tables.Measurements:
    """The measurements of all methods, and of the true images where they are known; `data` are the params."""
    metrics = {method.name: read_metrics(method.name) for method in every()}
    if (perfect := read_metrics(TRUTH))["images"]:
        metrics[TRUTH] = perfect
    measurements = tables.Measurements(metrics, {name: read_measurements(name) for name in metrics}, data)
    if any(own[key] != measurements.any_method[key] for own in metrics.values() for key in SHARED):
        raise UserError("metrics/methods: the methods were measured with different networks or sets; measure all anew")
    return measurements


def write_page(page: tables.Page, directory: Path, name: str) -> None:
    """The three files of a table."""
    contents = {
        "csv": page.numbers.to_csv(index=False, float_format="%.6g"),
        "md": markup.markdown(page.table, page.title, page.caption),
        "tex": markup.latex(page.table, page.title, page.caption),
    }
    for kind, content in contents.items():
        (directory / f"{name}.{kind}").write_text(content, encoding="utf-8")


def compare() -> None:
    """Put the methods' metrics side by side and make the tables."""
    with stage("compare", "data") as (params, run):
        data = select(params, "data")["data"]
        measurements = read_all(data)
        pages = tables.pages(measurements)
        compared = {
            **{key: measurements.any_method[key] for key in SHARED},
            "data": {role: data_name(data[role]) for role in ("wild", "rafd")},
            "methods": {
                name: {key: value for key, value in metrics.items() if key not in SHARED}
                for name, metrics in measurements.metrics.items()
            },
        }
        with atomic_directory(TABLES) as directory:
            for name, page in pages.items():
                write_page(page, directory, name)
        with atomic_file("metrics/compare.json") as path:
            path.write_text(json.dumps(compared, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

        for name, metrics in measurements.metrics.items():
            run.log_metrics({name: {key: metrics[key] for key in HEADLINE}})
        run.log_artifact("metrics/compare.json")
        for path in sorted(TABLES.iterdir()):
            run.log_artifact(path, "tables")
        # The other tables are wider or longer than a terminal.
        show(pages["table_1"].table, pages["table_1"].title)
        console.print(pages["table_1"].caption, highlight=False)
        console.print(f"Tables: {TABLES}   Figures: reports/figures", highlight=False)


def main() -> None:
    typer.run(compare)


if __name__ == "__main__":
    main()
