"""Fig. 12: single AUs, the final image."""

import matplotlib.figure

from defgan.report.canvas import Block, photo_grid
from defgan.report.figures.base import Figure, deforming
from defgan.report.results import Results
from defgan.report.single_aus import AUS, au_label, rows_of, steps, true_row


def draw(results: Results) -> matplotlib.figure.Figure:
    """Final images as single AUs grow, of the face of Fig. 11."""
    pictures = results.pictures(deforming())
    rows = pictures.faces("au")[-1]
    shown = []
    for method in deforming():
        shown += rows_of(method, deforming(), steps(rows, pictures.edits[method.name].final, "final"))
    title = f"Fig. 12   Single action units: the final image   [{pictures.data['wild']}]"
    blocks = [Block(pictures.original(rows), [*shown, *true_row(pictures, rows)])]
    return photo_grid(title, list(map(au_label, AUS)), blocks)


FIGURE = Figure(
    name="fig_12_single_aus_final",
    number=12,
    title="Single AUs, the final image",
    shows="The final image, after texture editing, as one AU grows. The face and the AUs are those of Fig. 11.",
    methods=deforming(),
    params=("plan.au_faces", "plan.au_steps", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
