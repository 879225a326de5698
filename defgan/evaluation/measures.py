"""One row of measurements per edit, and the numbers that sum them up."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from defgan.evaluation import motion
from defgan.evaluation.change import changes
from defgan.evaluation.fidelity import ASKED, PRESENT, READ, fidelity
from defgan.evaluation.gain import changed_pixels, gain, masked_errors
from defgan.evaluation.images import COUNTED_SET, Edits, Truth
from defgan.evaluation.likeness import psnr, ssim
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.models.deformation import folded_share, to_grid

MEANS = (
    *("psnr", "ssim", "mean_offset", "mean_mask", "folded", *motion.COLUMNS),
    *("change", "background_change", "concentration", "region_share"),
)
"""Columns of which the metrics hold the plain mean."""


ASKED_CHANGE = 0.1
"""Difference between wanted and present intensity from which a unit counts as asked for."""


@dataclass(frozen=True)
class ActionUnits:
    """Intensities aligned with the edits, float32 M×17 in [0, 1]."""

    present: np.ndarray  # x, of the input
    read: np.ndarray  # found in the edit by an independent reader, NaN where it finds no face


def per_image(edits: Edits, inputs: np.ndarray, truth: Truth, identity: np.ndarray, aus: ActionUnits) -> pd.DataFrame:
    """The plan's columns, its AUs under the names of `fidelity.ASKED`, and per edit:

    - `present_AU…`, `read_AU…`: the AUs of the input, and those found in the edit;
    - `identity`: identity distance between the edit and its input (given, shape (M,), of the counted edits only);
    - `err_final`, `err_deformed`, `err_copy`: error of the final image, the deformed image and the input against the
      true image over the pixels that truly change;
    - `psnr` (dB), `ssim`: of the final image against the true one, over the whole crop;
    - `mean_offset`: mean length of the deformation's offsets, pixels at 128 px; `folded`: share of the grid where the
      image folds over; `mean_mask`: mean of ℳ in [0, 1];
    - the columns of `motion.compare_motion`;
    - `change`, `background_change`: mean |edit − input| in shares of full scale, everywhere and outside the face;
    - `concentration`: share of the change inside the regions of the units that are asked to change, and
      `region_share`: those regions' share of the image, which is what a change spread evenly would give.

    NaN where nothing changes, or the truth is not known, or the image does not exist. `inputs` are uint8 M×H×W×3; they
    and the truth are aligned with the edits.
    """
    mask = changed_pixels(inputs, truth.images) & truth.known[:, None, None]
    asked = edits.frame[list(AU_NAMES)].to_numpy(np.float32)
    table = edits.frame.drop(columns=list(AU_NAMES)).assign(
        identity=identity,
        err_final=masked_errors(edits.final, truth.images, mask),
        err_deformed=np.nan,
        err_copy=masked_errors(inputs, truth.images, mask),
        psnr=np.where(truth.known, psnr(edits.final, truth.images), np.nan),
        ssim=np.where(truth.known, ssim(edits.final, truth.images), np.nan),
        mean_offset=np.nan,
        mean_mask=np.nan,
        folded=np.nan,
        **dict.fromkeys(motion.COLUMNS, np.nan),
        **changes(edits.final, inputs, np.abs(asked - aus.present) >= ASKED_CHANGE),
    )
    if edits.deformed is not None:
        table["err_deformed"] = masked_errors(edits.deformed, truth.images, mask)
    if edits.offsets is not None:
        offsets = edits.offsets.astype(np.float32)
        table["mean_offset"] = np.linalg.norm(offsets, axis=-1).mean(axis=(1, 2))
        table["folded"] = [folded_share(to_grid(own[None])).item() for own in torch.from_numpy(offsets)]
        if truth.motion is not None:
            moved = motion.compare_motion(offsets, motion.to_reference(truth.motion))
            table[list(motion.COLUMNS)] = moved.to_numpy()
    if edits.mask is not None:
        table["mean_mask"] = edits.mask.mean(axis=(1, 2)) / 255
    units = {ASKED: asked, PRESENT: aus.present, READ: aus.read}
    return table.join(pd.concat([pd.DataFrame(values, table.index, names) for names, values in units.items()], axis=1))


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
    units = fidelity(table)
    truth = not table["err_copy"].isna().all()
    return {
        "identity": _number(table["identity"].mean()),
        "identity_by_expression": {name: _number(rows["identity"].mean()) for name, rows in by_expression.items()},
        "gain_final": _gain(table, "err_final"),
        "gain_deformed": _gain(table, "err_deformed"),
        "gain_final_by_expression": {name: _gain(rows, "err_final") for name, rows in by_expression.items()},
        "gain_deformed_by_expression": {name: _gain(rows, "err_deformed") for name, rows in by_expression.items()},
        **{name: _number(table[name].mean()) for name in MEANS},
        "au_error": _number(units["error"].mean()),
        "au_icc": _number(units["icc"].mean()),
        "unread": len(table) - int(units["images"].iloc[0]),
        "images": len(table),
        "images_without_change": int(table["err_copy"].isna().sum()) if truth else None,
    }
