"""The edits of one method: the arrays on disk, written and read.

A directory of edits holds `edits.parquet`, the rows of the plan, and arrays with one entry per row: `final.npy` and,
where the method makes them, `deformed.npy`, `offsets.npy`, `mask.npy` and `texture.npy`. The arrays are memory-mapped.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.progress import track

from defgan.errors import MissingInputError
from defgan.files import existing

if TYPE_CHECKING:
    from defgan.faces.table import Faces
    from defgan.methods.base import Edit
    from defgan.methods.model import Model

COUNTED_SET = "expressions"
"""The edits that count in the metrics. Those of the other sets are only shown in figures and on the page."""
PERSON_SET = "person"
"""The edits of which Table 1 takes the distances between sets, where they are planned; else those of `COUNTED_SET`."""


@dataclass(frozen=True)
class Edits:
    """The edits of one method; an array is None where the method does not make it."""

    frame: pd.DataFrame  # the plan: one row per edit
    final: np.ndarray  # ℐ_y, uint8 M×H×W×3
    deformed: np.ndarray | None  # ℐ*_y, uint8 M×H×W×3
    mask: np.ndarray | None  # ℳ, uint8 M×H×W, 255 = hallucinated
    offsets: np.ndarray | None  # 𝒢 − Id, float16 M×H×W×2, pixels at 128 px


def read_aligned(path: Path, rows: int) -> np.ndarray | None:
    """The array of a .npy file, memory-mapped; None where there is no file.

    Raises MissingInputError where its length is not `rows`: then it belongs to another plan.
    """
    if not path.is_file():
        return None
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if len(array) != rows:
        raise MissingInputError(f"{path}: {len(array)} entries for {rows} edits")
    return array


def read_edits(directory: str | Path) -> Edits:
    """The edits in a directory; raises MissingInputError where they are not there or not of one length."""
    directory = Path(directory)
    frame = pd.read_parquet(existing(directory / "edits.parquet"))
    existing(directory / "final.npy")
    names = ("final", "deformed", "mask", "offsets")
    return Edits(frame, **{name: read_aligned(directory / f"{name}.npy", len(frame)) for name in names})


def arrays_of(edit: Edit) -> dict[str, np.ndarray]:
    """One batch of edits as it lies on disk, by the name of the file; what the method does not make is left out."""
    from defgan.pixels import to_pixels
    from defgan.warp import to_offsets

    arrays = {"final": to_pixels(edit.image)}
    if edit.deformed is not None:
        arrays["deformed"] = to_pixels(edit.deformed)
        arrays["offsets"] = to_offsets(edit.grid).cpu().numpy().astype(np.float16)
    if edit.mask is not None:
        arrays["mask"] = edit.mask[:, 0].mul(255).round().byte().cpu().numpy()
        arrays["texture"] = to_pixels(edit.texture)
    return arrays


def write_edits(directory: Path, model: Model, inputs: Faces, plan: pd.DataFrame, batch_size: int) -> None:
    """Edit the faces as planned and write the edits to a directory, in the plan's order, with a progress bar.

    `inputs` has one face per row of the plan. The method's condition says which columns of both the model is given.
    """
    import torch

    from defgan.pixels import to_network

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device)
    condition, files = model.method.condition, {}
    present, wanted = condition.of(inputs.frame), condition.of(plan)
    # No memory maps: there a full disk kills the process, where writing a file says so.
    with torch.no_grad(), ExitStack() as stack:
        for start in track(range(0, len(plan), batch_size), "edit"):
            chosen = slice(start, start + batch_size)
            images = to_network(torch.from_numpy(inputs.pixels[chosen])).to(device)
            x, y = (torch.from_numpy(conditions[chosen]).to(device) for conditions in (present, wanted))
            for name, values in arrays_of(model.edit(images, x, y)).items():
                if name not in files:
                    files[name] = stack.enter_context((directory / f"{name}.npy").open("wb"))
                    header = np.lib.format.header_data_from_array_1_0(values)
                    header["shape"] = (len(plan), *values.shape[1:])
                    np.lib.format.write_array_header_1_0(files[name], header)
                files[name].write(values.tobytes())
    plan.to_parquet(directory / "edits.parquet", index=False)
