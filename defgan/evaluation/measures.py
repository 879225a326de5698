"""One row of measurements per edit, and the metrics that summarise them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from defgan.evaluation import motion
from defgan.evaluation.change import changes
from defgan.evaluation.edits import COUNTED_SET, Edits
from defgan.evaluation.fidelity import ASKED, PREDICTED, PRESENT, fidelity
from defgan.evaluation.gain import changed_pixels, gain, masked_errors
from defgan.evaluation.likeness import psnr, ssim
from defgan.evaluation.truth import Truth
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.warp import folded_share, to_grid

MEANS = (
    *("psnr", "ssim", "mean_offset", "mean_mask", "folded", *motion.COLUMNS),
    *("change", "background_change", "concentration", "region_share"),
)
"""Columns whose plain mean is a metric."""
ASKED_CHANGE = 0.1
"""Difference between target and present intensity from which an AU counts as asked to change."""


@dataclass(frozen=True)
class ActionUnits:
    """Intensities aligned with the edits, float32 M×17 in [0, 1]."""

    present: np.ndarray  # x, of the input
    predicted: np.ndarray  # on the edit, by an independent estimator; NaN where it finds no face


def per_image(edits: Edits, inputs: np.ndarray, truth: Truth, identity: np.ndarray, aus: ActionUnits) -> pd.DataFrame:
    """The plan's columns, its AUs under the names of `fidelity.ASKED`, and per edit:

    - `present_AU…`, `predicted_AU…`: the AUs of the input, and those predicted on the edit;
    - `identity`: identity distance between the edit and its input, as given: (M,), NaN where the edit does not count;
    - `err_final`, `err_deformed`, `err_copy`: error of the final image, the deformed image and the input against the
      true image over the pixels that truly change;
    - `psnr` (dB), `ssim`: of the final image against the true one, over the whole crop;
    - `mean_offset`: mean length of the deformation's offsets, pixels at 128 px; `folded`: share of the grid where the
      image folds over; `mean_mask`: mean of ℳ in [0, 1];
    - the columns of `motion.compare_motion`;
    - `change`, `background_change`: mean |edit − input| in shares of full scale, everywhere and outside the face;
    - `concentration`: share of the change inside the regions of the AUs that are asked to change;
    - `region_share`: share of the image that these regions fill, which an evenly spread change would score.

    NaN where nothing changes, where the truth is not known, and where the method makes no such image. `inputs` are
    uint8 M×H×W×3; they and the truth are aligned with the edits.
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
    units = {ASKED: asked, PRESENT: aus.present, PREDICTED: aus.predicted}
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
        "images_without_face": len(table) - int(units["images"].iloc[0]),
        "images": len(table),
        "images_without_change": int(table["err_copy"].isna().sum()) if truth else None,
    }
