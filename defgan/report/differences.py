"""Figures of what an edit changes: difference images (Fig. 5, 13, 14)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from defgan.facs import EXPRESSIONS
from defgan.report.canvas import Block, Row, Scale, common_scale, photo_grid
from defgan.report.pictures import Pictures, by_expression, pick


def difference(edited: np.ndarray, original: np.ndarray) -> np.ndarray:
    """|edited − original|, mean over the channels in shares of full scale: uint8 H×W×3 twice to float H×W in [0, 1]."""
    return np.abs(edited.astype(np.int16) - original).mean(axis=-1) / 255


def difference_grid(
    pictures: Pictures, faces: Sequence[pd.DataFrame], number: int, inside: Mapping[str, np.ndarray]
) -> Figure:
    """Fig. 5, 13 and 14: where and how much the edits differ from their input; all pictures on one scale.

    `inside` maps rows' labels to the share of each edit's change that falls inside the regions of the AUs that the
    target changes, (M,) in [0, 1], NaN where not known; it stands below the pictures.
    """
    blocks = []
    for rows in faces:
        original, positions = pictures.original(rows), by_expression(rows)
        compared = []
        for label, array in pictures.sources(rows):
            maps = [None if edit is None else difference(edit, original) for edit in pick(positions, array)]
            shares = pick(positions, inside[label]) if label in inside else []
            remarks = ["" if share is None or np.isnan(share) else f"{share:.0%} inside" for share in shares]
            compared.append(Row(label, maps, remarks))
        blocks.append(Block(original, compared))
    maps = [values for block in blocks for row in block.rows for values in row.pictures if values is not None]
    scale = Scale(common_scale(maps), "|edit − input|, mean of the channels (1 = full scale)")
    title = f"Fig. {number}   Difference between edit and input, one scale for all   [{pictures.data['wild']}]"
    note = ("inside: share of the change that falls in the facial regions of the AUs that the target changes",)
    return photo_grid(title, EXPRESSIONS, blocks, scale, note if inside else ())
