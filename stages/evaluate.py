"""Measure one method's edits against their inputs, the reference, the truth and the AUs that were asked for.

    python -m stages.evaluate defgan

`truth` measures the true images as if a method had made them: what a perfect edit scores. Writes
data/evaluation/NAME.parquet (one row per edit) and metrics/methods/NAME.json.
"""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from defgan.evaluation.edits import Edits, read_edits
from defgan.evaluation.evaluate import counted_edits, describe, measure_edits
from defgan.evaluation.reference import read_reference
from defgan.evaluation.truth import TRUTH, Truth, read_truth, truth_as_edits
from defgan.faces.table import read_inputs
from defgan.files import atomic_file, existing
from stages.common import console, stage, trained_with


def read_measured(name: str) -> tuple[Edits, Truth]:
    """The edits of a method, or the true images as edits, and their truth."""
    if name != TRUTH:
        edits = read_edits(f"edits/{name}")
        return edits, read_truth("data/truth", edits.frame)
    plan = pd.read_parquet(existing("data/plan.parquet"))
    return truth_as_edits(read_truth("data/truth", plan), plan)


def evaluate(name: Annotated[str, typer.Argument(help="a method, such as defgan; or truth")]) -> None:
    """Measure the edits of one method."""
    with stage("evaluate", "seed", "evaluate", item=name) as (params, run):
        # The seed is this stage's own param, too.
        run.log_params({key: value for key, value in trained_with(name).items() if key != "seed"})
        edits, truth = read_measured(name)
        reference, facts = read_reference("data/reference", params.evaluate.features)
        described = describe(edits, facts, params.evaluate)
        if counted_edits(edits).any():
            inputs = read_inputs(edits.frame, "data/prepared")
            table, metrics = measure_edits(edits, inputs, truth, reference, params.evaluate)
        else:
            table, metrics = edits.frame, {"images": 0}
        with atomic_file(f"data/evaluation/{name}.parquet") as path:
            table.to_parquet(path, index=False)
        with atomic_file(f"metrics/methods/{name}.json") as path:
            content = json.dumps(metrics | described, indent=2, ensure_ascii=False)
            path.write_text(content + "\n", encoding="utf-8")

        run.log_metrics(metrics)
        run.log_metrics({key: described[key] for key in ("reference_images", "reference_available")})
        run.log_artifact(Path(f"metrics/methods/{name}.json"))
        run.log_artifact(Path(f"data/evaluation/{name}.parquet"))
        console.print(f"evaluate@{name}: {one_line(metrics, described['networks'])}", highlight=False)


def one_line(metrics: dict, networks: dict) -> str:
    """The result in a few words."""
    if not metrics["images"]:
        return "nothing to measure: the true edits of these photographs are not known"
    gain = metrics["gain_final"]
    gains = "no truth" if gain is None else f"gain over copying {gain:+.3f}"
    return (
        f"{networks['frechet']} {metrics['frechet']:.2f}, identity distance {metrics['identity']:.4f}, "
        f"{gains}, {metrics['images']} edits"
    )


def main() -> None:
    """Entry point of `python -m stages.evaluate`."""
    typer.run(evaluate)


if __name__ == "__main__":
    main()
