"""Grids of difference images: where and how much an edit changes its input (Fig. 5, 13, 14)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from defgan.facs import EXPRESSIONS
from defgan.methods.registry import told_aus
from defgan.pixels import difference
from defgan.report.canvas import Block, Row, Scale, common_scale, photo_grid
from defgan.report.pictures import Pictures, by_expression, pick
from defgan.report.results import Results

FACES = 2
"""In each figure: Fig. 5 and 13 show those of Fig. 4, Fig. 14 the first of Fig. 9."""
SHOWS = (
    "Mean over the channels of |edit − input|. Black means unchanged. All methods have one scale. The share below a "
    "picture, where given, is the part of the change that lies inside the facial regions of the target's AUs."
)


def difference_grid(
    pictures: Pictures, faces: Sequence[pd.DataFrame], number: int, inside: Mapping[str, np.ndarray]
) -> Figure:
    """Difference images of several faces, all on one scale.

    `inside` maps rows' labels to the share of each edit's change that lies inside the regions of the AUs that the
    target changes, (M,) in [0, 1], NaN where it is not known. It stands below the pictures.
    """
    blocks = []
    for rows in faces:
        original, positions = pictures.original(rows), by_expression(rows)
        compared = []
        for label, array, group in pictures.sources(rows):
            maps = [None if edit is None else difference(edit, original) for edit in pick(positions, array)]
            shares = pick(positions, inside[label]) if label in inside else []
            remarks = ["" if share is None or np.isnan(share) else f"{share:.0%} inside" for share in shares]
            compared.append(Row(label, maps, remarks, group))
        blocks.append(Block(original, compared))
    maps = [values for block in blocks for row in block.rows for values in row.pictures if values is not None]
    scale = Scale(common_scale(maps), "|edit − input|, mean of the channels (1 = full scale)")
    title = f"Fig. {number}   Difference between edit and input, one scale for all   [{pictures.data['wild']}]"
    note = ("inside: share of the change inside the facial regions of the AUs that the target changes",)
    return photo_grid(title, EXPRESSIONS, blocks, scale, note if inside else ())


def draw_faces(results: Results, first: int, number: int) -> Figure:
    """Fig. `number`: difference images of the grids' faces from `first` on."""
    pictures = results.pictures(told_aus())
    tables = {method.label: results.measured(method.name) for method in told_aus()}
    inside = {label: table["concentration"].to_numpy() for label, table in tables.items()}
    return difference_grid(pictures, pictures.faces("grid")[first : first + FACES], number, inside)
