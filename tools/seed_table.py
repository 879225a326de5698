"""The tables and the figure of several seeds: mean ± standard deviation, and in how many seeds an order holds."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from defgan.evaluation.fidelity import ESTIMATOR
from defgan.evaluation.truth import TRUTH
from defgan.facs import EXPRESSIONS
from defgan.methods import registry
from defgan.report.captions import Caption
from defgan.report.markup import NOT_AVAILABLE, score
from defgan.report.names import PAPERS_NETWORKS, colour, in_place, method_name, supervision
from defgan.report.significance import ALL
from defgan.report.style import DARK
from defgan.report.tables import Page
from tools.seed_numbers import ABOUT, BEYOND, BY_EXPRESSION, COPY, DEFORMED, MEASURES, TABLE_1, Run, of_seeds, orders

TITLE = "Table 1 over several seeds"
PANELS = ("frechet", "kernel", "identity", "gain_final", "motion_cosine", "response")
"""The measures of the figure."""


def _cell(numbers: pd.DataFrame, method: str, expression: str, key: str) -> str:
    """`mean ± sd`, or the mean alone where there is one seed."""
    rows = numbers[(numbers["method"] == method) & (numbers["expression"] == expression)].set_index("seed")[key]
    measure = MEASURES[key]
    mean = score(measure.scale * rows["mean"], measure.digits, measure.sign)
    spread = score(measure.scale * rows["sd"], measure.digits)
    return mean if NOT_AVAILABLE in (mean, spread) else f"{mean} ± {spread}"


def table(numbers: pd.DataFrame, keys: Iterable[str]) -> pd.DataFrame:
    """One row per method over all expressions; `numbers` is the result of `frame`. Cells are text."""
    seeds = of_seeds(numbers).groupby("method", sort=False)["seed"].nunique()
    keys = tuple(keys)
    return pd.DataFrame(
        [
            {"method": method_name(method), "seeds": str(count)}
            | {MEASURES[key].heading: _cell(numbers, method, ALL, key) for key in keys}
            for method, count in seeds.items()
        ]
    )


def by_expression(numbers: pd.DataFrame) -> pd.DataFrame:
    """One row per method and measure, one column per expression; copying, which is 0 everywhere, has none."""
    rows = []
    for method in dict.fromkeys(numbers.loc[numbers["method"] != COPY, "method"]):
        for key in BY_EXPRESSION:
            cells = {expression: _cell(numbers, method, expression, key) for expression in EXPRESSIONS}
            if set(cells.values()) != {NOT_AVAILABLE}:
                rows.append({"method": method_name(method), "measure": MEASURES[key].heading} | cells)
    return pd.DataFrame(rows)


def _rival(name: str) -> str:
    """How the tables call what a method is compared with."""
    return "its own deformed image" if name == DEFORMED else method_name(name)


def order_table(found: pd.DataFrame) -> pd.DataFrame:
    """One row per two methods and measure: in how many seeds the first is better, over all and by expression."""
    rows = []
    for (method, rival, key), own in found.groupby(["method", "rival", "measure"], sort=False):
        cells = {row.expression: f"{row.better} of {row.seeds}" for row in own.itertuples()}
        columns = {name: cells.get(name, NOT_AVAILABLE) for name in (ALL, *EXPRESSIONS)}
        row = {"better": method_name(method), "than": _rival(rival), "measure": MEASURES[key].heading}
        rows.append(row | columns)
    return pd.DataFrame(rows)


def mixed(found: pd.DataFrame) -> str:
    """The orders that hold in some seeds only, by method, rival and measure; "" where there are none."""
    some = found[(found["better"] > 0) & (found["better"] < found["seeds"])]
    sentences = [
        f"{method_name(method)} is better than {_rival(rival)} by {MEASURES[key].heading.rstrip(' ↑↓')}: "
        + ", ".join(f"{row.expression} {row.better} of {row.seeds}" for row in own.itertuples())
        for (method, rival, key), own in some.groupby(["method", "rival", "measure"], sort=False)
    ]
    return f"Orders that hold in some seeds only: {'; '.join(sentences)}. " if sentences else ""


def _what(runs: Sequence[Run], length: str) -> str:
    """What was run and measured."""
    networks = runs[0].metrics["networks"]
    kernel = networks["kernel"] + ("" if networks["kernel"] == "KID" else " (in place of KID)")
    seeds = ", ".join(map(str, sorted({run.seed for run in runs})))
    return (
        f"The whole experiment under the seeds {seeds}; training: {length}. The seed decides the rendered faces, the "
        "targets and the first weights. Mean ± standard deviation over the seeds. "
        f"{networks['frechet']}{in_place(networks, 'frechet')}; {kernel}; identity distance: "
        f"{networks['identity']}{in_place(networks, 'identity')}.{supervision(registry.every())}"
    )


def pages(runs: Sequence[Run], numbers: pd.DataFrame, length: str) -> dict[str, Page]:
    """All tables by the name of their files; `numbers` is the result of `frame` for `runs`."""
    what = _what(runs, length)
    beyond = (
        "End-point error, cosine and share compare the deformation grid with the true motion. Response: slope of the "
        f"rises of the AUs that {ESTIMATOR} predicts (in place of OpenFace 2) over the rises that were asked for. "
    )
    counts = "In how many seeds the first method is better than the second. "
    whole, single = numbers[numbers["expression"] == ALL], numbers[numbers["expression"] != ALL]
    found = orders(numbers)
    return {
        "seeds": Page(TITLE, table(numbers, TABLE_1), whole[[*ABOUT, *TABLE_1]], what),
        "seeds_beyond": Page("Beyond Table 1", table(numbers, BEYOND), whole[[*ABOUT, *BEYOND]], beyond + what),
        "seeds_by_expression": Page(
            "Several seeds by expression",
            by_expression(numbers),
            single[[*ABOUT, "expression", *BY_EXPRESSION]],
            beyond + what,
        ),
        "seeds_order": Page(
            "Which order holds over the seeds", order_table(found), found, counts + mixed(found) + beyond + what
        ),
    }


def _shown(numbers: pd.DataFrame) -> list[str]:
    """The rows of the figure. What is told no AUs is far outside the others' range, and would hide their spread."""
    kept = {COPY, TRUTH, *(method.name for method in registry.told_aus())}
    return [name for name in dict.fromkeys(numbers["method"]) if name in kept]


