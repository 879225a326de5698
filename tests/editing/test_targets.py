"""From names and numbers to target AUs."""

import numpy as np
import pytest

from defgan.editing.targets import make_target, parse_aus
from defgan.errors import UserError
from defgan.facs import ACTION_UNITS, AU_NAMES, PLAIN_WORDS, find_action_unit, preset

X = np.linspace(0.1, 0.9, 17, dtype=np.float32)


def of(y, name):
    return float(y[AU_NAMES.index(name)])


def test_an_expression_takes_the_place_of_what_is_there():
    np.testing.assert_allclose(make_target("happy").vector(X), preset("happy"), atol=1e-6)
    assert not make_target("neutral").vector(X).any()


def test_strength_goes_part_of_the_way():
    half = make_target("anger", strength=0.5).vector(X)
    np.testing.assert_allclose(half, (X + preset("anger")) / 2, atol=1e-6)
    np.testing.assert_array_equal(make_target("anger", strength=0).vector(X), X)


def test_named_units_leave_the_others_alone():
    y = make_target(aus={"smile": 1, "AU6": 0.6}).vector(X)
    assert of(y, "AU12") == 1
    assert of(y, "AU06") == pytest.approx(0.6)
    others = [i for i, name in enumerate(AU_NAMES) if name not in ("AU12", "AU06")]
    np.testing.assert_array_equal(y[others], X[others])


def test_units_stand_over_the_expression():
    y = make_target("happy", {"AU25": 0}).vector(X)
    assert of(y, "AU25") == 0
    assert of(y, "AU12") == 1


def test_relative_adds_and_stays_in_range():
    y = make_target("happy", {"AU04": -0.1, "AU45": 0.5}, relative=True).vector(X)
    np.testing.assert_allclose(of(y, "AU04"), of(X, "AU04") - 0.1, atol=1e-6)
    assert of(y, "AU45") == 1
    assert of(y, "AU06") == 1
    np.testing.assert_allclose(of(y, "AU01"), of(X, "AU01"), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nothing to edit"),
        ({"expression": "hapy"}, "nearest is happy"),
        ({"aus": {"simle": 1}}, r"simle: no such action unit; the nearest are smile \(AU12\)"),
        ({"aus": {"AU12": 1.5}}, r"AU12=1.5 is out of range"),
        ({"aus": {"AU12": -0.5}}, r"AU12=-0.5 is out of range"),
        ({"aus": {"AU12": float("nan")}}, "out of range"),
        ({"aus": {"AU12": 1, "smile": 0.5}}, "AU12 is named twice"),
        ({"expression": "happy", "strength": 1.1}, "strength 1.1"),
    ],
)
def test_what_is_not_possible_is_said(arguments, message):
    with pytest.raises(UserError, match=message):
        make_target(**arguments)


def test_units_are_known_by_name_term_and_plain_words():
    for name, words in PLAIN_WORDS.items():
        for said in (name, name.lower(), f"AU{int(name[2:])}", ACTION_UNITS[name], *words):
            assert find_action_unit(said.replace(" ", "-")) == name
    said = [word for words in PLAIN_WORDS.values() for word in words] + list(ACTION_UNITS.values())
    assert len(said) == len(set(said))
    assert list(PLAIN_WORDS) == list(AU_NAMES)


def test_command_line_pairs():
    assert parse_aus(["AU12=1", "smile = 0.5"]) == {"AU12": 1.0, "smile": 0.5}
    for text in ("AU12", "AU12=much", "=1x"):
        with pytest.raises(UserError, match="expected a name and a number"):
            parse_aus([text])
    with pytest.raises(UserError, match="given twice"):
        parse_aus(["a=1", "a=1"])
