"""What each role's photographs are like: contact sheet with AUs, their distribution, data card.

python -m stages.cards
"""

from pathlib import Path

import pandas as pd
import typer

from defgan.datasets import read_dataset
from defgan.datasets.check import photograph_size, spread
from defgan.faces.table import read_faces
from defgan.params import Source
from defgan.report.cards import write_card
from stages.common import console, stage

CARDS = Path("reports/data")
SIZES = 1000
"""Photographs whose size is looked up, spread evenly."""


def write_cards() -> None:
    """data/prepared/ROLE to reports/data/DATASET/ROLE.md and pictures, for each role."""
    with stage("cards", "data") as (params, run):
        for role, source in params.data:
            for path in role_card(role, source):
                run.log_artifact(path)
    cards = ", ".join(f"{CARDS / source.dataset / role}.md" for role, source in params.data)
    console.print(f"cards: {cards}", soft_wrap=True, highlight=False)


def role_card(role: str, source: Source) -> list[Path]:
    """Write the card of one role; its files."""
    prepared = Path("data/prepared", role)
    faces, rejects = read_faces(prepared), pd.read_parquet(prepared / "rejects.parquet")
    records = read_dataset(source.dataset, source.path).records
    sizes = [size for index in spread(len(records), SIZES) if (size := photograph_size(records[index]))]
    origin = (
        f"`{source.path}`, read as `{source.dataset}`; points: {source.points}, action units:"
        f" {source.action_units}; crops of {faces.pixels.shape[1]} pixels."
    )
    # By the kind of data set: git keeps the cards of the embedded corpus, and never those of photographs.
    return write_card(CARDS / source.dataset, role, origin, faces.frame, faces.pixels, rejects, sizes)


def main() -> None:
    """Entry point of `python -m stages.cards`."""
    typer.run(write_cards)


if __name__ == "__main__":
    main()
