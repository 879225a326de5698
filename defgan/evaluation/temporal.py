"""How an edited clip moves, against its truth: what flickers in it, and how near each frame is."""

import numpy as np

from defgan.evaluation.gain import changed_pixels, gain, masked_errors

FLICKER = 5.0
"""Hertz above which a course over time is flicker: heads and expressions move more slowly."""

BLOCK = 4
"""Side of the squares whose means are followed over time, pixels of the aligned crop."""


def flicker(errors: np.ndarray, rate: float, above: float = FLICKER) -> float:
    """The part of an error over time that is faster than `above` hertz, root mean square, in the unit of `errors`.

    `errors`: N×…, edit minus truth in the frame of the face, frame by frame; `rate`: frames per second. A straight line
    from the first frame to the last is taken away before: a spectrum sees a jump between the last and the first.
    """
    flat = np.asarray(errors, np.float64).reshape(len(errors), -1)
    line = np.linspace(0, 1, len(flat))[:, None]
    flat = flat - flat[0] - line * (flat[-1] - flat[0])
    spectrum = np.fft.rfft(flat, axis=0)
    spectrum[np.fft.rfftfreq(len(flat), 1 / rate) <= above] = 0
    return float(np.sqrt(np.mean(np.fft.irfft(spectrum, len(flat), axis=0) ** 2)))


def measure(edits: np.ndarray, inputs: np.ndarray, truth: np.ndarray, rate: float) -> dict[str, float]:
    """Measures of one clip from aligned crops, uint8 N×S×S×3 each, over the pixels that the truth ever changes.

    S must be a multiple of `BLOCK`.

    `gain`: per-frame gain over copying; `temporal_error`: mean absolute difference between the steps from frame to
    frame of edit and truth; `flicker`: see `flicker`. The last two are in units of 0 … 255, of means over squares of
    `BLOCK` pixels: the camera's grain, which an edit moves along with the face, is no flicker.
    """
    masks = changed_pixels(inputs, truth)
    ever = masks.any(axis=0)
    blocks = (len(edits), ever.shape[0] // BLOCK, BLOCK, ever.shape[1] // BLOCK, BLOCK)
    errors = (edits.astype(np.float32) - truth).mean(axis=-1).reshape(blocks).mean(axis=(2, 4))
    errors = errors[:, ever.reshape(blocks[1:]).any(axis=(1, 3))]
    return {
        "gain": gain(masked_errors(edits, truth, masks), masked_errors(inputs, truth, masks)),
        "temporal_error": float(np.abs(np.diff(errors, axis=0)).mean()),
        "flicker": flicker(errors, rate),
    }
