"""What a prepared role is like: a contact sheet with the AUs of each face, their distribution, and a data card.

An AU is active where its intensity is at least `ACTIVE`, FACS' level B on the scale [0, 1].
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from defgan.facs import ACTION_UNITS, AU_NAMES
from defgan.pixels import tile
from defgan.report.style import figure_style, save
from defgan.spacing import spread

ACTIVE = 0.2
COLUMNS, ROWS = 10, 6
CELL = 96
"""Side of a face on the contact sheet, pixels."""
BAR = 5
"""Width of an AU's bar, pixels; 17 of them and margins are the width of a face."""
BAR_HEIGHT = 28
_BAR_COLOUR, _GROUND, _WHITE = (0, 114, 178), (228, 228, 228), 255


def face_cell(face: np.ndarray, aus: np.ndarray) -> np.ndarray:
    """A crop, uint8 H×H×3, over the bars of its AUs, (17,) in [0, 1]; uint8 of CELL + BAR_HEIGHT + 6 by CELL + 4."""
    import cv2

    cell = np.full((CELL + BAR_HEIGHT + 6, CELL + 4, 3), _WHITE, np.uint8)
    smaller = face.shape[0] > CELL
    cell[:CELL, 2 : 2 + CELL] = cv2.resize(
        face, (CELL, CELL), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    )
    left = 2 + (CELL - BAR * len(aus)) // 2
    for index, intensity in enumerate(aus):
        bar = cell[CELL + 2 : CELL + 2 + BAR_HEIGHT, left + BAR * index : left + BAR * (index + 1) - 1]
        bar[:] = _GROUND
        height = round(BAR_HEIGHT * float(intensity))
        bar[BAR_HEIGHT - height :] = _BAR_COLOUR
    return cell


def contact_sheet(frame: pd.DataFrame, pixels: np.ndarray, title: str) -> Figure:
    """Evenly spaced faces of a role, each with its AUs; `frame` and `pixels` (N×H×H×3, uint8) are those of the role."""
    rows = frame.sort_values("row").iloc[spread(len(frame), COLUMNS * ROWS)]
    cells = [
        face_cell(pixels[row], aus)
        for row, aus in zip(rows["row"], rows[list(AU_NAMES)].to_numpy(np.float32), strict=True)
    ]
    sheet = tile(cells, min(COLUMNS, len(cells)))
    height, width = sheet.shape[:2]
    figure = Figure(figsize=(width / 150, height / 150 + 0.44))
    axes = figure.add_axes((0, 0, 1, height / (height + 66)))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_axis_off()
    figure.text(0.01, 1 - 0.06 / (height / 150 + 0.44), title, ha="left", va="top", fontsize=9)
    figure.text(
        0.01, 1 - 0.25 / (height / 150 + 0.44),
        f"bars, left to right, 0 to 1: {' '.join(name.removeprefix('AU') for name in AU_NAMES)}",
        ha="left", va="top", fontsize=7,
    )  # fmt: skip
    return figure


def au_figure(aus: np.ndarray, title: str) -> Figure:
    """Histogram of each AU's intensities, N×17 in [0, 1], and which AUs are active together."""
    figure = Figure(figsize=(11, 5.2))
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
    axes = left.subplots(5, 4, sharex=True)
    for axis, name, values in zip(axes.flat, AU_NAMES, aus.T, strict=False):
        axis.hist(values, np.linspace(0, 1, 21), weights=np.full(len(values), 100 / len(values)), color="#0072B2")
        axis.set_title(f"{name} {ACTION_UNITS[name]}", fontsize=6.5, pad=2)
        axis.tick_params(labelsize=6)
        axis.set_xticks([0, 0.5, 1])
    for axis in axes.flat[len(AU_NAMES) :]:
        axis.set_axis_off()
    for axis in axes.flat[len(AU_NAMES) - 4 : len(AU_NAMES)]:
        axis.tick_params(labelbottom=True)
    left.suptitle(f"{title}: intensities, % of faces", fontsize=9)
    left.subplots_adjust(hspace=0.65, wspace=0.35, left=0.06, right=0.98, bottom=0.06, top=0.88)
    axis = right.subplots()
    image = axis.imshow(100 * co_occurrence(aus), cmap="Blues", vmin=0, vmax=100)
    labels = [name.removeprefix("AU") for name in AU_NAMES]
    axis.set_xticks(range(len(labels)), labels, fontsize=7)
    axis.set_yticks(range(len(labels)), AU_NAMES, fontsize=7)
    axis.grid(False)
    axis.set_xlabel("… in which this one is active too", fontsize=8)
    axis.set_title(f"% of the faces in which an AU is active (≥ {ACTIVE:g}) …", fontsize=9)
    right.colorbar(image, ax=axis, shrink=0.8)
    return figure


