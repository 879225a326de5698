"""Figures of edited faces: α strips (Fig. 1), expression grids (Fig. 4, 9, 17, 18), details (Fig. 10)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from defgan.facs import EXPRESSIONS
from defgan.report.canvas import Block, Row, photo_grid
from defgan.report.pictures import TRUE_IMAGE, Pictures, by_expression, pick
from defgan.report.style import METHOD_LABELS

DETAILS = MappingProxyType({"brow": (0.33, 0.25, 0.36), "eye": (0.33, 0.35, 0.28), "mouth": (0.5, 0.76, 0.42)})
"""Squares of the aligned crop (`faces.alignment.template`): centre x, centre y and side, in shares of the crop's."""
DETAIL_EXPRESSIONS = ("anger", "surprise")
"""Those of Fig. 10: one moves brows and lips, the other also opens the mouth, which motion alone cannot."""


def _edited_face(pictures: Pictures, rows: pd.DataFrame) -> Block:
    """One face under the six expressions."""
    positions = by_expression(rows)
    return Block(
        pictures.original(rows), [Row(label, pick(positions, array)) for label, array in pictures.sources(rows)]
    )


def alpha_strip(pictures: Pictures) -> Figure:
    """Fig. 1: the sweep faces under y = x + α (target − x): DefGAN's deformed and final image, other methods."""
    blocks = []
    for rows in pictures.faces("sweep"):
        rows = rows.sort_values("alpha")
        shown = []
        for name, edits in pictures.methods.items():
            if edits.deformed is not None:
                shown.append(Row(f"{METHOD_LABELS[name]}\ndeformed", edits.deformed[rows.index]))
                shown.append(Row(f"{METHOD_LABELS[name]}\nfinal", edits.final[rows.index]))
            else:
                shown.append(Row(METHOD_LABELS[name], edits.final[rows.index]))
        if pictures.truth_known(rows):
            shown.append(Row(TRUE_IMAGE, pictures.truth.images[rows.index]))
        blocks.append(Block(pictures.original(rows), shown))
    sweep = pictures.plan[pictures.plan["set"] == "sweep"]
    expression = sweep["expression"].iloc[0].capitalize()
    columns = [f"α = {alpha:.1f}" for alpha in sorted(sweep["alpha"].unique())]
    return photo_grid(
        f"Fig. 1   {expression} grows: y = x + α (target − x)   [{pictures.data['wild']}]", columns, blocks
    )


def expression_grid(pictures: Pictures, faces: Sequence[pd.DataFrame], number: int) -> Figure:
    """Fig. 4 and 9: faces edited to the six expressions of one person, every method's final image and the true one."""
    title = f"Fig. {number}   Edits to the six expressions of one person   [{pictures.data['wild']}]"
    return photo_grid(title, EXPRESSIONS, [_edited_face(pictures, rows) for rows in faces])


def rafd_grid(pictures: Pictures, photographs: Mapping[tuple[str, str], np.ndarray]) -> Figure:
    """Fig. 17: held-out rafd people, edited to the expressions that their own photographs show.

    `photographs` are uint8 H×W×3 by subject and expression.
    """
    blocks = []
    for rows in pictures.faces("rafd"):
        face, subject = _edited_face(pictures, rows), rows["subject"].iloc[0]
        own = Row("photograph", [photographs[subject, expression] for expression in EXPRESSIONS])
        blocks.append(replace(face, rows=[*face.rows, own]))
    note = (
        "StarGAN learns from other people of role rafd and is told the expression's name. DefGAN and GANimation learn",
        "from role train and are told the AUs of the photograph, which shows the same person at another moment.",
    )
    title = f"Fig. 17   Held-out people of role rafd and their own expressions   [{pictures.data['rafd']}]"
    return photo_grid(title, EXPRESSIONS, blocks, note=note)


def in_the_wild_grid(pictures: Pictures, faces: Sequence[pd.DataFrame]) -> Figure:
    """Fig. 18: as Fig. 4, with StarGAN on faces unlike those that it learns from."""
    note = (
        f"StarGAN learns from role rafd, {pictures.data['rafd']}, and is told the expression's name.",
        "DefGAN and GANimation learn from role train and are told the AUs of one person of role mug.",
    )
    title = f"Fig. 18   In the wild: edits to the six expressions   [{pictures.data['wild']}]"
    return photo_grid(title, EXPRESSIONS, [_edited_face(pictures, rows) for rows in faces], note=note)


def detail(image: np.ndarray, name: str) -> np.ndarray:
    """One of `DETAILS` of a crop, uint8 H×H×3 to h×h×3."""
    x, y, side = (round(share * len(image)) for share in DETAILS[name])
    return image[y - side // 2 : y - side // 2 + side, x - side // 2 : x - side // 2 + side]


def detail_grid(pictures: Pictures, faces: Sequence[pd.DataFrame]) -> Figure:
    """Fig. 10: brow, eye and mouth of edits to `DETAIL_EXPRESSIONS`, and of the input."""
    blocks = []
    for rows in faces:
        positions = [rows.index[rows["expression"] == expression][0] for expression in DETAIL_EXPRESSIONS]
        sources = [("input", pictures.inputs), *pictures.sources(rows)]
        shown = []
        for label, array in sources:
            tiles = [
                tile
                for position in positions
                for tile in (array[position], *(detail(array[position], name) for name in DETAILS))
            ]
            shown.append(Row(label, tiles))
        blocks.append(Block(pictures.original(rows), shown))
    columns = [column for expression in DETAIL_EXPRESSIONS for column in (expression, *DETAILS)]
    title = f"Fig. 10   Details of brow, eye and mouth   [{pictures.data['wild']}]"
    return photo_grid(title, columns, blocks)
