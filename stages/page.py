"""One page with every table, every figure and sliders: `python -m stages.page`.

Reads what the stages before it wrote, loads no model; writes reports/index.html, a single file that works without a
server.
"""

import json
import os
import subprocess
from pathlib import Path

import typer

from defgan.errors import UserError
from defgan.evaluation.images import read_edits, read_truth
from defgan.faces.table import read_inputs
from defgan.files import atomic_file
from defgan.report import page as pages
from defgan.report.pictures import Pictures
from defgan.report.runs import latest_runs
from defgan.report.sliders import slider_data
from defgan.tracking import flatten, tracking_root
from stages.common import console, stage

PAGE = Path("reports/index.html")
METHODS = ("defgan", "ganimation")
NEEDED = ("reports/figures/captions.json", "reports/tables/table_1.md", "metrics/compare.json")
MADE = (":!metrics", ":!reports", ":!dvc.lock")
"""What the pipeline itself writes and git tracks; it is no change of the code."""


def git(*arguments: str) -> str:
    """Git's answer; "" where there is no repository or no git."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def current_commit() -> pages.Commit | None:
    """The commit at hand and whether the files differ from it; None outside a repository."""
    if not (name := git("rev-parse", "HEAD")):
        return None
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *MADE)
    return pages.Commit(name, git("show", "--no-patch", "--format=%cs", "HEAD"), bool(changed))


def page() -> None:
    """Put tables, figures and sliders on one page."""
    with stage("page") as (params, run):
        for path in NEEDED:
            if not Path(path).is_file():
                raise UserError(f"{path}: no such file; run `dvc repro page`, which makes it")
        compared = json.loads(Path("metrics/compare.json").read_text(encoding="utf-8"))
        methods = {name: read_edits(f"edits/{name}") for name in METHODS}
        plan = methods[METHODS[0]].frame
        inputs = read_inputs(plan, "data/prepared").pixels
        pictures = Pictures(plan, inputs, methods, read_truth("data/truth", plan), compared["data"])
        figures = pages.read_figures(Path("reports/figures"), flatten(params.model_dump()))
        runs = latest_runs(tracking_root() / "mlflow.db", os.environ.get("DVC_EXP_NAME", ""))
        html = pages.render(
            figures=figures,
            tables=pages.read_documents(Path("reports/tables"), first=pages.FIRST_TABLE),
            cards=[
                pages.read_document(card)
                for role, source in params.data
                if (card := Path("reports/data", source.dataset, f"{role}.md")).is_file()
            ],
            sliders=slider_data(pictures),
            networks=compared["networks"],
            params_text=Path("params.yaml").read_text(encoding="utf-8"),
            commit=current_commit(),
            runs=[entry for entry in runs if entry.stage != "page"],
        )
        with atomic_file(PAGE) as path:
            path.write_text(html, encoding="utf-8")
        run.log_metrics({"figures": len(figures), "megabytes": len(html) / 1e6})
        console.print(f"page: {len(figures)} figures, {len(html) / 1e6:.1f} MB: {PAGE}", highlight=False)


def main() -> None:
    typer.run(page)


if __name__ == "__main__":
    main()
