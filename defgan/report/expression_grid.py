"""Grids of faces edited to the six expressions (Fig. 4, 9, 17, 18)."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from defgan.facs import EXPRESSIONS
from defgan.report.canvas import Block, Row, photo_grid
from defgan.report.pictures import Pictures, by_expression, pick

FACES = 4
"""Faces in Fig. 4; the next as many stand in Fig. 9."""


def edited_face(pictures: Pictures, rows: pd.DataFrame) -> Block:
    """One face under the six expressions: every method's final image and the true one."""
    positions = by_expression(rows)
    shown = [Row(source.label, pick(positions, source.images), group=source.group) for source in pictures.sources(rows)]
    return Block(pictures.original(rows), shown)


def expression_grid(pictures: Pictures, faces: Sequence[pd.DataFrame], title: str, note: Sequence[str] = ()) -> Figure:
    """Several faces, one block each; `note` are lines of small print."""
    return photo_grid(title, EXPRESSIONS, [edited_face(pictures, rows) for rows in faces], note=note)
