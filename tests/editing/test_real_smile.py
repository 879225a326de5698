"""Edits against the real smile; here a rendered person, whose mouth is painted for the smile."""

from dataclasses import replace

import numpy as np
import pytest

from defgan import alignment
from defgan.editing import real_smile
from defgan.editing.people import Person, chip
from defgan.editing.smile import ALIGNMENTS, align


def painted(pixels, face):
    """The photograph with a light bar for a mouth."""
    smiling = pixels.copy()
    x, y = np.rint(face.points[3:].mean(axis=0)).astype(int)
    smiling[y - 12 : y + 12, x - 40 : x + 40] = 250
    return smiling


@pytest.fixture(scope="module")
def people(faces, face_pixels):
    """One who smiles, and one whose two photographs are the same."""
    [face] = faces
    smile = replace(face, x=np.linspace(0, 1, 17, dtype=np.float32))
    found = []
    for name, other in (("smiles", painted(face_pixels, face)), ("does not", face_pixels)):
        aligned = align(face_pixels, face, other, smile)
        found.append(Person(name, face_pixels, face, chip(other, face.points), aligned))
    return found


class Perfect:
    """An editor whose edit of the first person is the real smile, and which adds the smile's AUs."""

    name = "defgan"

    def __init__(self, editor, face, change):
        self._editor, self._face, self._change = editor, face, change

    def generate(self, face, y):
        return replace(self._editor.generate(face, y), offsets=np.zeros((32, 32, 2), np.float32), change=self._change)

    def estimate_aus(self, pixels, face):
        return np.linspace(0, 1, 17)


def values(table, measure, region="face", alignment_name=ALIGNMENTS[-1]):
    rows = table[(table["measure"] == measure) & table["region"].isin([region, ""])]
    return rows[rows["alignment"].isin([alignment_name, ""])].iloc[0]


def test_the_copy_is_the_zero(people):
    table = real_smile.measure_copy(people)
    assert tuple(table.columns) == real_smile.COLUMNS
    gains = table[table["measure"] == "gain over copying, final"]
    assert len(gains) == 2 * len(ALIGNMENTS)
    assert (gains["value"] == 0).all()
    assert (gains["n"] == 1).all()  # nothing changes in the other one
    assert values(table, "error where something changes")["value"] > 0.05
    assert values(table, "error of forehead and bridge of the nose")["value"] < 0.005
    assert values(table, "gain over copying that the latter leaves")["value"] > 0.9
    assert values(table, real_smile.DISTANCE)["value"] > 0
    assert values(table, real_smile.DISTANCE)["n"] == 2


def test_a_perfect_edit_is_nearer_than_the_copy(people, editor, faces, face_pixels):
    [face] = faces
    crops = [alignment.crop(pixels, face.transform, 32) for pixels in (painted(face_pixels, face), face_pixels)]
    change = crops[0].astype(np.float32) - crops[1]
    perfect = real_smile.measure(Perfect(editor, face, change), people, lambda items, _: items)
    assert values(perfect, "gain over copying, final")["value"] > 0.5
    assert values(perfect, "gain over copying, final", "AUs of a smile")["value"] > 0.5
    assert values(perfect, "gain over copying, deformed")["value"] == 0
    assert values(perfect, real_smile.AU_ERROR)["value"] == pytest.approx(0, abs=1e-6)
    perfect = real_smile.measure(Perfect(editor, face, change), people[:1], lambda items, _: items)
    copied = real_smile.measure_copy(people[:1])
    assert values(perfect, real_smile.DISTANCE)["value"] < values(copied, real_smile.DISTANCE)["value"]


def test_the_figure_has_a_row_for_each_person(people, editor):
    edits = {"defgan": real_smile.portraits(editor, people)}
    width, height = real_smile.figure(people, edits).size
    side = people[0].smile.portrait.shape[0]
    assert width > 3 * side
    assert height > 2 * side
    assert len(real_smile.shown(people * 20)) == real_smile.SHOWN
