"""Made-up pictures, and what a figure shows."""

import numpy as np
import pytest

from defgan.evaluation.images import Edits, Truth
from defgan.report.pictures import Pictures
from tests.stages.conftest import blobs, make_plan


@pytest.fixture
def pictures() -> Pictures:
    """Inputs are blobs, edits their inputs made lighter; the upper half moves down by 2 α pixels at 128 px."""
    plan = make_plan(faces=3)
    inputs = blobs(8, 32, seed=0)[plan["row"]] // 2
    offsets = np.zeros((*inputs.shape[:3], 2), np.float16)
    offsets[:, :16, :, 1] = -2 * plan["alpha"].to_numpy()[:, None, None]
    defgan = Edits(plan, final=inputs + np.uint8(51), deformed=inputs, mask=None, offsets=offsets)
    ganimation = Edits(plan, final=inputs + np.uint8(102), deformed=None, mask=None, offsets=None)
    truth = Truth(inputs, np.ones(len(plan), bool))
    data = {"wild": "made-up blobs", "rafd": "blobs of people"}
    return Pictures(plan, inputs, {"defgan": defgan, "ganimation": ganimation}, truth, data)


def rendered(figure) -> np.ndarray:
    """A figure's pixels, uint8 H×W×3."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def texts(figure) -> list[str]:
    """What is written on a figure outside its axes."""
    return [text.get_text() for text in figure.texts]
