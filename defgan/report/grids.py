"""Figures made of photographs: α strips (Fig. 1), expression grids (Fig. 4, 9, 17, 18), difference images (Fig. 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from defgan.evaluation.images import Edits, Truth
from defgan.facs import EXPRESSIONS
from defgan.report.style import DIFFERENCE_MAP, METHOD_LABELS

TILE = 128
"""Side of one picture of a grid in the PNG, pixels."""
_GAP = 4
_FACE_GAP = 18
_LABELS = 112  # width of the row labels, between the input and the pictures
_MARGIN = 12
_TITLE, _NOTE_LINE, _NOTE_GAP, _COLUMN_LABELS = 36, 18, 8, 22
_COLOUR_BAR = 100
_DPI = 150


@dataclass(frozen=True)
class Block:
    """One face: the input shown once at the left, and rows of pictures, each with a label; None leaves a gap."""

    input: np.ndarray  # uint8 H×W×3
    rows: Sequence[tuple[str, Sequence[np.ndarray | None]]]  # uint8 H×W×3, or float H×W in [0, 1] for differences


def enlarge(image: np.ndarray, size: int = TILE) -> np.ndarray:
    """Resample a picture to size×size by Lanczos: uint8 H×W×3, or float H×W (kept within its range)."""
    if image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))
    resized = Image.fromarray(image.astype(np.float32)).resize((size, size), Image.Resampling.LANCZOS)
    return np.clip(np.asarray(resized), image.min(), image.max())


def difference(edited: np.ndarray, original: np.ndarray) -> np.ndarray:
    """|edited − original|, mean over the channels in shares of full scale: uint8 H×W×3 twice to float H×W in [0, 1]."""
    return np.abs(edited.astype(np.int16) - original).mean(axis=-1) / 255


def photo_grid(
    title: str, columns: Sequence[str], blocks: Sequence[Block], scale: float | None = None, note: Sequence[str] = ()
) -> Figure:
    """Faces below each other, their rows of pictures under common column labels, the input at the left of each face.

    `note` are lines of small print below the title. `scale` is the full scale of difference pictures and draws their
    colour bar; larger differences are cut off at it.
    """
    first = _MARGIN + TILE + _LABELS
    top = _TITLE + (len(note) * _NOTE_LINE + _NOTE_GAP if note else 0) + _COLUMN_LABELS
    right = _MARGIN + (_COLOUR_BAR if scale is not None else 0)
    width = first + len(columns) * (TILE + _GAP) - _GAP + right
    heights = [len(block.rows) * (TILE + _GAP) - _GAP for block in blocks]
    height = top + sum(heights) + (len(blocks) - 1) * _FACE_GAP + _MARGIN

    canvas = np.full((height, width, 3), 255, np.uint8)

    def paste(picture: np.ndarray, left: int, upper: int) -> None:
        tile = enlarge(picture)
        if tile.ndim == 2:
            tile = colormaps[DIFFERENCE_MAP](tile / scale, bytes=True)[..., :3]
        canvas[upper : upper + TILE, left : left + TILE] = tile

    figure = plt.figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)

    def text(x: float, y: float, content: str, **style) -> None:
        figure.text(x / width, 1 - y / height, content, **style)

    text(_MARGIN, _TITLE / 2 + 4, title, ha="left", va="center", size=9)
    for i, line in enumerate(note):
        text(_MARGIN, _TITLE + (i + 0.5) * _NOTE_LINE, line, ha="left", va="center", size=7, color="#555555")
    lefts = [first + i * (TILE + _GAP) for i in range(len(columns))]
    for label, left in zip(["input", *columns], [_MARGIN, *lefts], strict=True):
        text(left + TILE / 2, top - 6, label, ha="center", va="bottom", size=8)
    y = top
    for block, block_height in zip(blocks, heights, strict=True):
        paste(block.input, _MARGIN, y)
        for i, (label, pictures) in enumerate(block.rows):
            upper = y + i * (TILE + _GAP)
            text(first - 10, upper + TILE / 2, label, ha="right", va="center", size=8)
            for left, picture in zip(lefts, pictures, strict=True):
                if picture is not None:
                    paste(picture, left, upper)
        y += block_height + _FACE_GAP
    figure.figimage(canvas, zorder=-1)  # below the colour bar

    if scale is not None:
        bar_height = min(height - top - _MARGIN, 3 * TILE)
        left = lefts[-1] + TILE + 12
        bar = figure.add_axes((left / width, 1 - (top + bar_height) / height, 12 / width, bar_height / height))
        figure.colorbar(ScalarMappable(Normalize(0, scale), DIFFERENCE_MAP), cax=bar, ticks=MaxNLocator(4))
        bar.tick_params(labelsize=7)
        bar.set_ylabel("|edit − input|, mean of the channels (1 = full scale)", size=7)
    return figure


def difference_scale(pictures: Sequence[np.ndarray]) -> float:
    """One full scale for many difference pictures: their 99.5th percentile, rounded up to a multiple of 0.05."""
    percentile = np.percentile(np.concatenate([picture.ravel() for picture in pictures]), 99.5)
    return max(0.05, float(np.ceil(percentile * 20) / 20))


@dataclass(frozen=True)
class Pictures:
    """Everything the photo figures show, aligned with the plan's rows."""

    plan: pd.DataFrame
    inputs: np.ndarray  # uint8 M×H×W×3
    methods: Mapping[str, Edits]
    truth: Truth
    data: Mapping[str, str]  # what the faces of the roles wild and rafd are, for the titles

    def faces(self, name: str) -> list[pd.DataFrame]:
        """The plan's rows of one set, one table per face, in the plan's order."""
        return [rows for _, rows in self.plan[self.plan["set"] == name].groupby("row", sort=False)]

    def original(self, rows: pd.DataFrame) -> np.ndarray:
        """The input face of one face's rows, uint8 H×W×3."""
        return self.inputs[rows.index[0]]

    def sources(self, rows: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
        """Label and array of each row of pictures of a face: every method's final image, the true one last."""
        finals = [(METHOD_LABELS[name], edits.final) for name, edits in self.methods.items()]
        return finals + ([("true image", self.truth.images)] if self.truth.known[rows.index].all() else [])


def _by_expression(rows: pd.DataFrame) -> list[int | None]:
    """Positions in the plan of one face's edits to each of the six expressions."""
    found = dict(zip(rows["expression"], rows.index, strict=True))
    return [found.get(expression) for expression in EXPRESSIONS]


def _pick(positions: Sequence[int | None], array: np.ndarray) -> list[np.ndarray | None]:
    return [None if position is None else array[position] for position in positions]


def _edited_face(pictures: Pictures, rows: pd.DataFrame) -> Block:
    """One face under the six expressions."""
    positions = _by_expression(rows)
    return Block(pictures.original(rows), [(label, _pick(positions, array)) for label, array in pictures.sources(rows)])


def alpha_strip(pictures: Pictures) -> Figure:
    """Fig. 1: the sweep faces under y = x + α (target − x): DefGAN's deformed and final image, other methods."""
    blocks = []
    for rows in pictures.faces("sweep"):
        rows = rows.sort_values("alpha")
        shown = []
        for name, edits in pictures.methods.items():
            if edits.deformed is not None:
                shown.append((f"{METHOD_LABELS[name]}\ndeformed", edits.deformed[rows.index]))
                shown.append((f"{METHOD_LABELS[name]}\nfinal", edits.final[rows.index]))
            else:
                shown.append((METHOD_LABELS[name], edits.final[rows.index]))
        if pictures.truth.known[rows.index].all():
            shown.append(("true image", pictures.truth.images[rows.index]))
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
        own = [photographs[subject, expression] for expression in EXPRESSIONS]
        blocks.append(replace(face, rows=[*face.rows, ("photograph", own)]))
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


def difference_grid(pictures: Pictures, faces: Sequence[pd.DataFrame]) -> Figure:
    """Fig. 5: where and how much the edits differ from their input; all pictures on one scale."""
    blocks = []
    for rows in faces:
        original, positions = pictures.original(rows), _by_expression(rows)
        compared = []
        for label, array in pictures.sources(rows):
            shown = _pick(positions, array)
            compared.append((label, [None if edit is None else difference(edit, original) for edit in shown]))
        blocks.append(Block(original, compared))
    scale = difference_scale([p for block in blocks for _, row in block.rows for p in row if p is not None])
    title = f"Fig. 5   Difference between edit and input, one scale for all   [{pictures.data['wild']}]"
    return photo_grid(title, EXPRESSIONS, blocks, scale)
