"""What an edit changes, and where: numbers for what the difference images show (Fig. 5, 13, 14)."""

import numpy as np

from defgan.evaluation.regions import face_mask, regions_of


def changes(images: np.ndarray, inputs: np.ndarray, asked: np.ndarray) -> dict[str, np.ndarray]:
    """`change`, `background_change`, `concentration` and `region_share` of each edit, float64 (M,).

    `images` and `inputs` are uint8 M×H×W×3; `asked`, bool M×17, says which AUs are asked to change.
    `measures.per_image` defines the four numbers. `concentration` is NaN where nothing is asked or nothing changes,
    `region_share` where nothing is asked.
    """
    difference = np.abs(images.astype(np.int16) - inputs).mean(axis=-1) / 255
    regions = regions_of(asked, images.shape[1])
    total = difference.sum(axis=(1, 2))
    inside = (difference * regions).sum(axis=(1, 2))
    some = asked.any(axis=1)
    share = np.divide(inside, total, out=np.full(len(total), np.nan), where=some & (total > 0))
    return {
        "change": difference.mean(axis=(1, 2)),
        "background_change": difference[:, ~face_mask(images.shape[1])].mean(axis=1),
        "concentration": share,
        "region_share": np.where(some, regions.mean(axis=(1, 2)), np.nan),
    }
