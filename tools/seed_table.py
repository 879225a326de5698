"""The table of several seeds: mean ± standard deviation of every headline number of each method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from defgan.report.markup import NOT_AVAILABLE, score
from defgan.report.names import method_name

MEASURES = MappingProxyType(
    {
        "frechet": (2, ""),
        "kernel": (4, ""),
        "identity": (4, ""),
        "gain_final": (3, "+"),
        "gain_deformed": (3, "+"),
        "ssim": (4, ""),
        "epe": (3, ""),
        "motion_cosine": (3, "+"),
        "au_icc": (3, "+"),
        "mean_offset": (2, ""),
        "mean_mask": (3, ""),
    }
)
"""Keys of metrics/methods/NAME.json, with their digits and sign."""
_HEADINGS = MappingProxyType(
    {
        "frechet": "Fréchet ↓",
        "kernel": "kernel ↓",
        "identity": "identity ↓",
        "gain_final": "gain, final ↑",
        "gain_deformed": "gain, deformed ↑",
        "ssim": "SSIM ↑",
        "epe": "end-point error, px ↓",
        "motion_cosine": "cosine ↑",
        "au_icc": "AU ICC(3,1) ↑",
        "mean_offset": "mean offset, px",
        "mean_mask": "mean mask",
    }
)


@dataclass(frozen=True)
class Row:
    """One seed's experiment and what it measured."""

    seed: int
    experiment: str
    commit: str
    metrics: Mapping[str, Mapping[str, Any]]  # by method


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """One row of plain numbers per seed and method, then per method the `mean` and the sample deviation `sd`."""
    runs = pd.DataFrame(
        [
            {
                "seed": str(row.seed),
                "method": method,
                "experiment": row.experiment,
                "commit": row.commit,
                **{key: metrics[key] for key in MEASURES},
            }
            for row in rows
            for method, metrics in row.metrics.items()
        ]
    )
    runs[list(MEASURES)] = runs[list(MEASURES)].astype(float)
    by_method = runs.groupby("method", sort=False)[list(MEASURES)]
    means, deviations = by_method.mean().reset_index(), by_method.std().reset_index()
    return pd.concat([runs, means.assign(seed="mean"), deviations.assign(seed="sd")], ignore_index=True)


def table(numbers: pd.DataFrame) -> pd.DataFrame:
    """One row per method; cells are text, `mean ± sd`. `numbers` is the result of `frame`."""
    means = numbers[numbers["seed"] == "mean"].set_index("method")
    spread = numbers[numbers["seed"] == "sd"].set_index("method")
    runs = numbers[~numbers["seed"].isin(("mean", "sd"))]

    def cell(method: str, key: str) -> str:
        digits, sign = MEASURES[key]
        value = score(means.loc[method, key], digits, sign)
        return value if value == NOT_AVAILABLE else f"{value} ± {score(spread.loc[method, key], digits)}"

    return pd.DataFrame(
        [
            {"method": method_name(method), "seeds": str((runs["method"] == method).sum())}
            | {_HEADINGS[key]: cell(method, key) for key in MEASURES}
            for method in means.index
        ]
    )


def caption(rows: Sequence[Row], length: str) -> str:
    """What was run and measured."""
    metrics = next(iter(rows[0].metrics.values()))
    networks = metrics["networks"]
    return (
        f"The whole experiment under seeds {', '.join(str(row.seed) for row in rows)}, {length} each. The "
        "seed decides the rendered faces, the targets and the first weights. Mean ± standard deviation. "
        f"{networks['frechet']}; {networks['kernel']}; identity distance: {networks['identity']}; AUs predicted by "
        f"{networks['action_units']}. End-point error and cosine compare the deformation grid with the true motion."
    )
