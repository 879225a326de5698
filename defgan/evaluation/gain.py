"""Gain over copying: how much closer an edit is to the true image than the untouched input is.

gain = 1 − mean_i err(edit_i, true_i) / mean_i err(input_i, true_i), where err is the mean absolute error over the
pixels that truly change. A perfect edit scores 1, the untouched input 0; a negative gain is worse than no edit. The
gain is known only where the true image is, that is on the embedded corpus.
"""

import numpy as np

CHANGE_THRESHOLD = 0.04
"""Share of full scale by which any channel must differ for a pixel to count as changed."""
DILATION = 1 / 16
"""Dilation of the changed pixels to each side, by a box, in shares of the image's side."""


def changed_pixels(inputs: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Where the true image differs from the input, dilated; uint8 N×H×W×3 twice to bool N×H×W."""
    from scipy.ndimage import maximum_filter  # takes a second to import

    difference = np.abs(inputs.astype(np.int16) - true).max(axis=-1)
    reach = round(inputs.shape[1] * DILATION)
    return maximum_filter(difference > CHANGE_THRESHOLD * 255, size=(1, 2 * reach + 1, 2 * reach + 1), mode="constant")


def masked_errors(images: np.ndarray, true: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean absolute error over the masked pixels of each image in shares of full scale, float64 (N,).

    uint8 N×H×W×3 twice and bool N×H×W; NaN for an image whose mask is empty.
    """
    error = np.abs(images.astype(np.int16) - true).mean(axis=-1) / 255
    pixels = mask.sum(axis=(1, 2))
    return np.divide((error * mask).sum(axis=(1, 2)), pixels, out=np.full(len(mask), np.nan), where=pixels > 0)


def gain(edit_errors: np.ndarray, input_errors: np.ndarray) -> float | None:
    """Gain over copying of a set of images, both (N,). Leaves out NaN (nothing changes); None if nothing is left."""
    measured = ~np.isnan(input_errors)
    if not measured.any():
        return None
    return float(1 - edit_errors[measured].mean() / input_errors[measured].mean())
