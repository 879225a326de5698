"""AU fidelity: are the target AUs those that an independent estimator predicts for the edits?"""

import pandas as pd

from defgan.evaluation.fidelity import ESTIMATOR, cross_talk, fidelity
from defgan.evaluation.truth import TRUTH
from defgan.facs import ACTION_UNITS, AU_NAMES
from defgan.methods.registry import told_aus
from defgan.report.markup import score
from defgan.report.names import method_name
from defgan.report.tables import AU_SET, Measurements, Page


def fidelity_numbers(measurements: Measurements) -> pd.DataFrame:
    """Per method and AU: `error`, `icc`, and slope and R² of the prediction where that AU is edited alone."""
    frames = []
    for name, table in measurements.counted.items():
        found = fidelity(table).assign(method=name)
        every = measurements.every[name]
        lines = cross_talk(every[every["set"] == AU_SET])
        own = lines[lines["asked"] == lines["predicted"]].set_index("asked")
        frames.append(found.assign(slope=found["au"].map(own["slope"]), r2=found["au"].map(own["r2"])))
    return pd.concat(frames, ignore_index=True)[["method", "au", "error", "icc", "slope", "r2", "images"]]


def page(measurements: Measurements) -> Page:
    """Intensity error, ICC and slope of every AU, and their means."""
    numbers = fidelity_numbers(measurements)
    sloped = {TRUTH, *(method.name for method in told_aus())}  # single AUs cannot be asked of the others
    wide = {key: numbers.pivot(index="au", columns="method", values=key) for key in ("error", "icc", "slope")}
    wide = {key: pd.concat([table, table.mean().to_frame("mean").T]) for key, table in wide.items()}
    rows = []
    for au in (*AU_NAMES, "mean"):
        row = {"AU": f"{au} {ACTION_UNITS.get(au, '')}".strip()}
        for key, label, sign in (("error", "error ↓", ""), ("icc", "ICC(3,1) ↑", "+"), ("slope", "slope", "+")):
            for name in measurements.counted:
                if key != "slope" or name in sloped:
                    row[f"{label} {method_name(name)}"] = score(wide[key].loc[au, name], 2, sign)
        rows.append(row)
    text = (
        f"Target AUs against the AUs that an independent estimator ({ESTIMATOR}, in place of OpenFace 2; not the "
        "discriminator) predicts for the edits. Error: mean absolute difference on the scale [0, 1]. ICC(3,1): Shrout "
        "and Fleiss (1979), consistency. Slope: how much the prediction changes when the target changes by 1, in the "
        "single-AU edits (1 is ideal). The columns of the true image show the estimator's own limit: what it predicts "
        f"for a perfect edit. Where their ICC is low, the estimator cannot see that AU. {measurements.base}"
    )
    return Page("AU fidelity", pd.DataFrame(rows), numbers, text)
