"""The table and the figure of the ablations, from the metrics of the experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from defgan.methods import get
from defgan.report.markup import NO_TRUTH, NOT_AVAILABLE, measures
from defgan.report.style import lighter
from tools.ablation_params import Ablation

FORMATS = MappingProxyType(
    {
        "frechet": ".2f",
        "identity": ".4f",
        "gain_final": "+.3f",
        "gain_deformed": "+.3f",
        "mean_offset": ".2f",
        "mean_mask": ".3f",
    }
)
"""The measures of the table in its order, with their formats."""
COMPARED = ("frechet", "identity", "gain_final", "gain_deformed")
"""The measures whose difference from the full model is shown."""


@dataclass(frozen=True)
class Row:
    """One ablation and what its experiment measured."""

    ablation: Ablation
    experiment: str
    commit: str  # of the experiment
    metrics: Mapping[str, Any]  # metrics/methods/defgan.json

    @property
    def iterations(self) -> int:
        """Generator steps of the training."""
        return self.ablation.params.training.batches // self.ablation.params.critic_steps


def measured(row: Row) -> dict[str, float | None]:
    """The measures of the table; None where one has no value, such as a gain without true images."""
    return {key: row.metrics[key] for key in FORMATS}


def _reference(rows: Sequence[Row]) -> Row | None:
    """The full model, if it was run."""
    return next((row for row in rows if row.ablation.reference), None)


def _differences(row: Row, reference: Row | None) -> dict[str, float | None]:
    """Measures minus those of the full model; None where one of the two is None, and for the full model itself."""
    if reference is None or row is reference:
        return dict.fromkeys(COMPARED)
    own, full = measured(row), measured(reference)
    return {key: None if own[key] is None or full[key] is None else own[key] - full[key] for key in COMPARED}


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """One row of plain numbers per ablation; NAME_difference is the difference from the full model."""
    reference = _reference(rows)
    return pd.DataFrame(
        [
            {
                "ablation": row.ablation.name,
                "label": row.ablation.label,
                "paper": row.ablation.paper,
                "experiment": row.experiment,
                "commit": row.commit,
                "iterations": row.iterations,
                "frechet_network": row.metrics["networks"]["frechet"],
                "identity_network": row.metrics["networks"]["identity"],
                **measured(row),
                **{f"{key}_difference": value for key, value in _differences(row, reference).items()},
            }
            for row in rows
        ]
    )


def _cell(row: Row, reference: Row | None, key: str) -> str:
    value, difference = row.metrics[key], _differences(row, reference).get(key)
    if value is None:
        return NO_TRUTH if row.metrics["gain_final"] is None and key.startswith("gain") else NOT_AVAILABLE
    digits = FORMATS[key].lstrip("+")
    return f"{value:{FORMATS[key]}}" + ("" if difference is None else f" ({difference:+{digits}})")


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """One row per ablation; cells are text: the value and its difference from the full model."""
    networks, reference = rows[0].metrics["networks"], _reference(rows)
    headings = {
        "frechet": f"{networks['frechet']} ↓",
        "identity": f"identity distance ({networks['identity']}) ↓",
        "gain_final": "gain over copying, final ↑",
        "gain_deformed": "gain over copying, deformed ↑",
        "mean_offset": "mean offset (px at 128 px)",
        "mean_mask": "mean mask",
    }
    return pd.DataFrame(
        [
            {
                "ablation": row.ablation.label,
                "paper": row.ablation.paper,
                **{heading: _cell(row, reference, key) for key, heading in headings.items()},
                "experiment": row.experiment,
            }
            for row in rows
        ]
    )


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def caption(rows: Sequence[Row], data: Mapping[str, Any]) -> str:
    """What was trained and measured; `data` are the params of that name as plain values."""
    trained = f"{_span([row.iterations for row in rows])} generator iterations"
    batches = f"{_span([row.ablation.params.training.batches for row in rows])} batches"
    reference = _reference(rows)
    against = "" if reference is None else f" In brackets: difference from {reference.ablation.label}."
    return (
        f"Every row is one training of {trained} ({batches}) from one seed; small differences may be chance.{against} "
        f"{measures(rows[0].metrics, data)} Without deformation the deformed image is the input; without texture it is "
        "the final image. Mean mask: 0 keeps the deformed input, 1 replaces it."
    )


def one_line(metrics: Mapping[str, Any]) -> str:
    """An experiment's result in a few words."""
    gain = NO_TRUTH if metrics["gain_final"] is None else f"gain over copying {metrics['gain_final']:+.3f}"
    return f"{metrics['networks']['frechet']} {metrics['frechet']:.2f}, identity {metrics['identity']:.4f}, {gain}"


def _dots(axes: Axes, rows: Sequence[Row], key: str, colour: str, label: str | None = None, **style: Any) -> None:
    """A dot per ablation, and a line through that of the full model."""
    places = [(row.metrics[key], place) for place, row in enumerate(rows) if row.metrics[key] is not None]
    axes.scatter(*zip(*places, strict=True), color=colour, label=label, zorder=3, **style)
    reference = _reference(rows)
    if reference is not None and reference.metrics[key] is not None:
        axes.axvline(reference.metrics[key], color=colour, linewidth=0.9, linestyle="--", zorder=1)


def figure(rows: Sequence[Row]) -> Figure:
    """A dot per ablation and measure; dashed lines mark the full model. No gains where there are no true images."""
    networks = rows[0].metrics["networks"]
    truth = rows[0].metrics["gain_final"] is not None
    panels = 3 if truth else 2
    figure = Figure(figsize=(2.0 + 2.6 * panels, 1.5 + 0.3 * len(rows)), layout="constrained")
    grid = figure.subplots(1, panels, sharey=True)
    colour = get("defgan").colour
    for axes, key, name in ((grid[0], "frechet", networks["frechet"]), (grid[1], "identity", networks["identity"])):
        _dots(axes, rows, key, colour, s=28)
        axes.set_xlabel(name, size=7.5)
    grid[0].set_title("Fréchet distance ↓", loc="left")
    grid[1].set_title("Identity distance ↓", loc="left")
    if truth:
        _dots(grid[2], rows, "gain_deformed", lighter(colour), "deformed image", s=44)
        _dots(grid[2], rows, "gain_final", colour, "final image", s=18)
        grid[2].axvline(0, color="#333333", linewidth=0.8)
        grid[2].set_title("Gain over copying ↑", loc="left")
        grid[2].set_xlabel("1 − err(edit) / err(input)", size=7.5)
        figure.legend(*grid[2].get_legend_handles_labels(), loc="outside upper right", ncols=2, handletextpad=0.1)
    grid[0].set_yticks(range(len(rows)), [row.ablation.label for row in rows])
    grid[0].invert_yaxis()
    for axes in grid:
        axes.grid(axis="x")
        axes.margins(x=0.12)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(axis="x", labelsize=7)
    iterations = _span([row.iterations for row in rows])
    title = f"Ablations of DefGAN, {iterations} iterations each; dashed: the full model"
    figure.suptitle(title, x=0.01, ha="left", size=10)
    return figure
