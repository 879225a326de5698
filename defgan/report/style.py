"""How every figure looks: fonts, colours and saving.

Figures are made as `matplotlib.figure.Figure`, without pyplot: no display and no backend is needed or changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

SMALL_PRINT = {"size": 8, "color": "#555555"}
"""Of notes below the axes."""
DARK, PALE = "#333333", "#bbbbbb"
"""Lines at zero and intervals; lines between groups."""
_STYLE = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text in print
}
_PHOTO_COLOURS = 256


def lighter(colour: str) -> str:
    """A colour half mixed with white: a method's deformed image, beside its final one."""
    return to_hex([(channel + 1) / 2 for channel in to_rgb(colour)])


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the project's style; the settings of before come back at the end."""
    with matplotlib.rc_context(_STYLE):
        yield


def save(figure: Figure, directory: Path, name: str, *, photographs: bool) -> list[Path]:
    """Write `directory/name.png`, and `name.pdf` of a plot; return the paths.

    A figure of photographs is a PNG of 256 dithered colours (half the size, no visible loss). It has no PDF, which
    would be no sharper and many times larger. The files hold no dates: same data, same bytes.
    """
    png = directory / f"{name}.png"
    figure.savefig(png, metadata={"Software": None})
    if photographs:
        with Image.open(png) as image:
            full = image.convert("RGB")
        # Maximum coverage keeps rare colours, such as the lips', which median cut drops. Only a given palette dithers.
        # The search takes seconds by the number of colours: a ninth of the pixels shows as many as the palette holds.
        some = full.resize([-(-side // 3) for side in full.size], Image.Resampling.NEAREST)
        palette = some.quantize(_PHOTO_COLOURS, method=Image.Quantize.MAXCOVERAGE)
        full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(png, optimize=True)
        return [png]
    pdf = directory / f"{name}.pdf"
    figure.savefig(pdf, metadata={"CreationDate": None})
    return [png, pdf]
