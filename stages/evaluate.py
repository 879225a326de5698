"""Measure one method's edits: Fréchet distance (Table 1), identity distance (Fig. 3), gain over copying.

    python -m stages.evaluate defgan

Reads edits/NAME, data/prepared and data/truth; writes data/evaluation/NAME.parquet (one row per edit) and
metrics/NAME.json.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from defgan.evaluation import frechet, identity
from defgan.evaluation.images import read_edits, read_truth, subsample
from defgan.evaluation.measures import COUNTED_SET, per_image, summarise
from defgan.faces.identity import load_embedder
from defgan.faces.table import read_faces, read_inputs
from defgan.files import atomic_file
from stages.common import console, stage

REFERENCE_LIMIT = 2000
"""Most faces of the reference role that are used; more would cost time and hardly move the statistics."""


def evaluate(name: Annotated[str, typer.Argument(help="method: defgan, ganimation, stargan or copy")]) -> None:
    """Measure the edits of one method."""
    with stage(f"evaluate@{name}", "seed", "evaluate") as (params, run):
        settings = params.evaluate
        edits = read_edits(f"edits/{name}")
        inputs = read_inputs(edits.frame, "data/prepared").pixels
        truth = read_truth("data/truth", edits.frame)
        reference = read_faces(f"data/prepared/{settings.reference}").pixels
        chosen = subsample(len(reference), REFERENCE_LIMIT, params.seed)

        embedder = load_embedder(settings.embedder)
        extractor = frechet.load_extractor(settings.features)
        edited = identity.embeddings(embedder, edits.final, settings.batch_size, "Identity of the edits")
        # A face is edited many times: each input is embedded once.
        faces = edits.frame[["role", "row"]]
        position = faces.groupby(["role", "row"], sort=False).ngroup().tolist()
        distinct = inputs[~faces.duplicated()]
        originals = identity.embeddings(embedder, distinct, settings.batch_size, "Identity of the inputs")
        table = per_image(edits, inputs, truth, identity.distances(edited, originals[position]))

        counted = edits.final[(edits.frame["set"] == COUNTED_SET).to_numpy()]
        distance = frechet.frechet_distance(
            frechet.features(extractor, counted, settings.batch_size, "Fréchet features of the edits"),
            frechet.features(extractor, reference[chosen], settings.batch_size, "Fréchet features of the reference"),
        )

        metrics = {
            "frechet": round(distance, 6),
            **summarise(table),
            "reference": settings.reference,
            "reference_images": len(chosen),
            "reference_available": len(reference),
            "networks": {
                "frechet": frechet.DISTANCE_NAMES[settings.features],
                "identity": identity.DISTANCE_NAMES[settings.embedder],
            },
        }
        with atomic_file(f"data/evaluation/{name}.parquet") as path:
            table.to_parquet(path, index=False)
        with atomic_file(f"metrics/{name}.json") as path:
            path.write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

        run.log_metrics({key: value for key, value in metrics.items() if key not in ("reference", "networks")})
        run.log_artifact(Path(f"metrics/{name}.json"))
        run.log_artifact(Path(f"data/evaluation/{name}.parquet"))
        gains = "no truth" if metrics["gain_final"] is None else f"gain over copying {metrics['gain_final']:+.3f}"
        console.print(
            f"evaluate@{name}: {metrics['networks']['frechet']} {metrics['frechet']:.2f}, "
            f"identity distance {metrics['identity']:.4f}, {gains}, {metrics['images']} edits",
            highlight=False,
        )


def main() -> None:
    typer.run(evaluate)


if __name__ == "__main__":
    main()
