"""Edit the faces as planned: `python -m stages.edit defgan`."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from rich.progress import track

from defgan.errors import UserError
from defgan.faces.table import Faces, read_inputs
from defgan.files import atomic_directory
from defgan.models import load
from defgan.models.base import EditingModel
from defgan.models.deformation import to_offsets
from defgan.models.edit import Edit
from defgan.training.data import to_network, to_pixels
from stages.common import console, stage


def fields(edit: Edit) -> dict[str, np.ndarray]:
    """One batch's fields as they lie on disk; what the model does not have is left out."""
    arrays = {"final": to_pixels(edit.image)}
    if edit.deformed is not None:
        arrays["deformed"] = to_pixels(edit.deformed)
        arrays["offsets"] = to_offsets(edit.grid).cpu().numpy().astype(np.float16)
    if edit.mask is not None:
        arrays["mask"] = edit.mask[:, 0].mul(255).round().byte().cpu().numpy()
        arrays["texture"] = to_pixels(edit.texture)
    return arrays


@torch.no_grad()
def edit_faces(model: EditingModel, inputs: Faces, plan: pd.DataFrame, batch_size: int, directory: Path) -> None:
    """Write every planned edit's fields to `directory`, one memory-mapped array per field, in the plan's order.

    `inputs` are aligned with the plan. What a model is told of the target is its own matter: AUs, or a label.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device)
    present, wanted, arrays = model.conditions(inputs.frame), model.conditions(plan), {}
    for start in track(range(0, len(plan), batch_size), "edit"):
        chosen = slice(start, start + batch_size)
        images = to_network(torch.from_numpy(inputs.pixels[chosen])).to(device)
        x, y = (torch.from_numpy(conditions[chosen]).to(device) for conditions in (present, wanted))
        for name, values in fields(model.edit(images, x, y)).items():
            if name not in arrays:
                arrays[name] = np.lib.format.open_memmap(
                    directory / f"{name}.npy", "w+", values.dtype, (len(plan), *values.shape[1:])
                )
            arrays[name][chosen] = values


def edit(name: Annotated[str, typer.Argument(help="a trained model, or copy: the input unchanged")]) -> None:
    """Apply model NAME to data/plan.parquet and write edits/NAME."""
    with stage(f"edit@{name}", "edit") as (params, run):
        if not Path("data/plan.parquet").is_file():
            raise UserError("data/plan.parquet: no such file; run `dvc repro plan` first")
        plan = pd.read_parquet("data/plan.parquet")
        inputs = read_inputs(plan, "data/prepared")
        with atomic_directory(Path("edits", name)) as directory:
            edit_faces(load(name), inputs, plan, params.edit.batch_size, directory)
            plan.to_parquet(directory / "edits.parquet", index=False)
        run.log_metrics({"edits": len(plan)})
        console.print(f"{name}: {len(plan)} edits of {plan['image_id'].nunique()} faces in edits/{name}")


def main() -> None:
    typer.run(edit)


if __name__ == "__main__":
    main()
