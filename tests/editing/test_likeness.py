"""The expression of another photograph as a target."""

from dataclasses import dataclass

import numpy as np
import pytest

from defgan.editing.likeness import in_words, read_likeness
from defgan.errors import UserError
from defgan.facs import AU_NAMES, au_vector


@dataclass(frozen=True)
class Seen:
    x: np.ndarray


@pytest.fixture
def find():
    """Reads a smile in the first photograph, and a lowered brow in both."""
    vectors = iter([au_vector({"AU12": 0.8, "AU04": 0.3}), au_vector({"AU04": 0.3, "AU45": 0.1})])
    return lambda pixels, choice: [Seen(next(vectors))]


X = np.full(17, 0.5, np.float32)


def test_the_aus_of_the_other_face(find, face_file):
    target = read_likeness(find, face_file)
    np.testing.assert_allclose(target.vector(X), au_vector({"AU12": 0.8, "AU04": 0.3}), atol=1e-3)
    assert in_words(target) == "AU04 0.30, AU12 0.80"
    assert target.label == "like-face1"


def test_what_changes_in_the_other_face(find, face_file):
    target = read_likeness(find, face_file, face_file, strength=0.5)
    expected = X.copy()
    expected[AU_NAMES.index("AU12")] += 0.4
    expected[AU_NAMES.index("AU45")] -= 0.05
    np.testing.assert_allclose(target.vector(X), expected, atol=1e-3)
    assert in_words(target) == "AU12 +0.80, AU45 -0.10"


def test_a_photograph_that_cannot_be_read(find, tmp_path):
    with pytest.raises(UserError, match=r"none\.jpg: no such file"):
        read_likeness(find, tmp_path / "none.jpg")
