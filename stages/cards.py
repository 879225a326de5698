"""What the photographs of one role are like: contact sheet with AUs, their distribution, data card.

    python -m stages.cards wild

Writes reports/data/LAYOUT/ROLE.md and its pictures.
"""

from pathlib import Path

import pandas as pd
import typer

from defgan.datasets import read_dataset
from defgan.datasets.check import photograph_size
from defgan.faces.table import read_faces
from defgan.report.cards import write_card
from defgan.spacing import spread
from stages.common import Role, console, stage

CARDS = Path("reports/data")
SIZES = 1000
"""Evenly spaced photographs whose size is looked up."""


def cards(role: Role) -> None:
    """Write the card of one role."""
    with stage("cards", f"data.{role}", item=role) as (params, run):
        source = getattr(params.data, role)
        prepared = Path("data/prepared", role)
        faces, rejects = read_faces(prepared), pd.read_parquet(prepared / "rejects.parquet")
        dataset = read_dataset(source.layout, source.path, source.views)
        records = dataset.records
        sizes = [size for index in spread(len(records), SIZES) if (size := photograph_size(records[index]))]
        origin = (
            f"`{source.path}`, read as `{source.layout}`; points: {source.points}, action units:"
            f" {source.action_units}; crops of {faces.pixels.shape[1]} pixels."
        )
        # By layout: git keeps the cards of the embedded corpus, and never those of photographs.
        written = write_card(
            CARDS / source.layout, role, origin, faces.frame, faces.pixels, rejects, sizes, dataset.skipped.counts
        )
        for path in written:
            run.log_artifact(path)
        console.print(f"cards@{role}: {written[0]}", soft_wrap=True, highlight=False)


def main() -> None:
    typer.run(cards)


if __name__ == "__main__":
    main()
