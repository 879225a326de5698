"""Features of the real faces that Fréchet and kernel distances are measured against: `python -m stages.reference`.

They are computed once for all methods. Writes data/reference.
"""

from pathlib import Path

import typer

from defgan.evaluation import frechet
from defgan.evaluation.reference import ReferenceFacts, subsample, write_reference
from defgan.faces.table import read_faces
from defgan.files import atomic_directory
from stages.common import console, stage

REFERENCE = Path("data/reference")


def reference() -> None:
    """Features of at most `evaluate.reference_faces` faces of the reference role."""
    with stage("reference", "seed", "evaluate") as (params, run):
        settings = params.evaluate
        pixels = read_faces(Path("data/prepared", settings.reference)).pixels
        limit = len(pixels) if settings.reference_faces == "all" else settings.reference_faces
        chosen = subsample(len(pixels), limit, params.seed)
        images = pixels if len(chosen) == len(pixels) else pixels[chosen]  # all of them stay on disk
        extractor = frechet.load_extractor(settings.features)
        found = frechet.features(extractor, images, settings.batch_size, "Fréchet features of the reference")
        facts = ReferenceFacts(settings.reference, len(chosen), len(pixels), settings.features)
        with atomic_directory(REFERENCE) as directory:
            write_reference(directory, found.numpy(), facts)
        run.log_metrics({"images": len(chosen)})
        console.print(f"reference: {len(chosen)} of {len(pixels)} faces of role {settings.reference} in {REFERENCE}")


def main() -> None:
    """Entry point of `python -m stages.reference`."""
    typer.run(reference)


if __name__ == "__main__":
    main()
