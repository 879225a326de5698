"""Made-up results, and what a figure shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from defgan.evaluation.edits import Edits
from defgan.evaluation.truth import Truth
from defgan.faces.table import Faces
from defgan.facs import EXPRESSIONS
from defgan.methods.registry import told_aus
from defgan.report.pictures import Pictures
from defgan.report.results import Results
from defgan.report.style import figure_style
from defgan.report.tables import Page
from tests.report import made_up
from tests.stages.conftest import blobs, make_plan


@pytest.fixture
def styled():
    """Figures are drawn in the project's style."""
    with figure_style():
        yield


@pytest.fixture(scope="session")
def pages() -> dict[str, Page]:
    """All tables of the made-up measurements."""
    return made_up.pages()


@pytest.fixture
def results(pages) -> Results:
    """Those of `made_up_results`."""
    return made_up_results({name: page.numbers for name, page in pages.items()})


def made_up_results(numbers: dict[str, pd.DataFrame]) -> Results:
    """Inputs are blobs, edits their inputs made lighter; the upper half moves down by 2 α pixels at 128 px.

    Nothing is on disk: what a test replaces, it assigns.
    """
    plan = make_plan(faces=3)
    pixels = blobs(8, 32, seed=0) // 2
    inputs = pixels[plan["row"]]
    offsets = np.zeros((*inputs.shape[:3], 2), np.float16)
    offsets[:, :16, :, 1] = -2 * plan["alpha"].to_numpy()[:, None, None]
    edits = {
        "defgan": Edits(plan, final=inputs + np.uint8(51), deformed=inputs, mask=None, offsets=offsets),
        "ganimation": Edits(plan, final=inputs + np.uint8(102), deformed=None, mask=None, offsets=None),
        "stargan": Edits(plan, final=inputs + np.uint8(90), deformed=None, mask=None, offsets=None),
        "defgan_supervised": Edits(plan, final=inputs + np.uint8(40), deformed=inputs, mask=None, offsets=offsets / 2),
        "ganimation_supervised": Edits(plan, final=inputs + np.uint8(80), deformed=None, mask=None, offsets=None),
    }
    people = pd.DataFrame({"subject": ["rafd000"] * 7 + ["rafd001"], "expression": ["neutral", *EXPRESSIONS, "sad"]})
    results = Results({"wild": "made-up blobs", "rafd": "blobs of people", "train": "many blobs"})
    results.plan = plan
    results.truth = Truth(inputs, np.ones(len(plan), bool))
    results.edits = edits.__getitem__
    results.faces = lambda role: Faces(people.assign(row=np.arange(8)), pixels)
    measured = made_up.tables()
    results.measured = lambda name: measured[name]
    results.numbers = numbers.__getitem__
    results.networks = lambda method: made_up.metrics()["networks"]
    return results


@pytest.fixture
def pictures(results) -> Pictures:
    """Those of the made-up results, of the methods that are told AUs."""
    return results.pictures(told_aus())


def rendered(figure) -> np.ndarray:
    """A figure's pixels, uint8 H×W×3."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def texts(figure) -> list[str]:
    """What is written on a figure outside its axes."""
    return [text.get_text() for text in figure.texts]


def bars(axes, colour: str) -> list[float]:
    """The heights of the bars of one colour."""
    return [bar.get_height() for bar in axes.patches if to_hex(bar.get_facecolor()) == colour.lower()]
