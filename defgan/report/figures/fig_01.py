"""Fig. 1: one expression as α grows."""

import matplotlib.figure

from defgan.methods import get
from defgan.methods.registry import told_aus
from defgan.report.canvas import Block, Row, photo_grid
from defgan.report.figures.base import Figure
from defgan.report.names import TRUE_IMAGE, group_name
from defgan.report.results import Results


def draw(results: Results) -> matplotlib.figure.Figure:
    """The sweep faces under y = x + α (target − x): deformed and final images of every method."""
    pictures = results.pictures(told_aus())
    blocks = []
    for rows in pictures.faces("sweep"):
        rows = rows.sort_values("alpha")
        shown = []
        for name, edits in pictures.edits.items():
            label, group = get(name).label, group_name(get(name))
            if edits.deformed is None:
                shown.append(Row(label, edits.final[rows.index], group=group))
            else:
                shown.append(Row(f"{label}\ndeformed", edits.deformed[rows.index], group=group))
                shown.append(Row(f"{label}\nfinal", edits.final[rows.index], group=group))
        if pictures.truth_known(rows):
            shown.append(Row(TRUE_IMAGE, pictures.truth.images[rows.index]))
        blocks.append(Block(pictures.original(rows), shown))
    sweep = pictures.plan[pictures.plan["set"] == "sweep"]
    expression = sweep["expression"].iloc[0].capitalize()
    columns = [f"α = {alpha:.1f}" for alpha in sorted(sweep["alpha"].unique())]
    title = f"Fig. 1   {expression} grows: y = x + α (target − x)   [{pictures.data['wild']}]"
    return photo_grid(title, columns, blocks)


FIGURE = Figure(
    name="fig_01_alpha_strip",
    number=1,
    title="An expression grows",
    shows=(
        "One expression as α grows, y = x + α (target − x). Where a method deforms, the deformed image (motion alone) "
        "stands above the final image, which adds the texture that the mask lets through."
    ),
    methods=told_aus(),
    params=("plan.sweep_expression", "plan.sweep_faces", "plan.sweep_steps", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
