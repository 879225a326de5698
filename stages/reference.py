"""Features of the real faces that Fréchet and kernel distances are measured against: `python -m stages.reference`.

Once for all methods; writes data/reference.
"""

import json
from pathlib import Path

import numpy as np
import typer

from defgan.evaluation import frechet
from defgan.evaluation.images import REFERENCE, subsample
from defgan.faces.table import read_faces
from defgan.files import atomic_directory
from stages.common import console, stage

LIMIT = 2000
"""Most faces of the reference role that are used; more would cost time and hardly move the statistics."""


def reference() -> None:
    """Features of at most `LIMIT` faces of the reference role."""
    with stage("reference", "seed", "evaluate") as (params, run):
        settings = params.evaluate
        pixels = read_faces(Path("data/prepared", settings.reference)).pixels
        chosen = subsample(len(pixels), LIMIT, params.seed)
        extractor = frechet.load_extractor(settings.features)
        found = frechet.features(extractor, pixels[chosen], settings.batch_size, "Fréchet features of the reference")
        facts = {
            "reference": settings.reference,
            "reference_images": len(chosen),
            "reference_available": len(pixels),
            "features": settings.features,
        }
        with atomic_directory(REFERENCE) as directory:
            np.save(directory / "features.npy", found.numpy())
            (directory / "reference.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        run.log_metrics({"images": len(chosen)})
        console.print(f"reference: {len(chosen)} of {len(pixels)} faces of role {settings.reference} in {REFERENCE}")


def main() -> None:
    typer.run(reference)


if __name__ == "__main__":
    main()
