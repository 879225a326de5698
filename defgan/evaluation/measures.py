"""One row of measurements per edit, and the numbers that sum them up."""

import numpy as np
import pandas as pd

from defgan.evaluation.gain import changed_pixels, gain, masked_errors
from defgan.evaluation.images import Edits, Truth
from defgan.facs import AU_NAMES, EXPRESSIONS

COUNTED_SET = "expressions"
"""The edits that count in metrics; those made for the grids and the sweeps are only shown."""


def per_image(edits: Edits, inputs: np.ndarray, truth: Truth, identity: np.ndarray) -> pd.DataFrame:
    """The plan's columns without the AUs, and per edit:

    - `identity`: identity distance between the edit and its input (given, shape (M,));
    - `err_final`, `err_deformed`, `err_copy`: error of the final image, the deformed image and the input against the
      true image over the pixels that truly change; NaN where nothing changes or the truth is not known or the image
      does not exist;
    - `mean_offset`: mean length of the deformation's offsets, pixels at 128 px; `mean_mask`: mean of ℳ in [0, 1].

    `inputs` are uint8 M×H×W×3; they and the truth are aligned with the edits.
    """
    mask = changed_pixels(inputs, truth.images) & truth.known[:, None, None]
    table = edits.frame.drop(columns=list(AU_NAMES)).assign(
        identity=identity,
        err_final=masked_errors(edits.final, truth.images, mask),
        err_deformed=np.nan,
        err_copy=masked_errors(inputs, truth.images, mask),
        mean_offset=np.nan,
        mean_mask=np.nan,
    )
    if edits.deformed is not None:
        table["err_deformed"] = masked_errors(edits.deformed, truth.images, mask)
    if edits.offsets is not None:
        table["mean_offset"] = np.linalg.norm(edits.offsets.astype(np.float32), axis=-1).mean(axis=(1, 2))
    if edits.mask is not None:
        table["mean_mask"] = edits.mask.mean(axis=(1, 2)) / 255
    return table


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), 6)


def _gain(table: pd.DataFrame, image: str) -> float | None:
    if table[image].isna().all():
        return None
    return _number(gain(table[image].to_numpy(), table["err_copy"].to_numpy()))


def summarise(table: pd.DataFrame) -> dict:
    """Means over the counted set of a `per_image` table, overall and by expression; None where there is no truth."""
    table = table[table["set"] == COUNTED_SET]
    by_expression = {name: table[table["expression"] == name] for name in EXPRESSIONS}
    truth = not table["err_copy"].isna().all()
    return {
        "identity": _number(table["identity"].mean()),
        "identity_by_expression": {name: _number(rows["identity"].mean()) for name, rows in by_expression.items()},
        "gain_final": _gain(table, "err_final"),
        "gain_deformed": _gain(table, "err_deformed"),
        "gain_final_by_expression": {name: _gain(rows, "err_final") for name, rows in by_expression.items()},
        "gain_deformed_by_expression": {name: _gain(rows, "err_deformed") for name, rows in by_expression.items()},
        "mean_offset": _number(table["mean_offset"].mean()),
        "mean_mask": _number(table["mean_mask"].mean()),
        "images": len(table),
        "images_without_change": int(table["err_copy"].isna().sum()) if truth else None,
    }
