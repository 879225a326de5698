"""Fig. 9: more faces edited to the six expressions."""

import matplotlib.figure

from defgan.methods.registry import told_aus
from defgan.report.expression_grid import FACES, expression_grid
from defgan.report.figures.base import Figure
from defgan.report.results import Results


def draw(results: Results) -> matplotlib.figure.Figure:
    """The faces that follow those of Fig. 4."""
    pictures = results.pictures(told_aus())
    title = f"Fig. 9   Edits to the six expressions of one person   [{pictures.data['wild']}]"
    return expression_grid(pictures, pictures.faces("grid")[FACES : 2 * FACES], title)


FIGURE = Figure(
    name="fig_09_expressions",
    number=9,
    title="Editing facial expressions, more faces",
    shows="Near-neutral faces, edited to the six expressions of one person of role mug, one face per block.",
    methods=told_aus(),
    params=("plan.grid_faces", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
    available=lambda results: results.count("grid") > FACES,
)
