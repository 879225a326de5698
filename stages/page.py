"""One page with every table, every figure and sliders: `python -m stages.page`.

Reads what the stages before it wrote, loads no model; writes reports/index.html, a single file that works without a
server.
"""

import json
import os
import subprocess
from pathlib import Path

import typer

from defgan.files import atomic_file, existing
from defgan.methods.registry import told_aus
from defgan.report import page as pages
from defgan.report.captions import CAPTIONS
from defgan.report.names import figures_folder
from defgan.report.results import Results
from defgan.report.sliders import slider_data
from defgan.tracking import flatten
from defgan.tracking_runs import latest_runs
from stages.common import EXPERIMENT_TAG, console, repository_root, stage

PAGE = Path("reports/index.html")
VOTES = Path("reports/votes")
"""Fig. 7 and the tables of the user study."""
SEEDS = Path("reports/seeds")
"""What several seeds gave, of `make seeds`: shown where this run is one of them."""
FORMS = Path("docs/figures")
"""Fig. 15 and 16, the forms of the user study."""
MADE = (":!metrics", ":!reports", ":!dvc.lock")
"""What the pipeline itself writes and git tracks: changes there are no changes of the code."""


def git(*arguments: str) -> str:
    """Git's answer; "" where there is no repository or no git."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", check=True)
        return answer.stdout.strip()
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
        figures_at = existing(figures_folder(params.model_dump()["data"]) / CAPTIONS).parent
        tables_at = existing(f"reports/tables/{pages.FIRST_TABLE}.md").parent
        compared = json.loads(existing("metrics/compare.json").read_text(encoding="utf-8"))
        seeds = [SEEDS] if pages.of_this_run(SEEDS / "seeds.csv", params.seed, compared["methods"]) else []
        figures = pages.read_figures((figures_at, *seeds, VOTES, FORMS), flatten(params.model_dump()), PAGE)
        runs = latest_runs(repository_root(), EXPERIMENT_TAG, os.environ.get(EXPERIMENT_TAG, ""))
        table_1, *tables = pages.read_documents(tables_at, first=pages.FIRST_TABLE)
        over_seeds = [document for folder in seeds for document in pages.read_documents(folder, first=folder.name)]
        html = pages.render(
            figures=figures,
            first=[*over_seeds[:1], table_1],
            tables=tables,
            seeds=over_seeds[1:],
            study=pages.read_documents(VOTES, first="votes"),
            cards=[
                pages.read_document(card)
                for role, source in params.data
                if (card := Path("reports/data", source.layout, f"{role}.md")).is_file()
            ],
            sliders=slider_data(Results(compared["data"]).pictures(told_aus())),
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
