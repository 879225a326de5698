"""Fig. 6: facial movements learnt for single AUs."""

import matplotlib.figure

from defgan.report.canvas import Block, Row, photo_grid
from defgan.report.figures.base import Figure, deforming
from defgan.report.names import TRUE_IMAGE
from defgan.report.results import Results
from defgan.report.single_aus import au_label, motion_scale, moved_in_sweep, rows_of, sweep

AUS = ("AU04", "AU05", "AU14", "AU26")
"""Those of sec. 4.3. Its list names AU14 twice, and its text speaks of AU4."""
FACES = 2


def draw(results: Results) -> matplotlib.figure.Figure:
    """The deformed image as one AU grows, the region that moves, and the true image."""
    pictures = results.pictures(deforming())
    faces = pictures.faces("au")[:FACES]
    blocks, maps = [], []
    for rows in faces:
        shown = []
        for method in deforming():
            edits, own = pictures.edits[method.name], []
            for au in AUS:
                positions = sweep(rows, au)
                maps.append(moved_in_sweep(edits, positions))
                tiles = [*edits.deformed[positions], maps[-1]]
                if pictures.truth_known(rows):
                    tiles.append(pictures.truth.images[positions[-1]])
                own.append(Row(au_label(au), tiles))
            shown += rows_of(method, deforming(), own)
        blocks.append(Block(pictures.original(rows), shown))
    steps = sorted(faces[0]["alpha"].unique())
    columns = [*(f"{step:g}" for step in steps), "region moved"]
    columns += [f"{TRUE_IMAGE}, {steps[-1]:g}"] if pictures.truth_known(faces[0]) else []
    title = f"Fig. 6   One action unit grows from 0 to 1: the deformed image   [{pictures.data['wild']}]"
    return photo_grid(title, columns, blocks, motion_scale(maps))


FIGURE = Figure(
    name="fig_06_single_aus",
    number=6,
    title="Facial movements learnt for single AUs",
    shows=(
        "The deformed image as one AU grows from 0 to 1. The other AUs stay as they are in the face. The heat map "
        "shows how far the sampling position of each pixel moves between 0 and 1. The AUs are those of sec. 4.3."
    ),
    methods=deforming(),
    params=("plan.au_faces", "plan.au_steps", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
