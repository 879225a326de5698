"""What a word means: expressions and their synonyms, and expressions of one's own."""

import numpy as np
import pytest

from defgan.editing.targets import make_target
from defgan.editing.words import SYNONYMS, find_expression, plain, read_expressions, write_expressions
from defgan.errors import UserError
from defgan.facs import AU_NAMES, PRESETS, find_action_unit, preset

X = np.full(17, 0.2, np.float32)


@pytest.mark.parametrize(
    ("word", "label"),
    [
        *((word, "happy") for word in ("happy", "Happy", " HAPPY ", "happiness", "smile", "Laugh", "grin")),
        *(("Angry", "anger"), ("no-expression", "neutral"), ("No_Expression", "neutral"), ("surprised", "surprise")),
        # The sliders' words mean one action unit at its peak.
        *(("squint", "AU07"), ("Raise inner brows", "AU01"), ("close-eyes", "AU45"), ("au4", "AU04")),
    ],
)
def test_words_for_expressions(word, label):
    target = make_target(word)
    assert target.label == label
    if label in PRESETS:
        np.testing.assert_allclose(target.vector(X), preset(label), atol=1e-6)
    else:
        np.testing.assert_allclose(target.vector(X), np.where(np.array(AU_NAMES) == label, 1, X))


def test_every_synonym_is_one_expression_and_all_published_names_are_known():
    said = [plain(word) for words in SYNONYMS.values() for word in words]
    assert len(said) == len(set(said))
    assert not set(said) & set(PRESETS)
    assert set(SYNONYMS) == set(PRESETS)
    rafd = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
    assert [find_expression(name) for name in rafd] == [
        *("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    ]
    assert find_expression("squint") is None


def test_a_word_that_means_nothing_names_what_looks_like_it():
    for word, message in [
        ("surpised", "the nearest is surprise; all: neutral, anger"),
        ("lauhg", "the nearest is happy"),
        ("xyzzy", "xyzzy: no such expression; all: neutral"),
        ("", ": no such expression"),
    ]:
        with pytest.raises(UserError, match=message):
            make_target(word)


def test_a_word_and_its_unit_are_not_both_set():
    with pytest.raises(UserError, match="AU07 is named twice"):
        make_target("squint", {"AU07": 0.2})


def test_expressions_of_ones_own(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("Delighted: {raise cheeks: 1, AU12: 0.9}\nHappy: {au12: 0.5}\nasleep: {AU45: 1.0}\nno:\n", "utf-8")
    own = read_expressions(file)
    assert own["Delighted"] == {"AU06": 1.0, "AU12": 0.9}
    assert own["no"] == {}
    assert "happy" not in own
    assert own["sad"] == PRESETS["sad"]
    assert make_target("delighted", expressions=own).label == "Delighted"
    y = make_target("HAPPY", strength=0.5, expressions=own).vector(X)
    assert y[AU_NAMES.index("AU12")] == pytest.approx(0.35)
    with pytest.raises(UserError, match="the nearest is Delighted"):
        make_target("delightd", expressions=own)
    file.write_text(write_expressions(PRESETS), "utf-8")
    assert read_expressions(file) == PRESETS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected lines such as"),
        (b"- happy", "expected lines such as"),
        (b"a: {AU12: 1", "not a YAML file"),
        (b"a: {AU12: 1}\na: {AU12: 0}", "not a YAML file.*duplicate key"),
        (b"a\xff: 1", "not a YAML file"),
        (b"a: 1", "a: expected action units with intensities"),
        (b"a: {smiel: 1}", "mine.yaml: a: smiel: no such action unit; the nearest are smile"),
        (b"a: {AU12: 1.5}", "AU12 is 1.5; intensities are numbers in"),
        (b"a: {AU12: .nan}", "AU12 is nan"),
        (b"a: {AU12: true}", "AU12 is True"),
        (b"a: {AU12: 1, smile: 0}", "a: AU12 is named twice"),
        (b"big smile: {}\nBig-Smile: {}", "Big-Smile is named twice"),
        (b"../a: {AU12: 1}", "'../a' is no name for an expression"),
        (b"1: {AU12: 1}", "1 is no name for an expression"),
    ],
)
def test_files_that_are_no_expressions(tmp_path, content, message):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_expressions(file)
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read"):
        read_expressions(tmp_path / "none.yaml")


def test_units_win_over_no_expression():
    """No slider's word is lost to a synonym by accident: where both exist, the expression is meant on purpose."""
    both = {word for words in SYNONYMS.values() for word in words if _is_unit(word)}
    assert both == {"smile", "grin"}


def _is_unit(word: str) -> bool:
    try:
        find_action_unit(word)
    except UserError:
        return False
    return True
