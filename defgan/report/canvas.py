"""Photo grids: faces below each other, their rows of pictures under common column labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from defgan.pixels import DIFFERENCE_MAP, heat

TILE = 128
"""Side of one picture of a grid in the PNG, pixels."""
_GAP = 4
_FACE_GAP = 18
_LABELS = 112  # width of the row labels, between the input and the pictures
_LABEL_SIGNS = 12  # in a line of a row label
_MARGIN = 12
_TITLE, _NOTE_LINE, _NOTE_GAP = 36, 18, 8
_LABEL_LINE, _LABEL_GAP = 21, 6  # of the column labels
_REMARK = 17  # height of the line under a picture
_COLOUR_BAR = 100
_RULE, _GROUP = 8, 22  # height of a line between groups of rows, without and with the group's name
_RULE_GREY = 187
_DPI = 150


@dataclass(frozen=True)
class Row:
    """Pictures side by side; None leaves a gap. Remarks stand below the pictures, one each.

    Where the group differs from that of the row above, a thin line stands between them, with the group's name.
    """

    label: str
    pictures: Sequence[np.ndarray | None]  # uint8 H×W×3, or float H×W for a heat map
    remarks: Sequence[str] = ()
    group: str = ""

    @property
    def height(self) -> int:
        return TILE + (_REMARK if self.remarks else 0)


@dataclass(frozen=True)
class Block:
    """One face: the input shown once at the left, and rows of pictures."""

    input: np.ndarray  # uint8 H×W×3
    rows: Sequence[Row]

    @property
    def breaks(self) -> list[int]:
        """The room above each row for the line between groups."""
        groups = ["", *(row.group for row in self.rows)]
        return [0 if own == before else _GROUP if own else _RULE for before, own in pairwise(groups)]

    @property
    def height(self) -> int:
        return sum(row.height + _GAP for row in self.rows) - _GAP + sum(self.breaks)


@dataclass(frozen=True)
class Scale:
    """The scale of all heat maps of a figure: `full` and larger values have the brightest colour."""

    full: float
    label: str


def enlarge(image: np.ndarray, size: int = TILE) -> np.ndarray:
    """Resample a picture to size×size by Lanczos: uint8 H×W×3, or float H×W (kept within its range)."""
    if image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))
    resized = Image.fromarray(image.astype(np.float32)).resize((size, size), Image.Resampling.LANCZOS)
    return np.clip(np.asarray(resized), image.min(), image.max())


def common_scale(maps: Sequence[np.ndarray]) -> float:
    """The full scale of many heat maps: their 99.5th percentile, rounded up to a multiple of 0.05."""
    percentile = np.percentile(np.concatenate([values.ravel() for values in maps]), 99.5)
    return max(0.05, float(np.ceil(percentile * 20) / 20))


def photo_grid(
    title: str, columns: Sequence[str], blocks: Sequence[Block], scale: Scale | None = None, note: Sequence[str] = ()
) -> Figure:
    """Faces below each other, the input at the left of each, their rows of pictures under common column labels.

    `note` are lines of small print below the title. `scale` belongs to the heat maps and adds their colour bar.
    """
    first = _MARGIN + TILE + _LABELS
    top = _TITLE + (len(note) * _NOTE_LINE + _NOTE_GAP if note else 0)
    top += max(label.count("\n") + 1 for label in columns) * _LABEL_LINE + _LABEL_GAP
    right = _MARGIN + (_COLOUR_BAR if scale is not None else 0)
    width = first + len(columns) * (TILE + _GAP) - _GAP + right
    height = top + sum(block.height for block in blocks) + (len(blocks) - 1) * _FACE_GAP + _MARGIN

    canvas = np.full((height, width, 3), 255, np.uint8)

    def paste(picture: np.ndarray, left: int, upper: int) -> None:
        tile = enlarge(picture)
        canvas[upper : upper + TILE, left : left + TILE] = tile if tile.ndim == 3 else heat(tile, scale.full)

    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)

    def text(x: float, y: float, content: str, **style) -> None:
        figure.text(x / width, 1 - y / height, content, **style)

    text(_MARGIN, _TITLE / 2 + 4, title, ha="left", va="center", size=9)
    for i, line in enumerate(note):
        text(_MARGIN, _TITLE + (i + 0.5) * _NOTE_LINE, line, ha="left", va="center", size=7, color="#555555")
    lefts = [first + i * (TILE + _GAP) for i in range(len(columns))]
    for label, left in zip(["input", *columns], [_MARGIN, *lefts], strict=True):
        text(left + TILE / 2, top - _LABEL_GAP, label, ha="center", va="bottom", size=8)
    y, begin = top, first - _LABELS + _GAP  # the lines between groups run below the row labels, too
    for block in blocks:
        paste(block.input, _MARGIN, y)
        upper = y
        for row, room in zip(block.rows, block.breaks, strict=True):
            if room:
                canvas[upper + 2, begin : lefts[-1] + TILE] = _RULE_GREY
                if row.group:
                    text(begin, upper + _GROUP / 2 + 2, row.group, ha="left", va="center", size=7, color="#555555")
                upper += room
            label = "\n".join(part for line in row.label.split("\n") for part in wrap(line, _LABEL_SIGNS))
            text(first - 10, upper + TILE / 2, label, ha="right", va="center", size=8)
            for left, picture in zip(lefts, row.pictures, strict=True):
                if picture is not None:
                    paste(picture, left, upper)
            for left, remark in zip(lefts, row.remarks, strict=bool(row.remarks)):
                text(left + TILE / 2, upper + TILE + _REMARK / 2, remark, ha="center", va="center", size=7)
            upper += row.height + _GAP
        y += block.height + _FACE_GAP
    figure.figimage(canvas, zorder=-1)  # below the colour bar

    if scale is not None:
        bar_height = min(height - top - _MARGIN, 3 * TILE)
        left = lefts[-1] + TILE + 12
        bar = figure.add_axes((left / width, 1 - (top + bar_height) / height, 12 / width, bar_height / height))
        figure.colorbar(ScalarMappable(Normalize(0, scale.full), DIFFERENCE_MAP), cax=bar, ticks=MaxNLocator(4))
        bar.tick_params(labelsize=7)
        bar.set_ylabel(scale.label, size=7)
    return figure
