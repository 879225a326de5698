"""Does deformation find the real motion? End-point error and direction of the deformation grids."""

import numpy as np
import pandas as pd

from defgan import methods
from defgan.evaluation.intervals import mean_interval
from defgan.facs import ACTION_UNITS, AU_NAMES
from defgan.methods import registry
from defgan.report.markup import score, with_interval
from defgan.report.names import join
from defgan.report.tables import AU_SET, ENDS, INTERVALS, Measurements, Page, by_expression

MEASURES = ("epe", "epe_still", "motion_cosine", "motion_share")


def numbers_of(measurements: Measurements, name: str) -> pd.DataFrame:
    """The motion of one method, by expression and over all, and by AU where single AUs are edited.

    Columns: `set`, `group`, `images`, and those of `evaluation.motion.compare_motion` with `_low` and `_high`.
    """
    single = measurements.every[name]
    single = single[(single["set"] == AU_SET) & (single["alpha"] > 0)]
    groups = [("expressions", group, rows) for group, rows in by_expression(measurements.counted[name]).items()]
    groups += [(AU_SET, au, single[single["expression"] == au]) for au in AU_NAMES if len(single)]
    rows = []
    for set_name, group, own in groups:
        row = {"set": set_name, "group": group, "images": int(own["epe"].notna().sum())}
        for key in MEASURES:
            found = mean_interval(own[key].to_numpy(np.float64), own["subject"])
            row |= {f"{key}{end}": value for end, value in zip(ENDS, found, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def page(measurements: Measurements) -> Page:
    """All methods that deform."""
    shown = [method for method in registry.every() if method.deforms]
    numbers = pd.concat(
        [numbers_of(measurements, method.name).assign(method=method.name) for method in shown], ignore_index=True
    )
    numbers.insert(0, "method", numbers.pop("method"))
    blind = join(method.label for method in shown if not method.supervised)
    rows = [
        {
            "method": methods.get(row["method"]).title,
            "asked": f"{row['group']} {ACTION_UNITS.get(row['group'], '')}".strip(),
            "images": str(row["images"]),
            "end-point error, px ↓": with_interval(*(row[f"epe{end}"] for end in ENDS), 3),
            "no motion, px": score(row["epe_still"], 3),
            "error removed, % ↑": score(100 * (1 - row["epe"] / row["epe_still"]), 1, "+"),
            "cosine ↑": with_interval(*(row[f"motion_cosine{end}"] for end in ENDS), 3, "+"),
            "share of the true motion": score(row["motion_share"], 2, "+"),
        }
        for row in numbers.to_dict("records")
    ]
    text = (
        f"The deformation grid of {join(method.label for method in shown)} against the rendered motion of the skin "
        "that is visible in both the input and the true image, in pixels at 128 px. No motion: the error of a grid "
        "that moves nothing. Cosine: between the two directions, weighted by the true length. Share: Σ grid · true / "
        f"Σ ‖true‖². Rows by AU: single-AU edits at all intensities. {INTERVALS} The training of "
        f"{blind} sees no true motion. {measurements.base}"
    )
    return Page("Motion of the deformation grid against the true motion", pd.DataFrame(rows), numbers, text)
