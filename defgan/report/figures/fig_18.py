"""Fig. 18: StarGAN in the wild."""

import matplotlib.figure

from defgan.report.expression_grid import expression_grid
from defgan.report.figures.base import Figure, self_supervised
from defgan.report.names import learns_from
from defgan.report.results import Results

FACES = 3
"""The last ones of the grids."""
TOLD = tuple(method for method in self_supervised() if method.told_aus)
OTHERS = tuple(method for method in self_supervised() if not method.told_aus)


def draw(results: Results) -> matplotlib.figure.Figure:
    """Faces of the grids, edited by all methods that learn as in the paper."""
    pictures = results.pictures(self_supervised())
    note = (
        learns_from(OTHERS, "the name of the expression"),
        learns_from(TOLD, "the AUs of one person of role mug"),
        *(f"Role {role}: {pictures.data[role]}." for role in dict.fromkeys(method.role for method in OTHERS)),
    )
    title = f"Fig. 18   In the wild: edits to the six expressions   [{pictures.data['wild']}]"
    return expression_grid(pictures, pictures.faces("grid")[-FACES:], title, note)


FIGURE = Figure(
    name="fig_18_stargan_wild",
    number=18,
    title="StarGAN in the wild",
    shows=(
        f"As Fig. 4, with all methods that learn as in the paper. {learns_from(OTHERS, 'the name of the expression')} "
        "The faces here are unlike those of that role."
    ),
    methods=self_supervised(),
    params=("plan.grid_faces", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
