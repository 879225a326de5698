"""What the AU estimator and the embedder see in edits of rendered people."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from defgan.editing.assessment import DISTANCE
from defgan.errors import UserError
from defgan.facs import EXPRESSIONS, N_AUS
from defgan.pairs import Pairs
from tools import readings
from tools.readings import ALL, Readings, by_skin, identity, lines

TONES = (0.05, 0.1, 0.2, 0.5)
LOST = 77
"""Brightness of an image in which the finder sees no face."""


class Finder:
    """Reads every AU as the brightness of an image over 100."""

    def __call__(self, pixels, choice):
        if pixels[0, 0, 0] == LOST:
            raise UserError("no face")
        return [SimpleNamespace(x=np.full(N_AUS, pixels[0, 0, 0] / 100), points=None)]

    def estimate_aus(self, pixels, points):
        lost = pixels[0, 0, 0] == LOST
        return SimpleNamespace(aus=None if lost else np.full(N_AUS, pixels[0, 0, 0] / 100))


@pytest.fixture(autouse=True)
def embedder(monkeypatch):
    """The embedding of a face turns with its brightness: by a right angle from 0 to 100."""

    def embed(faces):
        angles = torch.tensor([face.mean() / 100 * np.pi / 2 for face in faces])
        return torch.stack([angles.cos(), angles.sin()], dim=1)

    monkeypatch.setattr(readings, "chip", lambda pixels, points: pixels)
    monkeypatch.setattr(readings, "embed", embed)


def plain(items, what, total):
    return items


@pytest.fixture
def pairs():
    """Each person's AUs are to rise from 0 to 0.5."""
    images = np.zeros((len(TONES), 1 + len(EXPRESSIONS), 8, 8, 3), np.uint8)
    aus = np.zeros((len(TONES), 1 + len(EXPRESSIONS), N_AUS), np.float32)
    images[:, 1:], aus[:, 1:] = 50, 0.5
    nothing = np.zeros(0)
    return Pairs(images, aus, nothing, nothing, nothing, np.array(TONES, np.float32))


def edits(*brightness):
    """Images of each person in one brightness, for all expressions."""
    one = np.repeat(np.array(brightness, np.uint8), 8 * 8 * 3).reshape(len(TONES), 8, 8, 3)
    return [one] * len(EXPRESSIONS)


def test_a_perfect_edit_and_half_of_it(pairs):
    table = by_skin(Readings(Finder(), pairs).observe("defgan", edits(25, 50, 50, LOST), plain))
    rows = table.set_index(["tone", "expression"])
    assert rows.loc[("dark", ALL), "value"] == pytest.approx(0.75)
    assert (rows.loc[("dark", ALL), "low"], rows.loc[("dark", ALL), "high"]) == pytest.approx((0.5, 1.0))
    assert rows.loc[("dark", "happy"), "n"] == 2
    assert rows.loc[("medium", ALL), "value"] == pytest.approx(1.0)
    assert np.isnan(rows.loc[("medium", ALL), "low"])  # one person has no interval
    assert rows.loc[("light", ALL), "value"] == 0  # a face that is lost has not moved
    assert set(table["expression"]) == {ALL, *EXPRESSIONS}


def test_who_is_not_found_is_left_out(pairs):
    images = pairs.images.copy()
    images[0, 0] = LOST
    table = by_skin(Readings(Finder(), replace(pairs, images=images)).observe("x", edits(0, 50, 50, 50), plain))
    assert table.set_index(["tone", "expression"]).loc[("dark", ALL), ["value", "n"]].tolist() == [1, 1]


def test_nobody_is_found(pairs):
    with pytest.raises(UserError, match="no face found"):
        Readings(Finder(), replace(pairs, images=np.full_like(pairs.images, LOST)))


def test_the_lines_name_method_and_people(pairs):
    table = by_skin(Readings(Finder(), pairs).observe("defgan", edits(25, 50, 50, 50), plain))
    (line,) = lines(table)
    assert line.startswith("defgan: response of the AUs: dark skin 0.75 (0.50 to 1.00, n 2), medium skin 1.00")


def test_the_distance_to_the_input(pairs):
    observed = Readings(Finder(), pairs).observe("defgan", edits(0, 100, 100, 100), plain)
    rows = identity(observed).set_index("edit")
    assert rows.loc["the six expressions", ["value", "n"]].tolist() == pytest.approx([0.75, 4 * len(EXPRESSIONS)])
    assert rows.loc["sad", "n"] == 4
    assert set(rows["measure"]) == {DISTANCE}
