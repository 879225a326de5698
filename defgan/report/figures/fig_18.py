"""Fig. 18: StarGAN in the wild."""

import matplotlib.figure

from defgan.methods import told_aus
from defgan.report.expression_grid import expression_grid
from defgan.report.figures.base import Figure, trained
from defgan.report.names import learns_from
from defgan.report.results import Results

FACES = 3
"""The last ones of the grids."""
OTHERS = tuple(method for method in trained() if not method.told_aus)


def draw(results: Results) -> matplotlib.figure.Figure:
    """As Fig. 4, with all methods that learn."""
    pictures = results.pictures(trained())
    note = (
        learns_from(OTHERS, "the name of the expression"),
        learns_from(told_aus(), "the AUs of one person of role mug"),
        *(f"Role {role}: {pictures.data[role]}." for role in dict.fromkeys(method.role for method in OTHERS)),
    )
    title = f"Fig. 18   In the wild: edits to the six expressions   [{pictures.data['wild']}]"
    return expression_grid(pictures, pictures.faces("grid")[-FACES:], title, note)


FIGURE = Figure(
    name="fig_18_stargan_wild",
    number=18,
    title="StarGAN in the wild",
    shows=(
        f"As Fig. 4, with all methods that learn. {learns_from(OTHERS, 'the name of the expression')} The faces here "
        "are unlike those of that role."
    ),
    methods=trained(),
    params=("plan.grid_faces", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
