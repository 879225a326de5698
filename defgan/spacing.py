"""Even spacing: which of many items are shown or looked at, where all of them are too many."""

import numpy as np


def spread(count: int, most: int) -> np.ndarray:
    """At most `most` indices below `count`, ascending and evenly spaced, int of shape (N,); the ends are among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
