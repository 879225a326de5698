"""How much is changed, and where; the averages by expression are the numbers behind Fig. 5."""

import numpy as np
import pandas as pd

from defgan.evaluation.intervals import mean_interval
from defgan.report.markup import score
from defgan.report.names import method_name
from defgan.report.significance import ALL
from defgan.report.tables import ENDS, Measurements, Page, by_expression

COLUMNS = (
    ("mean_mask", "mean mask", 1, 3),
    ("mean_offset", "mean offset, px at 128 px", 1, 2),
    ("folded", "folded grid, %", 100, 2),
    ("change", "change, %", 100, 2),
    ("background_change", "change outside the face, % ↓", 100, 2),
    ("concentration", "change in the AUs' regions, % ↑", 100, 1),
    ("region_share", "area of these regions, %", 100, 1),
)
"""Measure, heading, factor and digits."""


def page(measurements: Measurements) -> Page:
    """One row per method."""
    rows, numbers = [], []
    for name, table in measurements.counted.items():
        found = {key: mean_interval(table[key].to_numpy(np.float64), table["subject"]) for key, *_ in COLUMNS}
        inside = {group: own["concentration"].mean() for group, own in by_expression(table).items() if group != ALL}
        rows.append(
            {
                "method": method_name(name),
                **{label: score(scale * found[key][0], digits) for key, label, scale, digits in COLUMNS},
                **{f"in the regions, {group}, %": score(100 * value, 1) for group, value in inside.items()},
            }
        )
        numbers.append(
            {"method": name, "images": len(table)}
            | {f"{key}{end}": values[i] for key, values in found.items() for i, end in enumerate(ENDS)}
            | {f"concentration_{group}": value for group, value in inside.items()}
        )
    text = (
        "Mean mask: 0 keeps the (deformed) input, 1 replaces it. Folded grid: the share of the image where the grid "
        "turns it over. Change: mean |edit − input| of full scale. Outside the face: outside an ellipse on the "
        "alignment template. Change in the AUs' regions (Fig. 5): the share of the change inside the facial regions of "
        "the AUs that the target changes by 0.1 or more. If the change were spread evenly, this share would be "
        f"the area of the regions. {measurements.base}"
    )
    return Page("How much is changed, and where", pd.DataFrame(rows), pd.DataFrame(numbers), text)
