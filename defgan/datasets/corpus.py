"""A role of the embedded corpus: rendered images with exact points and action units beside them."""

from dataclasses import replace
from pathlib import Path

from defgan.datasets.folder import read_folder
from defgan.datasets.records import Dataset
from defgan.errors import UserError


def read_corpus(directory: Path) -> Dataset:
    """The images of a rendered role; it must be annotated whole."""
    if not (directory / "annotations.parquet").is_file():
        raise UserError(
            f"{directory}: no rendered faces here (annotations.parquet is missing); give"
            f" corpus.{directory.name}.subjects more than 0 and run `dvc repro corpus`, or take photographs:"
            f" -S data.{directory.name}.dataset=folder"
        )
    dataset = read_folder(directory)
    if not (dataset.has_points and dataset.has_aus):
        raise UserError(f"{directory}/annotations.parquet: points or AUs are missing; run `dvc repro -f corpus`")
    # The contact sheet lies beside the images and is none of them.
    images = [record for record in dataset.records if record.source.startswith("images/")]
    return replace(dataset, records=images)