def co_occurrence(aus: np.ndarray) -> np.ndarray:
    """17×17: of the faces in which the row's AU is active the share in which the column's is; NaN where none is."""
    active = (np.asarray(aus) >= ACTIVE).astype(np.float64)
    together, alone = active.T @ active, active.sum(0)
    return np.divide(together, alone[:, None], out=np.full_like(together, np.nan), where=alone[:, None] > 0)


def card(
    role: str, origin: str, frame: pd.DataFrame, rejects: pd.DataFrame, sizes: list[tuple[int, int]],
    skipped: Mapping[str, int] = MappingProxyType({}),
) -> str:  # fmt: skip
    """The data card of a role, Markdown.

    Args:
        role: its name.
        origin: a sentence: where the photographs are and how they were read.
        frame: the role's faces.
        rejects: the photographs that gave no face, with `reason`.
        sizes: (width, height) of some photographs, pixels.
        skipped: how many files were no inputs, by reason.
    """
    counts = Counter(reason.split(":")[0] for reason in rejects["reason"])
    box = frame[["box_x0", "box_y0", "box_x1", "box_y1"]].to_numpy(float)
    sides = np.minimum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    lines = [
        f"# Data card: {role}",
        "",
        origin,
        "",
        f"![{role}: faces with their action units]({role}.png)",
        "",
        "| | |",
        "|---|---|",
        f"| inputs | {len(frame) + len(rejects)} |",
        f"| faces | {len(frame)} of {frame['subject'].nunique()} subjects |",
        f"| rejected | {len(rejects)} |",
        *(f"| faces of split `{name}` | {count} |" for name, count in sorted(Counter(frame["split"]).items())),
        *(f"| expression {name or 'unknown'} | {n} |" for name, n in sorted(Counter(frame["expression"]).items())),
        f"| side of a face, pixels of the photograph | {_range(sides)} |",
    ]
    if sizes:
        widths, heights = np.array(sizes).T
        lines.append(
            f"| width × height of photographs ({len(sizes)} looked at) | {_range(widths)} × {_range(heights)} |"
        )
    if counts:
        lines += ["", "| rejected because | photographs |", "|---|--:|"]
        lines += [f"| {reason} | {count} |" for reason, count in counts.most_common()]
    if skipped:
        lines += ["", "| skipped, no input | files |", "|---|--:|"]
        lines += [f"| {reason} | {count} |" for reason, count in skipped.items()]
    lines += ["", f"![{role}: intensities and co-occurrence]({role}_aus.png)", ""]
    lines += [f"| AU | | mean | median | active (≥ {ACTIVE:g}) | at 0 | at 1 |", "|---|---|--:|--:|--:|--:|--:|"]
    for name in AU_NAMES:
        values = frame[name].to_numpy(float)
        shares = (np.mean(values >= ACTIVE), np.mean(values <= 0), np.mean(values >= 1))
        shown = " | ".join(f"{100 * share:.0f} %" for share in shares)
        lines.append(f"| {name} | {ACTION_UNITS[name]} | {values.mean():.2f} | {np.median(values):.2f} | {shown} |")
    return "\n".join(lines) + "\n"


def _range(values: np.ndarray) -> str:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"{middle:.0f} ({low:.0f} to {high:.0f})" if round(low) < round(high) else f"{middle:.0f}"


def write_card(
    directory: Path, role: str, origin: str, frame: pd.DataFrame, pixels: np.ndarray, rejects: pd.DataFrame,
    sizes: list[tuple[int, int]], skipped: Mapping[str, int] = MappingProxyType({}),
) -> list[Path]:  # fmt: skip
    """Write ROLE.md, ROLE.png and ROLE_aus.png to a directory; returns the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    title = f"{role}: {len(frame)} faces of {frame['subject'].nunique()} subjects, {len(rejects)} rejected"
    with figure_style():
        paths = save(contact_sheet(frame, pixels, title), directory, role, photographs=True)
        paths += save(
            au_figure(frame[list(AU_NAMES)].to_numpy(np.float64), role), directory, f"{role}_aus", photographs=True
        )
    path = directory / f"{role}.md"
    path.write_text(card(role, origin, frame, rejects, sizes, skipped), encoding="utf-8")
    return [path, *paths]
