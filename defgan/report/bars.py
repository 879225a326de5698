"""Bars with intervals, side by side in groups (Fig. 8, motion, gain)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from defgan.report.style import DARK

_GROUP = 0.8  # width of a group of bars


def offsets(count: int) -> np.ndarray:
    """Places of `count` bars beside each other, relative to their group's, (count,)."""
    return (np.arange(count) - (count - 1) / 2) * _GROUP / count


def bars(axes: Axes, places: np.ndarray, numbers: pd.DataFrame, key: str, width: float, **style: str) -> None:
    """One bar per row of `numbers`, with the interval between its columns KEY_low and KEY_high."""
    values = numbers[key].to_numpy()
    reach = np.abs(numbers[[f"{key}_low", f"{key}_high"]].to_numpy().T - values)
    axes.bar(places, values, width, yerr=reach, error_kw={"elinewidth": 0.9, "ecolor": DARK}, **style)
