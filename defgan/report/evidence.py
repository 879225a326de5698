"""The tables beyond Table 1, made of the measurements of every edit (data/evaluation): one function per table.

`measured` maps methods, and `truth` for the true images where they are known, to the counted edits' rows; `sweeps` to
all rows. `base` is the sentence that names the data and the networks. Every function returns a `tables.Page`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from defgan.evaluation.fidelity import READER, alpha_response, cross_talk, fidelity
from defgan.evaluation.gain import gain
from defgan.evaluation.images import TRUTH
from defgan.evaluation.intervals import draw_people, mean_interval, percentiles, weighted_means
from defgan.evaluation.significance import ALL, compare_pairs
from defgan.facs import ACTION_UNITS, AU_NAMES, EXPRESSIONS
from defgan.report.tables import Page, method_name, score, with_interval

Measured = Mapping[str, pd.DataFrame]

INTERVALS = "In brackets: 95 % bootstrap intervals over people."
SWEEP_SET, AU_SET = "sweep", "au"
TOLD_AUS = ("ganimation", "defgan", TRUTH)
"""What single AUs can be asked of: copying does nothing, StarGAN is told the name of an expression."""


def _groups(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows by expression, and all of them."""
    own = {name: table[table["expression"] == name] for name in EXPRESSIONS}
    return {name: rows for name, rows in own.items() if len(rows)} | {ALL: table}


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def identity_page(measured: Measured, distance: str, base: str) -> Page:
    """Fig. 3 and 8 as numbers: DefGAN against GANimation by expression, paired per image."""
    pairs = compare_pairs(measured["defgan"], measured["ganimation"])
    others = [name for name in measured if name not in ("copy", "defgan", "ganimation")]
    rows = []
    for row, (name, _) in zip(pairs.to_dict("records"), _groups(measured["defgan"]).items(), strict=True):
        means = {other: _groups(measured[other])[name]["identity"].mean() for other in others}
        improvement = (100 * row[f"improvement{end}"] for end in ("", "_low", "_high"))
        rows.append(
            {
                "expression": name,
                "images": str(row["images"]),
                "GANimation ↓": with_interval(row["second"], row["second_low"], row["second_high"], 4),
                "DefGAN ↓": with_interval(row["first"], row["first_low"], row["first_high"], 4),
                "relative improvement, % ↑": with_interval(*improvement, 1, "+"),
                "p (Wilcoxon, Holm)": _p(row["p_holm"]),
                **{f"{method_name(other)} ↓": score(value, 4) for other, value in means.items()},
            }
        )
    numbers = pairs.rename(columns=lambda c: c.replace("first", "defgan").replace("second", "ganimation"))
    text = (
        f"Identity distance between edit and input, {distance} (in place of the paper's OpenFace), by expression; the "
        "same faces and targets for all methods, paired image by image. Copy-input has 0 by definition. Relative "
        f"improvement: 1 − DefGAN / GANimation, of the means. {INTERVALS} p: two-sided Wilcoxon signed-rank test of "
        "DefGAN against GANimation, Holm-corrected for six expressions; over all expressions the test is of the "
        f"people's means. {base}"
    )
    return Page("Identity distance by expression", pd.DataFrame(rows), numbers, text)


def _gain_interval(table: pd.DataFrame, column: str) -> tuple[float, float, float]:
    rows = table[table["err_copy"].notna()]
    if rows.empty or rows[column].isna().all():
        return np.nan, np.nan, np.nan
    own, copied = rows[column].to_numpy(), rows["err_copy"].to_numpy()
    weights = draw_people(rows["subject"])
    return gain(own, copied), *percentiles(1 - weighted_means(own, weights) / weighted_means(copied, weights))


def truth_page(measured: Measured, base: str) -> Page:
    """Every edit against the true image: gain over copying, PSNR and SSIM."""
    rows, numbers = [], []
    for name, table in measured.items():
        for image, column in (("final", "err_final"), ("deformed", "err_deformed")):
            if name == TRUTH or (image == "deformed" and table[column].isna().all()):
                continue
            gains = {group: _gain_interval(own, column) for group, own in _groups(table).items()}
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
                | {f"{key}{end}": v[i] for key, v in values.items() for i, end in enumerate(("", "_low", "_high"))}
            )
    text = (
        "Gain over copying: 1 − err(edit, true image) / err(input, true image) over the pixels that truly change; PSNR "
        f"and SSIM over the whole crop. {INTERVALS} Copy-input is the baseline of every column. LPIPS is not measured: "
        f"its networks' weights come in no package. Only rendered faces have true edits. {base}"
    )
    return Page("Edits against the true images", pd.DataFrame(rows), pd.DataFrame(numbers), text)


