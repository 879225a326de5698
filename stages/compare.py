"""All methods side by side: `python -m stages.compare`.

Reads metrics/NAME.json of every method; writes metrics/compare.json, reports/tables/table_1.{csv,md} and
reports/tables/by_expression.{csv,md}.
"""

import json
import re
from pathlib import Path

import pandas as pd
import typer
from rich import box
from rich.table import Table

from defgan.errors import UserError
from defgan.files import atomic_file
from defgan.report import tables
from defgan.report.style import METHOD_LABELS
from stages.common import console, select, stage

SHARED = ("networks", "reference", "reference_images", "reference_available")
"""What is the same for all methods, or they could not be compared."""
TABLES = Path("reports/tables")
HEADLINE = ("frechet", "identity", "gain_final", "gain_deformed")


def read_metrics(name: str) -> dict:
    """One method's metrics/NAME.json."""
    path = Path(f"metrics/{name}.json")
    if not path.is_file():
        raise UserError(f"{path}: no such file; run `dvc repro evaluate@{name}` first")
    return json.loads(path.read_text(encoding="utf-8"))


def show(table: pd.DataFrame, title: str) -> None:
    """Print a table of text; what stands in brackets in a heading is left to the caption, for narrow terminals."""
    shown = Table(title=title, title_justify="left", box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    for heading in table.columns:
        shown.add_column(re.sub(r" \(.*?\)", "", heading), no_wrap=heading in ("method", "ablation"))
    for row in table.to_numpy().tolist():
        shown.add_row(*row)
    console.print(shown)


def compare() -> None:
    """Put the methods' metrics side by side and make Table 1."""
    with stage("compare", "data") as (params, run):
        methods = {name: read_metrics(name) for name in METHOD_LABELS}
        any_method = methods["defgan"]
        if any(metrics[key] != any_method[key] for metrics in methods.values() for key in SHARED):
            raise UserError(
                "metrics: the methods were measured with different networks or sets; run `dvc repro compare`"
            )
        data = select(params, "data")["data"]
        text = tables.caption(any_method, data)
        compared = {
            **{key: any_method[key] for key in SHARED},
            "data": {role: tables.data_name(data[role]) for role in ("wild", "rafd")},
            "methods": {
                name: {key: value for key, value in metrics.items() if key not in SHARED}
                for name, metrics in methods.items()
            },
        }

        pages = {
            "table_1": (tables.table_1(methods), "Table 1"),
            "by_expression": (tables.table_by_expression(methods), "Identity distance and gain by expression"),
        }
        # The folder is shared with tables that this stage does not make: each file is written by itself.
        for name, (table, title) in pages.items():
            with atomic_file(TABLES / f"{name}.csv") as path:
                table.replace(tables.NOT_AVAILABLE, "").to_csv(path, index=False)
            with atomic_file(TABLES / f"{name}.md") as path:
                path.write_text(tables.markdown(table, title, text), encoding="utf-8")
        with atomic_file("metrics/compare.json") as path:
            path.write_text(json.dumps(compared, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

        for name, metrics in methods.items():
            run.log_metrics({name: {key: metrics[key] for key in HEADLINE}})
        run.log_artifact("metrics/compare.json")
        for name in pages:
            run.log_artifact(TABLES / f"{name}.csv", "tables")
            run.log_artifact(TABLES / f"{name}.md", "tables")
        for table, title in pages.values():
            show(table, title)
        console.print(text, highlight=False)
        console.print(f"Tables: {TABLES}   Figures: reports/figures", highlight=False)


def main() -> None:
    typer.run(compare)


if __name__ == "__main__":
    main()
