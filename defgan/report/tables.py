"""Table 1 and its companion by expression, made of the methods' metrics."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from defgan.facs import EXPRESSIONS
from defgan.report.style import METHOD_LABELS

PAPER_COLUMN = "paper's FID (Inception features, CelebA-HQ; not comparable)"
_PAPER = {"ganimation": "4.75", "defgan": "3.82"}
_APPENDIX = MappingProxyType({"stargan": "App. F"})
"""Methods that the paper shows without numbers, and where."""
NOT_AVAILABLE = "–"
NO_TRUTH = "no truth"


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
    return (
        f"{measures(metrics, data)} Copy-input repeats each face once per expression. "
        f"{METHOD_LABELS['stargan']} ({_APPENDIX['stargan']}) learns from role rafd "
        f"({data_name(data['rafd'])}) and is told the expression's name instead of the AUs. The paper's own values "
        "stand in a column of their own: Inception FID on CelebA-HQ, not comparable with ours."
    )


def _score(value: float | None, missing: str, digits: int, sign: str = "") -> str:
    return missing if value is None else f"{value:{sign}.{digits}f}"


def _gain(metrics: Mapping[str, Any], key: str) -> str:
    missing = NO_TRUTH if metrics["gain_final"] is None else NOT_AVAILABLE
    return _score(metrics[key], missing, 3, "+")


def table_1(methods: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Rows: copy, GANimation, DefGAN, StarGAN; columns named with their networks; cells are text, ready to be read."""
    networks = next(iter(methods.values()))["networks"]
    return pd.DataFrame(
        [
            {
                "method": METHOD_LABELS[name] + (f" ({_APPENDIX[name]})" if name in _APPENDIX else ""),
                f"{networks['frechet']} ↓": _score(metrics["frechet"], NOT_AVAILABLE, 2),
                f"identity distance ({networks['identity']}) ↓": _score(metrics["identity"], NOT_AVAILABLE, 4),
                "gain over copying, final ↑": _gain(metrics, "gain_final"),
                "gain over copying, deformed ↑": _gain(metrics, "gain_deformed"),
                "images": str(metrics["images"]),
                PAPER_COLUMN: _PAPER.get(name, NOT_AVAILABLE),
            }
            for name, metrics in methods.items()
        ]
    )


def table_by_expression(methods: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Identity distance and gains of every method, one column per expression; cells are text."""
    measures = (
        ("identity distance ↓", "identity_by_expression", 4, ""),
        ("gain, final ↑", "gain_final_by_expression", 3, "+"),
        ("gain, deformed ↑", "gain_deformed_by_expression", 3, "+"),
    )
    rows = []
    for label, key, digits, sign in measures:
        for name, metrics in methods.items():
            values = metrics[key]
            missing = NO_TRUTH if metrics["gain_final"] is None else NOT_AVAILABLE
            if key == "gain_deformed_by_expression" and all(value is None for value in values.values()):
                continue
            cells = {expression: _score(values[expression], missing, digits, sign) for expression in EXPRESSIONS}
            rows.append({"measure": label, "method": METHOD_LABELS[name], **cells})
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, title: str, text: str) -> str:
    """A table of text as a Markdown page: title, table, caption."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# {title}\n\n{body}\n\n{text}\n"


_LATEX = MappingProxyType(
    {
        "\\": r"\textbackslash{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "−": "$-$",
        "–": "--",
    }
)
"""What pdfLaTeX does not take as it stands."""


def latex(table: pd.DataFrame, title: str, text: str) -> str:
    """A table of text as a LaTeX float; needs the package booktabs."""

    def escape(content: str) -> str:
        return "".join(_LATEX.get(sign, sign) for sign in content)

    head, *rows = (" & ".join(map(escape, line)) + r" \\" for line in [list(table.columns), *table.to_numpy().tolist()])
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\begin{{tabular}}{{{'l' * len(table.columns)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\caption{{{escape(title)}. {escape(text)}}}",
            r"\end{table}",
            "",
        ]
    )
