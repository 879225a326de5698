"""Motion truth: does DefGAN's grid move the skin as the face truly moves? (embedded corpus only)

Both motions are backward flows: pixel p of the edit, or of the true image, comes from p + flow(p) of the input. Only
skin that is seen in both images counts.
"""

import numpy as np
import pandas as pd

from defgan.warp import REFERENCE_SIZE

COLUMNS = ("epe", "epe_still", "motion_cosine", "motion_share")


def to_reference(flow: np.ndarray) -> np.ndarray:
    """Flow in crop pixels, M×H×W×2, to pixels at 128 px, float32."""
    return flow.astype(np.float32) * (REFERENCE_SIZE / flow.shape[2])


def compare_motion(offsets: np.ndarray, true: np.ndarray) -> pd.DataFrame:
    """Offsets of the grid against the true flow, both M×H×W×2 in pixels at 128 px; NaN in `true` where nothing counts.

    One row per image, float64:

    - `epe`: end-point error, the mean length of offset − flow (Otte and Nagel, 1994);
    - `epe_still`: end-point error of a grid that moves nothing, which is the mean length of the flow;
    - `motion_cosine`: mean cosine between the two directions, weighted by the length of the flow, 0 where the grid does
      not move;
    - `motion_share`: Σ offset · flow / Σ |flow|², the share of the true motion that the grid makes; 1 is all of it.

    NaN for an image where no pixel counts; the last two also where nothing truly moves.
    """
    counted = ~np.isnan(true).any(-1)
    true = np.where(counted[..., None], true, 0).astype(np.float64)
    offsets = np.where(counted[..., None], offsets, 0).astype(np.float64)
    pixels = counted.sum((1, 2))
    length, own = np.linalg.norm(true, axis=-1), np.linalg.norm(offsets, axis=-1)
    along = (offsets * true).sum(-1)

    def ratio(values: np.ndarray, total: np.ndarray) -> np.ndarray:
        total = total.astype(np.float64)
        return np.divide(values, total, out=np.full(len(total), np.nan), where=total > 0)

    projected = np.divide(along, own, out=np.zeros_like(own), where=own > 0)
    columns = (
        ratio(np.linalg.norm(offsets - true, axis=-1).sum((1, 2)), pixels),
        ratio(length.sum((1, 2)), pixels),
        ratio(projected.sum((1, 2)), length.sum((1, 2))),
        ratio(along.sum((1, 2)), (length**2).sum((1, 2))),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
