"""How every figure looks: one colour per method (Okabe and Ito's colour-blind-safe palette), fonts, saving."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import matplotlib

matplotlib.use("Agg")  # stages run without a display

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

METHOD_LABELS = MappingProxyType(
    {"copy": "Copy-input", "ganimation": "GANimation", "defgan": "DefGAN", "stargan": "StarGAN"}
)
"""Methods in the order of the tables; the last one belongs to App. F."""
METHOD_COLOURS = MappingProxyType(
    {"copy": "#7f7f7f", "ganimation": "#D55E00", "defgan": "#0072B2", "stargan": "#009E73"}
)
DEFORMED_COLOUR = "#56B4E9"
"""DefGAN's deformed image, beside the final one."""

DIFFERENCE_MAP = "inferno"
"""Of difference images: perceptually uniform, black = unchanged."""

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


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the project's style; what was open before is left as it was, what was drawn is closed."""
    with plt.rc_context(_STYLE):
        before = set(plt.get_fignums())
        try:
            yield
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)


def save(figure: Figure, directory: Path, name: str, *, photographs: bool) -> list[Path]:
    """Write `directory/name.png`, and `name.pdf` of a plot; return the paths.

    A figure of photographs is a PNG of 256 dithered colours (half the size, no visible loss) without a PDF, which would
    be no sharper and many times larger. The files hold no dates: same data, same bytes.
    """
    png = directory / f"{name}.png"
    figure.savefig(png, metadata={"Software": None})
    if photographs:
        with Image.open(png) as image:
            full = image.convert("RGB")
        # Maximum coverage keeps rare colours, such as the lips', which median cut drops. Only a given palette dithers.
        palette = full.quantize(_PHOTO_COLOURS, method=Image.Quantize.MAXCOVERAGE)
        full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(png, optimize=True)
        return [png]
    pdf = directory / f"{name}.pdf"
    figure.savefig(pdf, metadata={"CreationDate": None})
    return [png, pdf]
