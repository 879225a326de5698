"""Numbers and tables as text: Markdown pages and LaTeX floats, and the sentences that name what was measured."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from defgan.evaluation.edits import PERSON_SET
from defgan.report.names import data_name, in_place

if TYPE_CHECKING:
    import pandas as pd

NOT_AVAILABLE = "–"
NO_TRUTH = "no truth"


def measures(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Sentences that name the data and every network that is used in place of one of the paper's.

    `metrics` are those of any method, `data` the params of that name as plain values.
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
    edits = " of the edits to the AUs of one person of role mug" if metrics["distance_set"] == PERSON_SET else ""
    return (
        f"Edited faces: {data_name(data['wild'])}, six expressions. "
        f"{networks['frechet']}{in_place(networks, 'frechet')}{edits} against {reference} of role "
        f"{metrics['reference']}: {data_name(data[metrics['reference']])}. Identity distance: "
        f"{networks['identity']}{in_place(networks, 'identity')}. {truth}"
    )


def score(value: float | None, digits: int, sign: str = "") -> str:
    """A number as text; `NOT_AVAILABLE` for None and NaN."""
    # + 0.0 turns a rounded −0 into 0.
    return NOT_AVAILABLE if value is None or value != value else f"{round(value, digits) + 0.0:{sign}.{digits}f}"


def with_interval(value: float | None, low: float | None, high: float | None, digits: int, sign: str = "") -> str:
    """`value [low, high]`; without the bounds where there are none."""
    if low is None or low != low:
        return score(value, digits, sign)
    return f"{score(value, digits, sign)} [{score(low, digits, sign)}, {score(high, digits, sign)}]"


def markdown(table: "pd.DataFrame", title: str, text: str) -> str:
    """A table of text as a Markdown page: title, table, caption."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# {title}\n\n{body}\n\n{text}\n"


_SIGNS = MappingProxyType(
    {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$", "–": "--", "×": r"$\times$", "α": r"$\alpha$"}
    | {"Σ": r"$\Sigma$", "²": "$^2$", "≥": r"$\geq$", "‖": r"$\|$"}
)
"""Signs that pdfLaTeX does not take as they are."""


def latex(table: "pd.DataFrame", title: str, text: str) -> str:
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
