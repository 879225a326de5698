"""Measure one method's edits against their inputs, the reference, the truth and the AUs that were asked for.

    python -m stages.evaluate defgan

`truth` measures the true images as if they were a method's: what a perfect edit would score. Writes
data/evaluation/NAME.parquet (one row per edit) and metrics/NAME.json.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from defgan.errors import UserError
from defgan.evaluation import frechet, identity, intervals
from defgan.evaluation.fidelity import READER, read_edits_aus
from defgan.evaluation.images import COUNTED_SET, TRUTH, Edits, Truth, read_edits, read_reference, read_truth
from defgan.evaluation.measures import ActionUnits, per_image, summarise
from defgan.faces.blendshapes import BlendshapeReader
from defgan.faces.identity import load_embedder
from defgan.faces.table import Faces, read_inputs
from defgan.files import atomic_file
from defgan.params import EvaluateParams
from stages.common import console, stage

SET_SAMPLES = 100
"""Resamples of the distances between sets, each of which costs a tenth of a second."""


def read_measured(name: str) -> tuple[Edits, Truth]:
    """The edits of a method and the truth; of `truth` the known true images as edits, which have no other truth."""
    if name != TRUTH:
        edits = read_edits(f"edits/{name}")
        return edits, read_truth("data/truth", edits.frame)
    if not Path("data/plan.parquet").is_file():
        raise UserError("data/plan.parquet: no such file; run `dvc repro plan` first")
    plan = pd.read_parquet("data/plan.parquet")
    truth = read_truth("data/truth", plan)
    known = np.flatnonzero(truth.known)
    images = truth.images[known]
    edits = Edits(plan.iloc[known].reset_index(drop=True), images, deformed=None, mask=None, offsets=None)
    return edits, Truth(images, np.zeros(len(known), bool))


def set_distances(edited: np.ndarray, subjects: pd.Series, name: str, batch_size: int) -> dict:
    """Fréchet and kernel distance of uint8 images M×H×W×3 to the reference, with intervals over their subjects."""
    against, facts = read_reference()
    if facts["features"] != name:
        raise UserError(f"data/reference holds features of {facts['features']}, not {name}; run `dvc repro reference`")
    features = frechet.features(frechet.load_extractor(name), edited, batch_size, "Fréchet features of the edits")
    against, weights = torch.from_numpy(against), intervals.draw_people(subjects, SET_SAMPLES)
    measured = {}
    for key, distance, resampled in (
        ("frechet", frechet.frechet_distance, frechet.resampled_frechet),
        ("kernel", frechet.kernel_distance, frechet.resampled_kernel),
    ):
        value = distance(features, against)
        low, high = intervals.centred(value, resampled(features, against, weights))
        measured |= {key: round(value, 6), f"{key}_low": round(low, 6), f"{key}_high": round(high, 6)}
    return measured


def identity_distances(edits: Edits, inputs: Faces, counted: np.ndarray, settings: EvaluateParams) -> np.ndarray:
    """Identity distance between each counted edit and its input, float (M,), NaN for the other edits."""
    embedder = load_embedder(settings.embedder)
    edited = identity.embeddings(embedder, edits.final[counted], settings.batch_size, "Identity of the edits")
    # A face is edited many times: each input is embedded once.
    faces = edits.frame.loc[counted, ["role", "row"]]
    distinct = inputs.pixels[counted][~faces.duplicated()]
    originals = identity.embeddings(embedder, distinct, settings.batch_size, "Identity of the inputs")
    position = faces.groupby(["role", "row"], sort=False).ngroup().tolist()
    distances = np.full(len(counted), np.nan, np.float32)
    distances[counted] = identity.distances(edited, originals[position])
    return distances


def evaluate(
    name: Annotated[str, typer.Argument(help="method: defgan, ganimation, stargan or copy; or truth")],
) -> None:
    """Measure the edits of one method."""
    with stage(f"evaluate@{name}", "seed", "evaluate") as (params, run):
        settings = params.evaluate
        edits, truth = read_measured(name)
        counted = (edits.frame["set"] == COUNTED_SET).to_numpy()
        _, facts = read_reference()
        metrics = {key: value for key, value in facts.items() if key != "features"} | {
            "networks": {
                "frechet": frechet.DISTANCE_NAMES[settings.features],
                "kernel": frechet.KERNEL_NAMES[settings.features],
                "identity": identity.DISTANCE_NAMES[settings.embedder],
                "action_units": READER,
            }
        }
        if counted.any():
            inputs = read_inputs(edits.frame, "data/prepared")
            read = read_edits_aus(BlendshapeReader, edits.final, inputs, torch.get_num_threads())
            aus = ActionUnits(inputs.aus, read)
            distances = identity_distances(edits, inputs, counted, settings)
            table = per_image(edits, inputs.pixels, truth, distances, aus)
            subjects = edits.frame["subject"][counted]
            sets = set_distances(edits.final[counted], subjects, settings.features, settings.batch_size)
            metrics = sets | summarise(table) | metrics
        else:
            table, metrics = edits.frame, {"images": 0} | metrics
        with atomic_file(f"data/evaluation/{name}.parquet") as path:
            table.to_parquet(path, index=False)
        with atomic_file(f"metrics/{name}.json") as path:
            path.write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

        run.log_metrics({key: value for key, value in metrics.items() if key not in ("reference", "networks")})
        run.log_artifact(Path(f"metrics/{name}.json"))
        run.log_artifact(Path(f"data/evaluation/{name}.parquet"))
        console.print(f"evaluate@{name}: {one_line(metrics)}", highlight=False)


def one_line(metrics: dict) -> str:
    """The result in a few words."""
    if not metrics["images"]:
        return "nothing to measure: these photographs have no true edits"
    gain = metrics["gain_final"]
    gains = "no truth" if gain is None else f"gain over copying {gain:+.3f}"
    return (
        f"{metrics['networks']['frechet']} {metrics['frechet']:.2f}, identity distance {metrics['identity']:.4f}, "
        f"{gains}, {metrics['images']} edits"
    )


def main() -> None:
    typer.run(evaluate)


if __name__ == "__main__":
    main()