def figure(numbers: pd.DataFrame, networks: Mapping[str, str]) -> Figure:
    """A ring per seed, and a bar at the mean; one panel per measure. Below it stands which of `networks` measured."""
    names = _shown(numbers)
    found = Figure(figsize=(9.6, 1.6 + 0.55 * len(names)), layout="constrained")
    panels = found.subplots(2, 3, sharey=True)
    whole = numbers[numbers["expression"] == ALL]
    for axes, key in zip(panels.flat, PANELS, strict=True):
        for place, name in enumerate(names):
            own = MEASURES[key].scale * whole[whole["method"] == name].set_index("seed")[key]
            seeds = own.drop(["mean", "sd"])
            axes.scatter(seeds, [place] * len(seeds), s=30, facecolors="none", edgecolors=colour(name), zorder=3)
            axes.plot([own["mean"]] * 2, [place - 0.3, place + 0.3], color=colour(name), linewidth=1.4, zorder=2)
        if key == "gain_final":
            axes.axvline(0, color=DARK, linewidth=0.8)
        axes.set_title(MEASURES[key].heading, loc="left")
        axes.set_xlabel(networks.get(MEASURES[key].network, ""), size=7.5)
        axes.grid(axis="x")
        axes.margins(x=0.1)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(axis="x", labelsize=7)
    panels[0, 0].set_yticks(range(len(names)), [method_name(name).split(" (")[0] for name in names])
    panels[0, 0].invert_yaxis()
    return found


def figure_caption(runs: Sequence[Run], numbers: pd.DataFrame, data: str) -> Caption:
    """What stands below the figure."""
    networks = runs[0].metrics["networks"]
    names = _shown(numbers)
    methods = tuple(method_name(name) for name in names)
    shown = (method for method in registry.every() if method.name in names)
    return Caption(
        title="Several seeds",
        shows="One ring per seed; the bar is their mean. Below a panel stands the network that measured it. "
        f"Another seed means other faces, targets and first weights.{supervision(shown)}",
        data=data,
        methods=methods,
        substitutes=tuple(
            f"{networks[kind]} in place of {PAPERS_NETWORKS[kind][1]}"
            for kind in PAPERS_NETWORKS
            if in_place(networks, kind)
        ),
        params=("seed", "training.batches", "training.epochs"),
    )
