"""Every edit against the true image: gain over copying, PSNR and SSIM."""

import numpy as np
import pandas as pd

from defgan.evaluation.gain import gain
from defgan.evaluation.intervals import draw_people, mean_interval, percentiles, weighted_means
from defgan.evaluation.truth import TRUTH
from defgan.report.markup import score, with_interval
from defgan.report.names import method_name
from defgan.report.significance import ALL
from defgan.report.tables import ENDS, INTERVALS, Measurements, Page, by_expression


def gain_interval(table: pd.DataFrame, column: str) -> tuple[float, float, float]:
    """Gain over copying, a ratio of means, and its 95 % interval, for which whole people are resampled.

    `table` has `subject`, `err_copy` and the errors of an image in `column`. NaN where nothing is known.
    """
    rows = table[table["err_copy"].notna()]
    if rows.empty or rows[column].isna().all():
        return np.nan, np.nan, np.nan
    own, copied = rows[column].to_numpy(np.float64), rows["err_copy"].to_numpy(np.float64)
    weights = draw_people(rows["subject"])
    return gain(own, copied), *percentiles(1 - weighted_means(own, weights) / weighted_means(copied, weights))


def page(measurements: Measurements) -> Page:
    """One row per method and image, final or deformed."""
    rows, numbers = [], []
    for name, table in measurements.counted.items():
        for image, column in (("final", "err_final"), ("deformed", "err_deformed")):
            if name == TRUTH or (image == "deformed" and table[column].isna().all()):
                continue
            gains = {group: gain_interval(own, column) for group, own in by_expression(table).items()}
            likeness = {key: mean_interval(table[key].to_numpy(), table["subject"]) for key in ("psnr", "ssim")}
            if image == "deformed":
                likeness = dict.fromkeys(likeness, (np.nan, np.nan, np.nan))
            rows.append(
                {
                    "method": method_name(name),
                    "image": image,
                    "gain over copying ↑": with_interval(*gains[ALL], 3, "+"),
                    "PSNR, dB ↑": with_interval(*likeness["psnr"], 2),
                    "SSIM ↑": with_interval(*likeness["ssim"], 4),
                    **{f"gain, {group} ↑": score(gains[group][0], 3, "+") for group in gains if group != ALL},
                }
            )
            values = {f"gain_{group}": found for group, found in gains.items()} | likeness
            numbers.append(
                {"method": name, "image": image, "images": len(table)}
                | {f"{key}{end}": found[i] for key, found in values.items() for i, end in enumerate(ENDS)}
            )
    text = (
        "Gain over copying: 1 − err(edit, true image) / err(input, true image) over the pixels that truly change. PSNR "
        f"and SSIM: over the whole crop. {INTERVALS} Copy-input is the baseline of every column. LPIPS is not "
        f"measured: no package contains the weights of its networks. Only rendered faces have true edits. "
        f"{measurements.base}"
    )
    return Page("Edits against the true images", pd.DataFrame(rows), pd.DataFrame(numbers), text)
