"""All methods side by side: `python -m stages.compare`.

Reads metrics/NAME.json and data/evaluation/NAME.parquet of every method and of the truth; writes metrics/compare.json
and, for each table, NAME.csv (plain numbers), NAME.md and NAME.tex in reports/tables.
"""

import json
import re
from pathlib import Path

import pandas as pd
import typer
from rich import box
from rich.table import Table

from defgan.errors import UserError
from defgan.evaluation.images import COUNTED_SET, TRUTH
from defgan.files import atomic_file
from defgan.report import evidence, tables
from defgan.report.style import METHOD_LABELS
from stages.common import console, select, stage

SHARED = ("networks", "reference", "reference_images", "reference_available")
"""What is the same for all methods, or they could not be compared."""
TABLES = Path("reports/tables")
HEADLINE = (
    *("frechet", "frechet_low", "frechet_high", "kernel", "kernel_low", "kernel_high"),
    *("identity", "gain_final", "gain_deformed", "images"),
)


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


def read_table(name: str) -> pd.DataFrame:
    """One method's data/evaluation/NAME.parquet."""
    path = Path(f"data/evaluation/{name}.parquet")
    if not path.is_file():
        raise UserError(f"{path}: no such file; run `dvc repro evaluate@{name}` first")
    return pd.read_parquet(path)


def make_pages(methods: dict[str, dict], data: dict) -> dict[str, tables.Page]:
    """All tables by file name; `methods` are the metrics of all methods, and of the truth where it is known."""
    any_method = methods["defgan"]
    networks = any_method["networks"]
    every = {name: read_table(name) for name in methods}
    counted = {name: table[table["set"] == COUNTED_SET] for name, table in every.items()}
    base = f"Edited faces: {tables.data_name(data['wild'])}, {any_method['images']} edits per method."
    first = tables.table_1(methods)
    numbers = pd.DataFrame([{"method": name} | {key: m[key] for key in HEADLINE} for name, m in methods.items()])
    return {
        "table_1": tables.Page("Table 1", first, numbers, tables.caption(any_method, data)),
        "identity_by_expression": evidence.identity_page(counted, networks["identity"], base),
        "truth": evidence.truth_page(counted, base),
        "motion": evidence.motion_page(counted, every, base),
        "au_fidelity": evidence.fidelity_page(counted, every, base),
        "control": evidence.control_page(every, base),
        "cross_talk": evidence.cross_talk_page(every, base),
        "laziness": evidence.laziness_page(counted, base),
    }


def write_page(page: tables.Page, name: str) -> list[Path]:
    """The three files of a table; the folder is shared with tables that this stage does not make."""
    title, table, text = page.title, page.table, page.caption
    contents = {
        "csv": page.numbers.to_csv(index=False, float_format="%.6g"),
        "md": tables.markdown(table, title, text),
        "tex": tables.latex(table, title, text),
    }
    for kind, content in contents.items():
        with atomic_file(TABLES / f"{name}.{kind}") as path:
            path.write_text(content, encoding="utf-8")
    return [TABLES / f"{name}.{kind}" for kind in contents]


def compare() -> None:
    """Put the methods' metrics side by side and make the tables."""
    with stage("compare", "data") as (params, run):
        methods = {name: read_metrics(name) for name in METHOD_LABELS}
        if (perfect := read_metrics(TRUTH))["images"]:
            methods[TRUTH] = perfect
        any_method = methods["defgan"]
        if any(metrics[key] != any_method[key] for metrics in methods.values() for key in SHARED):
            raise UserError(
                "metrics: the methods were measured with different networks or sets; run `dvc repro compare`"
            )
        data = select(params, "data")["data"]
        pages = make_pages(methods, data)
        compared = {
            **{key: any_method[key] for key in SHARED},
            "data": {role: tables.data_name(data[role]) for role in ("wild", "rafd")},
            "methods": {
                name: {key: value for key, value in metrics.items() if key not in SHARED}
                for name, metrics in methods.items()
            },
        }
        written = [path for name, page in pages.items() for path in write_page(page, name)]
        with atomic_file("metrics/compare.json") as path:
            path.write_text(json.dumps(compared, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

        for name, metrics in methods.items():
            run.log_metrics({name: {key: metrics[key] for key in HEADLINE}})
        run.log_artifact("metrics/compare.json")
        for path in written:
            run.log_artifact(path, "tables")
        # The other tables are wider or longer than a terminal.
        show(pages["table_1"].table, pages["table_1"].title)
        console.print(pages["table_1"].caption, highlight=False)
        console.print(f"Tables: {TABLES}   Figures: reports/figures", highlight=False)


def main() -> None:
    typer.run(compare)


if __name__ == "__main__":
    main()
