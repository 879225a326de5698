"""Fig. 11: single AUs, the deformation."""

import matplotlib.figure

from defgan.report.canvas import Block, Row, photo_grid
from defgan.report.figures.base import Figure, deforming
from defgan.report.results import Results
from defgan.report.single_aus import (
    AUS,
    MAGNIFICATION,
    au_label,
    mesh,
    motion_scale,
    moved_in_sweep,
    rows_of,
    steps,
    sweep,
    true_row,
)


def draw(results: Results) -> matplotlib.figure.Figure:
    """Deformed images as single AUs grow, the regions that move, and the meshes."""
    pictures = results.pictures(deforming())
    rows = pictures.faces("au")[-1]
    original, sweeps = pictures.original(rows), [sweep(rows, au) for au in AUS]
    shown, every_map = [], []
    for method in deforming():
        edits = pictures.edits[method.name]
        maps = [moved_in_sweep(edits, positions) for positions in sweeps]
        meshes = [mesh(original, edits.offsets[positions[-1]]) for positions in sweeps]
        own = steps(rows, edits.deformed, "deformed")
        own += [Row("region moved", maps), Row(f"grid at 1\nmotion × {MAGNIFICATION}", meshes)]
        shown += rows_of(method, deforming(), own)
        every_map += maps
    title = f"Fig. 11   Single action units: the deformation   [{pictures.data['wild']}]"
    blocks = [Block(original, [*shown, *true_row(pictures, rows)])]
    return photo_grid(title, list(map(au_label, AUS)), blocks, motion_scale(every_map))


FIGURE = Figure(
    name="fig_11_single_aus_deformed",
    number=11,
    title="Single AUs, the deformation",
    shows=(
        "Top: the deformed image as one AU grows. Below: how far the sampling position of each pixel moves between "
        "intensity 0 and 1, and a mesh that moves with the deformation at intensity 1. The motion of the mesh is "
        "enlarged as stated. The AUs are those that the paper's text speaks of, and AU12."
    ),
    methods=deforming(),
    params=("plan.au_faces", "plan.au_steps", "seed"),
    draw=draw,
    photographs=True,
    true_image=True,
)
