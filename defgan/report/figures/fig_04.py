"""Fig. 4: faces edited to the six expressions."""

import matplotlib.figure

from defgan.methods.registry import told_aus
from defgan.report.expression_grid import FACES, expression_grid
from defgan.report.figures.base import Figure
from defgan.report.results import Results


def draw(results: Results) -> matplotlib.figure.Figure:
    """The first faces of the grids."""
    pictures = results.pictures(told_aus())
    title = f"Fig. 4   Edits to the six expressions of one person   [{pictures.data['wild']}]"
    return expression_grid(pictures, pictures.faces("grid")[:FACES], title)


FIGURE = Figure(
    name="fig_04_expressions",
    number=4,
    title="Editing facial expressions",
    shows="Near-neutral faces, edited to the six expressions of one person of role mug, one face per block.",
    methods=told_aus(),
    params=("plan.grid_faces", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