def motion_numbers(measured: Measured, sweeps: Measured) -> pd.DataFrame:
    """DefGAN's motion against the true one, by expression and over all, and by AU where single AUs are edited.

    Columns: `set`, `group`, `images`, and the columns of `motion.compare_motion` with `_low` and `_high`.
    """
    single = sweeps["defgan"]
    single = single[(single["set"] == AU_SET) & (single["alpha"] > 0)]
    groups = [("expressions", name, rows) for name, rows in _groups(measured["defgan"]).items()]
    groups += [(AU_SET, name, single[single["expression"] == name]) for name in AU_NAMES if len(single)]
    rows = []
    for set_name, name, own in groups:
        row = {"set": set_name, "group": name, "images": int(own["epe"].notna().sum())}
        for key in ("epe", "epe_still", "motion_cosine", "motion_share"):
            found = mean_interval(own[key].to_numpy(np.float64), own["subject"])
            row |= dict(zip((key, f"{key}_low", f"{key}_high"), found, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def motion_page(measured: Measured, sweeps: Measured, base: str) -> Page:
    """Does self-supervised deformation find the real motion? End-point error and direction of DefGAN's grid."""
    numbers = motion_numbers(measured, sweeps)
    rows = [
        {
            "asked": f"{row['group']} {ACTION_UNITS.get(row['group'], '')}".strip(),
            "images": str(row["images"]),
            "end-point error, px ↓": with_interval(row["epe"], row["epe_low"], row["epe_high"], 3),
            "no motion, px": score(row["epe_still"], 3),
            "error removed, % ↑": score(100 * (1 - row["epe"] / row["epe_still"]), 1, "+"),
            "cosine ↑": with_interval(*(row[f"motion_cosine{end}"] for end in ("", "_low", "_high")), 3, "+"),
            "share of the true motion": score(row["motion_share"], 2, "+"),
        }
        for row in numbers.to_dict("records")
    ]
    text = (
        "DefGAN's deformation grid against the rendered motion of the skin that is seen in input and true image, in "
        "pixels at 128 px. No motion: the error of a grid that moves nothing. Cosine: of the two directions, weighted "
        "by the true length. Share: Σ grid · true / Σ ‖true‖². Rows by AU: single-AU edits at all intensities. "
        f"{INTERVALS} The method never sees this motion. {base}"
    )
    return Page("Motion of DefGAN's grid against the true motion", pd.DataFrame(rows), numbers, text)


def fidelity_numbers(measured: Measured, sweeps: Measured) -> pd.DataFrame:
    """Per method and AU: `error`, `icc`, and slope and R² of the reading in that AU's sweeps where there are any."""
    frames = []
    for name, table in measured.items():
        found = fidelity(table).assign(method=name)
        lines = cross_talk(sweeps[name][sweeps[name]["set"] == AU_SET])
        own = lines[lines["asked"] == lines["read"]].set_index("asked")
        frames.append(found.assign(slope=found["au"].map(own["slope"]), r2=found["au"].map(own["r2"])))
    return pd.concat(frames, ignore_index=True)[["method", "au", "error", "icc", "slope", "r2", "images"]]


def fidelity_page(measured: Measured, sweeps: Measured, base: str) -> Page:
    """AU fidelity: intensity error, ICC and control of every AU, read by an independent reader."""
    numbers = fidelity_numbers(measured, sweeps)
    wide = {key: numbers.pivot(index="au", columns="method", values=key) for key in ("error", "icc", "slope", "r2")}
    wide = {key: pd.concat([table, table.mean().to_frame("mean").T]) for key, table in wide.items()}
    rows = []
    for au in (*AU_NAMES, "mean"):
        row = {"AU": f"{au} {ACTION_UNITS.get(au, '')}".strip()}
        for key, label, sign in (("error", "error ↓", ""), ("icc", "ICC(3,1) ↑", "+"), ("slope", "slope", "+")):
            for name in measured:
                if key != "slope" or name in TOLD_AUS:
                    row[f"{label} {method_name(name)}"] = score(wide[key].loc[au, name], 2, sign)
        rows.append(row)
    text = (
        f"Action units asked for against those that an independent reader ({READER}, in place of OpenFace 2; not the "
        "critic) finds in the edit. Error: mean absolute difference on the scale [0, 1]. ICC(3,1): Shrout and Fleiss "
        "(1979), consistency. Slope: change of the reading per unit asked, in the single-AU sweeps (1 is ideal). The "
        "columns of the true image are the reader's own: what it says of a perfect edit; where their ICC is low, the "
        f"reader does not see that unit. {base}"
    )
    return Page("AU fidelity", pd.DataFrame(rows), numbers, text)


def control_page(sweeps: Measured, base: str) -> Page:
    """Control linearity: the response of the reading to α."""
    rows, numbers = [], []
    for name, table in sweeps.items():
        found = alpha_response(table[table["set"] == SWEEP_SET])
        numbers.append({"method": name, **found._asdict()})
        cells = {"slope": score(found.slope, 2, "+"), "R² ↑": score(found.r2, 2), "points": str(found.points)}
        rows.append({"method": method_name(name), **cells})
    text = (
        f"Response to α in the sweeps of Fig. 1: the reading ({READER}) projected on the asked-for change of the AUs, "
        "against α, about each face's own mean. Slope 1 and R² 1: what is asked is what is read, in proportion. The "
        f"true image shows the reader's own share. {base}"
    )
    return Page("Control linearity", pd.DataFrame(rows), pd.DataFrame(numbers), text)


def cross_talk_numbers(sweeps: Measured) -> pd.DataFrame:
    """`fidelity.cross_talk` of what single AUs can be asked of, with a column `method`."""
    told = {name: table for name, table in sweeps.items() if name in TOLD_AUS}
    frames = [cross_talk(table[table["set"] == AU_SET]).assign(method=name) for name, table in told.items()]
    return pd.concat(frames, ignore_index=True)[["method", "asked", "read", "slope", "r2", "points"]]


def cross_talk_page(sweeps: Measured, base: str) -> Page:
    """Which other AUs move when one is asked for."""
    numbers, rows = cross_talk_numbers(sweeps), []
    for (name, asked), own in numbers.groupby(["method", "asked"], sort=False):
        slopes = own.set_index("read")["slope"]
        cells = {read.removeprefix("AU"): score(slopes[read], 2, "+") for read in AU_NAMES}
        rows.append({"method": method_name(name), "asked": asked, **cells})
    table = pd.DataFrame(rows, columns=["method", "asked", *(name.removeprefix("AU") for name in AU_NAMES)])
    text = (
        f"Change of the reading ({READER}) of every AU (columns) per unit of the one AU that is asked for (rows), in "
        "single-AU sweeps; the diagonal should be 1, the rest 0, but for the reader's own cross-talk, which the rows "
        f"of the true image show. {base}"
    )
    return Page("Cross-talk between action units", table, numbers, text)


LAZINESS = (
    ("mean_mask", "mean mask", 1, 3),
    ("mean_offset", "mean offset, px at 128 px", 1, 2),
    ("folded", "folded grid, %", 100, 2),
    ("change", "change, %", 100, 2),
    ("background_change", "change outside the face, % ↓", 100, 2),
    ("concentration", "change in the AUs' regions, % ↑", 100, 1),
    ("region_share", "area of these regions, %", 100, 1),
)


def laziness_page(measured: Measured, base: str) -> Page:
    """How much a method does, where, and what it damages; and by expression the number behind Fig. 5."""
    rows, numbers = [], []
    for name, table in measured.items():
        found = {key: mean_interval(table[key].to_numpy(np.float64), table["subject"]) for key, *_ in LAZINESS}
        by_expression = {group: own["concentration"].mean() for group, own in _groups(table).items() if group != ALL}
        rows.append(
            {
                "method": method_name(name),
                **{label: score(scale * found[key][0], digits) for key, label, scale, digits in LAZINESS},
                **{f"in the regions, {group}, %": score(100 * value, 1) for group, value in by_expression.items()},
            }
        )
        numbers.append(
            {"method": name, "images": len(table)}
            | {f"{key}{end}": v[i] for key, v in found.items() for i, end in enumerate(("", "_low", "_high"))}
            | {f"concentration_{group}": value for group, value in by_expression.items()}
        )
    text = (
        "Mean mask: 0 keeps the (deformed) input, 1 replaces it. Folded: where the grid turns the image over. Change: "
        "mean |edit − input| of full scale; outside the face: outside an ellipse on the alignment template. Change in "
        "the AUs' regions (Fig. 5): the share of the change that falls into the facial regions of the AUs that are "
        f"asked to change by 0.1 or more; a change spread evenly would have the regions' area. {base}"
    )
    return Page("Laziness and damage", pd.DataFrame(rows), pd.DataFrame(numbers), text)
