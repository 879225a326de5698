"""Table 1, made of the methods' metrics, and how tables are written: Markdown, LaTeX."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from defgan.report.style import METHOD_LABELS

PAPER_COLUMN = "paper's FID (Inception features, CelebA-HQ; not comparable)"
_PAPER = {"ganimation": "4.75", "defgan": "3.82"}
_APPENDIX = MappingProxyType({"stargan": "App. F"})
"""Methods that the paper shows without numbers, and where."""
NOT_AVAILABLE = "–"
NO_TRUTH = "no truth"
TRUE_LABEL = "True image"
"""The row of the true images, measured as if a method had made them."""


@dataclass(frozen=True)
class Page:
    """One table: as it is read, as plain numbers for the CSV file, and what stands below it."""

    title: str
    table: pd.DataFrame
    numbers: pd.DataFrame
    caption: str


def data_name(source: Mapping[str, Any]) -> str:
    """How a role's photographs are called in captions: the embedded corpus (rendered!) or the folder's name."""
    if source["dataset"] == "corpus":
        return "embedded corpus (rendered faces)"
    return "/".join(Path(source["path"]).resolve().parts[-2:])


def measures(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Sentences that name the data and every network that stands in for one of the paper's.

    `metrics` is those of any method, `data` the params of that name as plain values.
    """
    networks = metrics["networks"]
    available = metrics["reference_available"]
    some = metrics["reference_images"]
    reference = f"{some} faces" if some == available else f"{some} of {available} faces, drawn by seed,"
    truth = (
        "Gain over copying: 1 − err(edit, true image) / err(input, true image) over the pixels that truly change."
        if metrics["gain_final"] is not None
        else "Gain over copying needs true images, which real photographs do not have."
    )
    stands_in = "" if networks["frechet"] == "FID" else " (in place of the paper's Inception FID)"
    return (
        f"Edited faces: {data_name(data['wild'])}, six expressions. {networks['frechet']}{stands_in} against "
        f"{reference} of role {metrics['reference']}: {data_name(data[metrics['reference']])}. Identity distance: "
        f"{networks['identity']} (in place of the paper's OpenFace). {truth}"
    )


def caption(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Table 1's caption: what was measured, and what stands apart in rows and columns; arguments as of `measures`."""
    name = metrics["networks"]["kernel"]
    kernel = name if name == "KID" else f"{name[0].upper()}{name[1:]} (in place of KID)"
    return (
        f"{measures(metrics, data)} {kernel}: squared maximum mean discrepancy over all pairs of images. In brackets: "
        "95 % bootstrap intervals over people, the reference fixed. Copy-input repeats each face once per expression; "
        f"{TRUE_LABEL} is what a perfect edit would score. "
        f"{METHOD_LABELS['stargan']} ({_APPENDIX['stargan']}) learns from role rafd "
        f"({data_name(data['rafd'])}) and is told the expression's name instead of the AUs. The paper's own values "
        "stand in a column of their own: Inception FID on CelebA-HQ, not comparable with ours."
    )


def score(value: float | None, digits: int, sign: str = "", missing: str = NOT_AVAILABLE) -> str:
    """A number as it is to be read; `missing` for None and NaN."""
    # + 0.0 turns a rounded −0 into 0.
    return missing if value is None or value != value else f"{round(value, digits) + 0.0:{sign}.{digits}f}"


def with_interval(value: float | None, low: float | None, high: float | None, digits: int, sign: str = "") -> str:
    """`value [low, high]`; without the bounds where there are none."""
    if low is None or low != low:
        return score(value, digits, sign)
    return f"{score(value, digits, sign)} [{score(low, digits, sign)}, {score(high, digits, sign)}]"


def method_name(name: str) -> str:
    """What a row is called: the method, with its appendix, or the true image."""
    if name not in METHOD_LABELS:
        return TRUE_LABEL
    return METHOD_LABELS[name] + (f" ({_APPENDIX[name]})" if name in _APPENDIX else "")


def _gain(metrics: Mapping[str, Any], key: str, truth: bool) -> str:
    return score(metrics[key], 3, "+", NOT_AVAILABLE if truth else NO_TRUTH)


def table_1(methods: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Rows: copy, GANimation, DefGAN, StarGAN, and the true image where it is known; cells are text, ready to be read.

    Columns are named with their networks.
    """
    networks = next(iter(methods.values()))["networks"]
    truth = any(metrics["gain_final"] is not None for metrics in methods.values())

    def distance(metrics: Mapping[str, Any], key: str, scale: float, digits: int) -> str:
        return with_interval(*(scale * metrics[f"{key}{end}"] for end in ("", "_low", "_high")), digits)

    return pd.DataFrame(
        [
            {
                "method": method_name(name),
                f"{networks['frechet']} ↓": distance(metrics, "frechet", 1, 2),
                f"{networks['kernel']} × 1000 ↓": distance(metrics, "kernel", 1000, 1),
                f"identity distance ({networks['identity']}) ↓": score(metrics["identity"], 4),
                "gain over copying, final ↑": _gain(metrics, "gain_final", truth),
                "gain over copying, deformed ↑": _gain(metrics, "gain_deformed", truth),
                "images": str(metrics["images"]),
                PAPER_COLUMN: _PAPER.get(name, NOT_AVAILABLE),
            }
            for name, metrics in methods.items()
        ]
    )


def markdown(table: pd.DataFrame, title: str, text: str) -> str:
    """A table of text as a Markdown page: title, table, caption."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# {title}\n\n{body}\n\n{text}\n"


_SIGNS = MappingProxyType(
    {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$", "–": "--", "×": r"$\times$", "α": r"$\alpha$"}
    | {"Σ": r"$\Sigma$", "²": "$^2$", "≥": r"$\geq$", "‖": r"$\|$"}
)
"""What pdfLaTeX does not take as it stands."""


def latex(table: pd.DataFrame, title: str, text: str) -> str:
    """A table of text as a LaTeX float, no wider than the page; needs the packages booktabs and graphicx."""
    styled = table.style.format(escape="latex").format_index(escape="latex", axis=1).hide(axis="index")
    body = styled.to_latex(hrules=True, column_format="l" * len(table.columns)).rstrip()
    below = "".join(f"\\{sign}" if sign in "&%$#_{}" else sign for sign in f"{title}. {text}")
    lines = (
        r"\begin{table}",
        r"\centering",
        r"\resizebox{\linewidth}{!}{%",
        body + "}",
        rf"\caption{{{below}}}",
        r"\end{table}",
        "",
    )
    return "".join(_SIGNS.get(sign, sign) for sign in "\n".join(lines))
