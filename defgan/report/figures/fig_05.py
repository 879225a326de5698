"""Fig. 5: difference images."""

from defgan.methods.registry import told_aus
from defgan.report.differences import SHOWS, draw_faces
from defgan.report.figures.base import Figure

FIRST = 0
"""The first of its faces among those of the grids."""

FIGURE = Figure(
    name="fig_05_differences",
    number=5,
    title="Difference images",
    shows=SHOWS,
    methods=told_aus(),
    params=("plan.grid_faces", "seed"),
    draw=lambda results: draw_faces(results, FIRST, 5),
    photographs=True,
    true_image=True,
    available=lambda results: results.count("grid") > FIRST,
)
