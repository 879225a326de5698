"""A role of the embedded corpus: rendered images with exact points and action units beside them."""

from dataclasses import replace
from pathlib import Path

from defgan.datasets import folder
from defgan.errors import MissingInputError
from defgan.records import Dataset, Skipped


def recognises(path: Path) -> bool:
    """Whether the folder holds the scenes of a rendered role."""
    return (path / "scenes.npz").is_file()


def read(directory: Path) -> Dataset:
    """The images of a rendered role. Raises MissingInputError where it is not there, or not fully annotated."""
    table = directory / "annotations.parquet"
    if not table.is_file():
        raise MissingInputError(f"{table}: no such file; this role of the corpus is not rendered")
    dataset = folder.read(directory)
    if not (dataset.has_points and dataset.has_aus):
        raise MissingInputError(f"{table}: points or AUs are missing; this role of the corpus must be rendered again")
    # The scenes and the contact sheet lie beside the images; they are no photographs that anybody would miss.
    images = [record for record in dataset.records if record.source.startswith("images/")]
    return replace(dataset, records=images, skipped=Skipped())
