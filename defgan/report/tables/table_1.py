"""Table 1: every method's distances, identity and gain."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from defgan import methods
from defgan.methods import registry
from defgan.report.markup import NO_TRUTH, NOT_AVAILABLE, measures, score, with_interval
from defgan.report.names import PAPERS_NETWORKS, PUBLISHED, TRUE_LABEL, data_name, method_name, supervision
from defgan.report.tables import ENDS, Measurements, Page

PAPER_COLUMN = "paper's FID"
"""The heading of the paper's own values; in brackets it says how they differ from ours."""
HEADLINE = (
    *("frechet", "frechet_low", "frechet_high", "kernel", "kernel_low", "kernel_high"),
    *("identity", "gain_final", "gain_deformed", "images"),
)
"""The metrics of the CSV file."""


def measured_alike(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Whether our distances are what the paper's are: Inception's FID of edits of CelebA-HQ."""
    return metrics["networks"]["frechet"] == PAPERS_NETWORKS["frechet"][0] and (
        PUBLISHED["celeba_hq"] in data_name(data["wild"])
    )


def caption(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """What was measured, and which rows and columns are special; arguments as of `tables.measures`."""
    name = metrics["networks"]["kernel"]
    kernel = name if name == "KID" else f"{name[0].upper()}{name[1:]} (in place of KID)"
    origin = "Inception FID on CelebA-HQ, not comparable with ours"
    if measured_alike(metrics, data):
        origin = "it does not say against which real faces they were measured"
    perfect = f"; {TRUE_LABEL} is what a perfect edit would score" if metrics["gain_final"] is not None else ""
    others = "".join(
        f"{method.title} learns from role {method.role} ({data_name(data[method.role])}) and is told the expression's "
        "name instead of the AUs. "
        for method in registry.trained()
        if not method.told_aus
    )
    return (
        f"{measures(metrics, data)} {kernel}: squared maximum mean discrepancy over all pairs of images. In brackets: "
        "95 % bootstrap intervals over people, the reference fixed. Copy-input repeats each face once per expression"
        f"{perfect}. {others}The paper's own values have a column of their own: "
        f"{origin}.{supervision(registry.every())}"
    )


def _gain(metrics: Mapping[str, Any], key: str, truth: bool) -> str:
    if metrics[key] is None and not truth:
        return NO_TRUTH
    return score(metrics[key], 3, "+")


def _paper_fid(name: str) -> str:
    return methods.get(name).paper_fid if name in registry.NAMES else ""


def table(metrics: Mapping[str, Mapping[str, Any]], data: Mapping[str, Any]) -> pd.DataFrame:
    """One row per method, and the true image where it is known. Cells are text; columns name their networks."""
    any_method = next(iter(metrics.values()))
    networks = any_method["networks"]
    alike = measured_alike(any_method, data)
    papers = PAPER_COLUMN if alike else f"{PAPER_COLUMN} (Inception features, CelebA-HQ; not comparable)"
    truth = any(own["gain_final"] is not None for own in metrics.values())

    def distance(own: Mapping[str, Any], key: str, scale: float, digits: int) -> str:
        return with_interval(*(scale * own[f"{key}{end}"] for end in ENDS), digits)

    return pd.DataFrame(
        [
            {
                "method": method_name(name),
                f"{networks['frechet']} ↓": distance(own, "frechet", 1, 2),
                f"{networks['kernel']} × 1000 ↓": distance(own, "kernel", 1000, 1),
                f"identity distance ({networks['identity']}) ↓": score(own["identity"], 4),
                "gain over copying, final ↑": _gain(own, "gain_final", truth),
                "gain over copying, deformed ↑": _gain(own, "gain_deformed", truth),
                "images": str(own["images"]),
                papers: _paper_fid(name) or NOT_AVAILABLE,
            }
            for name, own in metrics.items()
        ]
    )


def page(measurements: Measurements) -> Page:
    """The table of all methods."""
    metrics = measurements.metrics
    numbers = pd.DataFrame([{"method": name} | {key: own[key] for key in HEADLINE} for name, own in metrics.items()])
    return Page(
        "Table 1", table(metrics, measurements.data), numbers, caption(measurements.any_method, measurements.data)
    )
