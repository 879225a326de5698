"""Render the true image of every planned edit, and the true motion of its skin: `python -m stages.truth`.

Both are known of the embedded corpus only; for other photographs data/truth says that there are none.
"""

import json
import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from rich.progress import track

from defgan.errors import MissingInputError
from defgan.faces.table import Faces, read_inputs
from defgan.facs import AU_NAMES
from defgan.files import atomic_directory
from stages.common import console, stage

PREPARED = Path("data/prepared")
PLAN = Path("data/plan.parquet")
TRUTH = Path("data/truth")
INPUT_ROLES = ("wild", "rafd")
"""The roles whose faces are edited."""


def truth() -> None:
    """Plan and scenes to data/truth."""
    started = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with stage("truth") as (params, run):
        sources = {role: getattr(params.data, role) for role in INPUT_ROLES}
        described = {role: source.model_dump() for role, source in sources.items()}
        run.log_params({"image_size": params.image_size, "data": described})
        if not PLAN.is_file():
            raise MissingInputError(f"{PLAN}: no such file")
        plan = pd.read_parquet(PLAN)
        inputs = read_inputs(plan, PREPARED)
        known = [role for role, source in sources.items() if source.layout == "corpus"]
        images = np.zeros_like(inputs.pixels)
        motion = np.full((*images.shape[:3], 2), np.nan, np.float16)
        for role in known:
            own = np.flatnonzero(plan["role"] == role)
            images[own], motion[own] = _render(sources[role].path, role, inputs, plan, own)
        with atomic_directory(TRUTH) as temporary:
            (temporary / "truth.json").write_text(json.dumps({"known": known}) + "\n", encoding="utf-8")
            np.save(temporary / "true.npy", images)
            np.save(temporary / "motion.npy", motion)
        rendered = int(plan["role"].isin(known).sum())
        run.log_metrics({"images": rendered})
    found = f"{rendered} true images" if rendered else "none, since no photographs are of the embedded corpus"
    console.print(f"truth: {found} → {TRUTH} ({time.monotonic() - started:.0f} s)")


def _render(path: str, role: str, inputs: Faces, plan: pd.DataFrame, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The true images, uint8 N×H×W×3, and the skin's motion, N×H×W×2, of some rows of the plan, all of one role."""
    from defgan.corpus import edit_motions, load_scenes, render_edits

    scenes = load_scenes(path)
    names = inputs.frame["source"].to_numpy()[rows]
    if unknown := set(names) - set(scenes):
        raise MissingInputError(f"{path}/scenes.npz: no scene of {min(unknown)}, a prepared face of {role}")
    arguments = (
        [scenes[name] for name in names],
        plan[list(AU_NAMES)].to_numpy(np.float32)[rows],
        inputs.crop_transforms()[rows],
        inputs.pixels.shape[1],
    )
    images = render_edits(*arguments, progress=partial(_bar, f"truth: {role} images"))
    return images, edit_motions(*arguments, progress=partial(_bar, f"truth: {role} motion"))


def _bar(description: str, items: Iterable, total: int) -> Iterable:
    return track(items, description=description, total=total, console=console)


def main() -> None:
    """Entry point of `python -m stages.truth`."""
    typer.run(truth)


if __name__ == "__main__":
    main()
