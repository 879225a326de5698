"""Assess the weights on rendered people whom no method has seen: `python -m tools.assess_renders`.

Every person is edited from near neutral to the peaks of the seven expressions and to each single AU, and every edit
is measured against the true image and the true motion, at the side of the crops that the model learnt from. The AU
estimator and the identity embedder read the edits and the true images. Writes renders.csv, response_by_skin.csv and a
sheet for each model, renders_NAME.png, to reports/renders. The networks run as in Table 1, without the mean over the
mirror image that `defgan edit` takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer
from PIL import Image
from rich.progress import track

from defgan.errors import UserError, plain_errors
from defgan.facs import AU_NAMES, EXPRESSIONS, N_AUS
from stages.common import console

if TYPE_CHECKING:
    from torch import Tensor

    from defgan.methods.model import Model
    from defgan.pairs import Pairs

Progress = Callable[[Iterable, str, int], Iterable]
"""Wraps items: what they are, and how many."""

REPORTS = Path("reports/renders")
PEAKS = (*EXPRESSIONS, "contempt")
EDITS = (*PEAKS, *AU_NAMES)
"""To the vectors 1, 2, … of a person."""
SINGLE = 0.9
"""Intensity of a single AU."""
FIRST = 1_000_000
"""Number of the first person; sets of pairs count theirs from 0."""
BATCH = 32
SHEET_PEOPLE = 3


class Made(NamedTuple):
    """One edit of every person; deformed image and grid are None where the model has none."""

    final: np.ndarray  # uint8 N×S×S×3
    deformed: np.ndarray | None  # uint8 N×S×S×3
    grid: Tensor | None  # N×S×S×2


def sample_aus(rng: np.random.Generator) -> np.ndarray:
    """AU vectors of a person, float32 25×17: near neutral, `PEAKS`, and near neutral with each AU in turn."""
    from defgan.corpus.sampling import sample_peak_aus, sample_wild_aus

    neutral = sample_wild_aus(rng)
    singles = np.where(np.eye(N_AUS, dtype=bool), np.float32(SINGLE), neutral)
    return np.stack([neutral, *(sample_peak_aus(rng, name) for name in PEAKS), *singles]).astype(np.float32)


def render_people(count: int, size: int, seed: int, progress: Progress) -> Pairs:
    """`count` people as scenes of one image per vector of `sample_aus`; images of `size` pixels."""
    from defgan.corpus.pairs import NUMBER, pair_order, render_scene
    from defgan.corpus.roles import Studio
    from defgan.corpus.scenes import available_cores, crew
    from defgan.corpus.variety import sample_pairs_person, sample_pairs_shot
    from defgan.pairs import FILE, read_pairs, write_pairs

    studio, jobs = Studio(), []
    for number in range(FIRST, FIRST + count):
        person = sample_pairs_person(np.random.default_rng([seed, NUMBER, number]), studio.change_labels)
        shot = sample_pairs_shot(np.random.default_rng([seed, NUMBER, number, 1]))
        aus = sample_aus(np.random.default_rng([seed, NUMBER, number, 2]))
        jobs.append((studio.vertices([person])[0], person.look, shot, aus, size, 2))
    with crew(studio.head, available_cores()) as render:
        scenes = list(progress(render(render_scene, jobs), f"People at {size} px", count))
    with TemporaryDirectory() as folder:
        write_pairs(Path(folder, FILE), scenes, pair_order(1 + len(EDITS)), 0, size)
        return read_pairs(folder)


def edits(model: Model, pairs: Pairs, k: int) -> Made:
    """The edits to vector k of every person."""
    import torch

    from defgan.pixels import to_network, to_pixels

    parts = []
    for start in range(0, len(pairs.images), BATCH):
        chosen = slice(start, start + BATCH)
        images = to_network(torch.from_numpy(pairs.images[chosen, 0]))
        with torch.no_grad():
            edit = model.edit(images, *(torch.from_numpy(pairs.aus[chosen, index]) for index in (0, k)))
        deformed = None if edit.grid is None else to_pixels(edit.deformed)
        parts.append((to_pixels(edit.image), deformed, edit.grid))
    final, deformed, grids = zip(*parts, strict=True)
    if grids[0] is None:
        return Made(np.concatenate(final), None, None)
    return Made(np.concatenate(final), np.concatenate(deformed), torch.cat(grids))


def measure(made: Sequence[Made], pairs: Pairs) -> pd.DataFrame:
    """Errors by edit and person: columns edit, copied, final, and of a model with a grid deformed and `COLUMNS`.

    `made` holds the edits to the vectors 1, 2, … of every person.
    """
    from defgan.evaluation.gain import changed_pixels, masked_errors
    from defgan.evaluation.motion import compare_motion
    from defgan.methods.truth_losses import coarse_offsets
    from defgan.pairs import FLOW_UNITS, UNSEEN

    tables, order = [], [tuple(pair) for pair in pairs.order.tolist()]
    for k, (edit, (final, deformed, grid)) in enumerate(zip(EDITS, made, strict=True), 1):
        inputs, true = pairs.images[:, 0], pairs.images[:, k]
        changed = changed_pixels(inputs, true)
        table = pd.DataFrame(
            {"copied": masked_errors(inputs, true, changed), "final": masked_errors(final, true, changed)}
        )
        if grid is not None:
            flow = pairs.flows[:, order.index((0, k))].astype(np.float32) / FLOW_UNITS
            flow[(pairs.flows[:, order.index((0, k))] == UNSEEN).any(-1)] = np.nan
            motion = compare_motion(coarse_offsets(grid, flow.shape[1:3]).numpy(), flow)
            table = table.assign(deformed=masked_errors(deformed, true, changed)).join(motion)
        tables.append(table.assign(edit=edit))
    return pd.concat(tables, ignore_index=True)


def summarise(name: str, errors: pd.DataFrame) -> pd.DataFrame:
    """Gains and errors of the motion by edit, and over all peaks: columns method, edit, measure, value, n."""
    from defgan.evaluation.gain import gain

    groups = {"all peaks": errors[errors["edit"].isin(PEAKS)]}
    groups |= dict(iter(errors.groupby("edit", sort=False)))
    rows = []
    for edit, own in groups.items():
        values = {"gain over copying, final": gain(own["final"].to_numpy(), own["copied"].to_numpy())}
        if "deformed" in own:
            values["gain over copying, deformed"] = gain(own["deformed"].to_numpy(), own["copied"].to_numpy())
            values["share of the end-point error removed"] = 1 - own["epe"].mean() / own["epe_still"].mean()
            values["cosine with the true motion"] = own["motion_cosine"].mean()
            values["share of the true motion"] = own["motion_share"].mean()
        rows += [(name, edit, measure, value, len(own)) for measure, value in values.items()]
    return pd.DataFrame(rows, columns=["method", "edit", "measure", "value", "n"])


def sheet(made: Sequence[Made], pairs: Pairs) -> Image.Image:
    """The first people: input; then of each edit the final above the true image."""
    from defgan.pixels import tile

    rows = []
    for person in range(min(SHEET_PEOPLE, len(pairs.images))):
        rows += [pairs.images[person, 0], *(edit.final[person] for edit in made)]
        rows += [np.full_like(pairs.images[person, 0], 255), *pairs.images[person, 1:]]
    return Image.fromarray(tile(rows, 1 + len(EDITS)))


def main(
    weights: Annotated[Path | None, typer.Option(help="Folder of other weights than the project's own.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Assess this model; once for each. Default: all that have weights.")
    ] = None,
    people: Annotated[int, typer.Option(min=1, help="How many people are rendered.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 0,
    reports: Annotated[Path, typer.Option(help="Where the table and the sheets go.")] = REPORTS,
) -> None:
    """Measure edits of rendered people against the true images and the true motion."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with plain_errors("renders"):
        from defgan.editing import EDITORS
        from defgan.editing.face_finder import FaceFinder
        from defgan.editing.trained_weights import available, read_weights
        from defgan.files import atomic_file
        from tools.readings import TRUTH, Readings, by_skin, identity, lines

        def progress(items: Iterable, what: str, total: int) -> Iterable:
            return track(items, what, total, console=console)

        rendered, read, tables, observed = {}, {}, [], []
        for name in model or available(weights):
            if name not in EDITORS:
                raise UserError(f"{name}: no such model; choose one of {', '.join(EDITORS)}")
            trained, description = read_weights(name, weights)
            size = description["params"]["image_size"]
            if size not in rendered:
                rendered[size] = pairs = render_people(people, size, seed, progress)
                read[size] = Readings(FaceFinder(size), pairs)
                observed.append(read[size].observe(f"{TRUTH}, {size} px", pairs.images.swapaxes(0, 1)[1:], progress))
            pairs = rendered[size]
            made = [edits(trained, pairs, k) for k in progress(range(1, 1 + len(EDITS)), name, len(EDITS))]
            tables.append(summarise(name, measure(made, pairs)))
            observed.append(read[size].observe(name, [edit.final for edit in made], progress))
            reports.mkdir(parents=True, exist_ok=True)
            with atomic_file(reports / f"renders_{name}.png") as path:
                sheet(made, pairs).save(path)
        everything = pd.concat(observed, ignore_index=True)
        table, responses = pd.concat([*tables, identity(everything)], ignore_index=True), by_skin(everything)
        for name, written in (("renders", table), ("response_by_skin", responses)):
            with atomic_file(reports / f"{name}.csv") as path:
                written.to_csv(path, index=False, float_format="%.4f")
        for row in table[table["edit"] == "all peaks"].itertuples():
            console.print(f"{row.method}: {row.measure} {row.value:.3f}", highlight=False)
        for line in lines(responses):
            console.print(line, highlight=False)
    console.print(f"{people} people; the table and the sheets are in {reports}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
