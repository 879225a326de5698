"""Fig. 17: StarGAN on the faces of its own role."""

from dataclasses import replace

import matplotlib.figure

from defgan.facs import EXPRESSIONS
from defgan.report.canvas import Row, photo_grid
from defgan.report.expression_grid import edited_face
from defgan.report.figures.base import Figure, self_supervised
from defgan.report.names import learns_from
from defgan.report.results import Results

TOLD = tuple(method for method in self_supervised() if method.told_aus)
OTHERS = tuple(method for method in self_supervised() if not method.told_aus)


def draw(results: Results) -> matplotlib.figure.Figure:
    """Held-out people of role rafd, edited to the expressions that their own photographs show."""
    pictures, photographs = results.pictures(self_supervised()), results.photographs("rafd")
    blocks = []
    for rows in pictures.faces("rafd"):
        face, subject = edited_face(pictures, rows), rows["subject"].iloc[0]
        own = Row("photograph", [photographs[subject, expression] for expression in EXPRESSIONS])
        blocks.append(replace(face, rows=[*face.rows, own]))
    note = (
        learns_from(OTHERS, "the name of the expression"),
        learns_from(TOLD, "the AUs of the photograph"),
        "The photograph shows the same person at another moment.",
    )
    title = f"Fig. 17   Held-out people of role rafd and their own expressions   [{pictures.data['rafd']}]"
    return photo_grid(title, EXPRESSIONS, blocks, note=note)


FIGURE = Figure(
    name="fig_17_stargan_rafd",
    number=17,
    title="StarGAN on RaFD",
    shows=(
        f"Held-out people of role rafd. {learns_from(OTHERS, 'the name of the expression')} "
        f"{learns_from(TOLD, 'the AUs of the photograph in the last row')}"
    ),
    methods=self_supervised(),
    params=("plan.rafd_faces", "prepare.val_share", "seed"),
    draw=draw,
    role="rafd",
    photographs=True,
    true_image=True,
    available=lambda results: results.count("rafd") > 0,
)
