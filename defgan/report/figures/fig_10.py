"""Fig. 10: details of brow, eye and mouth."""

from types import MappingProxyType

import matplotlib.figure
import numpy as np

from defgan.methods.registry import told_aus
from defgan.report.canvas import Block, Row, photo_grid
from defgan.report.figures.base import Figure
from defgan.report.results import Results

DETAILS = MappingProxyType({"brow": (0.33, 0.25, 0.36), "eye": (0.33, 0.35, 0.28), "mouth": (0.5, 0.76, 0.42)})
"""Squares of the aligned crop (`alignment.template`): centre x, centre y and side, in shares of the crop's side."""
EXPRESSIONS = ("anger", "surprise")
"""Anger moves brows and lips. Surprise also opens the mouth, which motion alone cannot."""
FACES = 2


def detail(image: np.ndarray, name: str) -> np.ndarray:
    """One of `DETAILS` of a crop, uint8 H×H×3 to h×h×3."""
    x, y, side = (round(share * len(image)) for share in DETAILS[name])
    return image[y - side // 2 : y - side // 2 + side, x - side // 2 : x - side // 2 + side]


def tiles(images: list[np.ndarray]) -> list[np.ndarray]:
    """Every image and its details."""
    return [tile for image in images for tile in (image, *(detail(image, name) for name in DETAILS))]


def draw(results: Results) -> matplotlib.figure.Figure:
    """Details of edits to `EXPRESSIONS`, and of the input."""
    pictures = results.pictures(told_aus())
    blocks = []
    for rows in pictures.faces("grid")[:FACES]:
        original = pictures.original(rows)
        positions = [rows.index[rows["expression"] == expression][0] for expression in EXPRESSIONS]
        shown = [Row("input", tiles([original] * len(positions)))]
        for label, array, group in pictures.sources(rows):
            shown.append(Row(label, tiles([array[position] for position in positions]), group=group))
        blocks.append(Block(original, shown))
    columns = [column for expression in EXPRESSIONS for column in (expression, *DETAILS)]
    return photo_grid(f"Fig. 10   Details of brow, eye and mouth   [{pictures.data['wild']}]", columns, blocks)


FIGURE = Figure(
    name="fig_10_details",
    number=10,
    title="Details",
    shows="Brow, eye and mouth, cut out of the aligned edits at fixed places and enlarged by Lanczos resampling.",
    methods=told_aus(),
    params=("plan.grid_faces", "seed", "image_size"),
    draw=draw,
    photographs=True,
    true_image=True,
)
