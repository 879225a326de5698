"""From names and numbers to target AUs."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from defgan.editing.targets import HIGHEST, make_target, parse_aus, parse_faces
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


def test_more_than_full_strength_exaggerates_up_to_what_was_taught():
    y = make_target("sad", strength=1.5).vector(X)
    beyond = X + 1.5 * (preset("sad") - X)
    np.testing.assert_allclose(y, np.clip(beyond, 0, HIGHEST), atol=1e-6)
    assert of(y, "AU04") > preset("sad")[AU_NAMES.index("AU04")]
    assert y.max() == HIGHEST


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
        ({"expression": "happy", "strength": 1.6}, r"strength 1.6 is out of range; it is in \[0, 1.5\]"),
    ],
)
def test_what_is_not_possible_is_said(arguments, message):
    with pytest.raises(UserError, match=message):
        make_target(**arguments)


@dataclass(frozen=True)
class Seen:
    number: int
    x: np.ndarray


def test_a_target_for_each_face():
    group = parse_faces(["3=surprise", "1 = Smile"], strength=0.5)
    assert group.label == "1-happy-3-surprise"
    assert sorted(group.targets) == [1, 3]
    np.testing.assert_array_equal(group.of(Seen(1, X)), make_target("happy", strength=0.5).vector(X))
    np.testing.assert_array_equal(group.of(Seen(3, X)), make_target("surprise", strength=0.5).of(Seen(3, X)))
    np.testing.assert_allclose(replace(group, strength=0).of(Seen(1, X)), X, atol=1e-6)
    assert parse_faces(["2"]) is None
    for texts, message in [
        (["1=happy", "2"], "--face 2: expected the number of a face and an expression"),
        (["all=happy"], "expected the number"),
        (["0=happy"], "expected the number"),
        (["1="], "expected the number"),
        (["1=happy", "1=sad"], "face 1 is given twice"),
        (["1=hapy"], "nearest is happy"),
    ]:
        with pytest.raises(UserError, match=message):
            parse_faces(texts)


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
