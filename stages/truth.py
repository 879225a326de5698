"""Render the true image of every planned edit: `python -m stages.truth`.

Only the embedded corpus knows it; for other photographs data/truth says that there is none.
"""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from rich.progress import track

from defgan.errors import UserError
from defgan.faces.table import read_faces
from defgan.facs import AU_NAMES
from defgan.files import atomic_directory
from stages.common import console, stage

WILD = Path("data/prepared/wild")
PLAN = Path("data/plan.parquet")
TRUTH = Path("data/truth")


def truth() -> None:
    """Plan and scenes to data/truth."""
    started = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with stage("truth") as (params, run):
        source = params.data.wild
        run.log_params({"image_size": params.image_size, "data": {"wild": source.model_dump()}})
        available = source.dataset == "corpus"
        images = _render(source.path, params.image_size) if available else None
        with atomic_directory(TRUTH) as temporary:
            (temporary / "truth.json").write_text(json.dumps({"available": available}) + "\n")
            if available:
                np.save(temporary / "true.npy", images)
        run.log_metrics({"images": len(images) if available else 0})
    found = f"{len(images)} true images" if available else "none: these photographs are not the embedded corpus"
    console.print(f"truth: {found} → {TRUTH} ({time.monotonic() - started:.0f} s)")


def _render(path: str, size: int) -> np.ndarray:
    from defgan.corpus import load_scenes, render_edits

    if not PLAN.is_file():
        raise UserError(f"{PLAN}: no such file; run `dvc repro plan` first")
    scenes = load_scenes(path)
    faces, plan = read_faces(WILD), pd.read_parquet(PLAN)
    unknown = set(faces.frame["source"]) - set(scenes)
    if unknown:
        raise UserError(f"{path}: no scene of {min(unknown)}; run `dvc repro prepare@wild` again")
    rows = plan["row"].to_numpy()
    chosen = [scenes[source] for source in faces.frame["source"].to_numpy()[rows]]
    return render_edits(
        chosen, plan[list(AU_NAMES)].to_numpy(np.float32), faces.crop_transforms()[rows], size, progress=_bar
    )


def _bar(items: Iterable, total: int) -> Iterable:
    return track(items, description="truth: faces", total=total, console=console)


def main() -> None:
    """Entry point of `python -m stages.truth`."""
    typer.run(truth)


if __name__ == "__main__":
    main()
