"""Targets over time."""

import numpy as np
import pytest

from defgan.editing.targets import make_target
from defgan.editing.video.timeline import read_keyframes, steady, vector
from defgan.errors import UserError
from defgan.facs import AU_NAMES, preset

NEUTRAL = np.zeros(17, np.float32)
HAPPY = make_target("happy")


def unit(name: str, value: float) -> np.ndarray:
    aus = NEUTRAL.copy()
    aus[AU_NAMES.index(name)] = value
    return aus


def test_without_times_the_target_holds_throughout():
    timeline = steady(HAPPY)
    assert timeline.presence(0) == timeline.presence(1e6) == 1
    assert np.allclose(timeline.vector(3, NEUTRAL, NEUTRAL), preset("happy"))


def test_an_edit_comes_and_goes():
    timeline = steady(HAPPY, 1, 3, 0.5)
    assert [timeline.presence(t) for t in (0, 1, 2, 3, 4)] == [0, 0, 1, 0, 0]
    smile = [timeline.vector(t, NEUTRAL, NEUTRAL)[AU_NAMES.index("AU12")] for t in (1, 1.25, 1.5, 2, 2.75, 3)]
    assert np.allclose(smile, [0, 0.5, 1, 1, 0.5, 0], atol=1e-6)
    assert steady(HAPPY, 1, None).presence(100) == 1
    assert steady(HAPPY, 1, 1.2, 5).presence(1.1) == 1  # the easing is cut to what there is room for
    assert steady(HAPPY, 1, 2, 0).presence(1.01) == 1


@pytest.mark.parametrize("times", [(2, 1), (-1, 1), (1, 1)])
def test_no_stretch_of_time(times):
    with pytest.raises(UserError, match="no stretch of time"):
        steady(HAPPY, *times)


def test_speech_and_blinks_go_on():
    rest = unit("AU25", 0.1)
    index, lids = AU_NAMES.index("AU25"), AU_NAMES.index("AU45")
    spoken = vector(HAPPY, unit("AU25", 0.3), rest)
    assert spoken[index] == pytest.approx(preset("happy")[index] + 0.2)
    assert vector(HAPPY, unit("AU45", 0.9), rest)[lids] == pytest.approx(0.9)
    told = make_target("happy", {"AU25": 0.2})
    assert vector(told, unit("AU25", 0.3), rest)[index] == pytest.approx(0.2)


def test_keyframes(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text("time, expression, strength, smile\n0,,,\n1,happy,0.5,\n2,,,0.8\n")
    timeline = read_keyframes(path)
    assert timeline.presence(0) == 0
    smile = [timeline.vector(t, NEUTRAL, NEUTRAL)[AU_NAMES.index("AU12")] for t in (0, 0.5, 1, 1.5, 2, 9)]
    assert np.allclose(smile, [0, 0.25, 0.5, 0.65, 0.8, 0.8], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("when,expression\n0,happy\n", "needs a column `time`"),
        ("time,expression\n", "a row for each moment"),
        ("time,expression\n0,hapy\n", "line 2: hapy"),
        ("time,expression\n0,happy\n0,sad\n", "line 3: time 0 does not rise"),
        ("time,AU12\n0,much\n", "line 2"),
        ("time,expression\nnan,happy\n", "line 2"),
    ],
)
def test_a_curve_that_is_none(tmp_path, text, problem):
    path = tmp_path / "curve.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=problem):
        read_keyframes(path)
