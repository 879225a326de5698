"""Which faces of a photograph are edited, and why not."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from defgan import alignment
from defgan.editing import numbered
from defgan.editing.face_finder import SMALLEST, choose, in_order, parse_choice, parse_choices
from defgan.errors import UserError
from defgan.faces.detection import Detection
from tests.editing.conftest import CROP


def detected(x, side):
    return Detection(np.array([x, 0.0, x + side, side]), np.zeros((5, 2)))


def test_the_rendered_face_is_found(faces, face_pixels):
    [face] = faces
    assert face.number == 1
    assert face.crop.shape == (CROP, CROP, 3)
    assert 0 <= face.x.min() <= face.x.max() <= 1
    # A neutral face is read as one: no smile, no open jaw.
    assert face.x[8] < 0.3
    eyes = alignment.apply(face.transform, face.points)[:2]
    np.testing.assert_allclose(eyes, alignment.template(CROP)[:2], atol=CROP * 0.05)


def test_a_face_comes_to_lie_like_those_of_the_training(find, face_pixels, faces, monkeypatch):
    wanted = alignment.template(1) * 0.8 + 0.1
    assert find.suits(CROP, None)
    assert not find.suits(CROP, wanted)
    assert not find.suits(2 * CROP, None)
    monkeypatch.setattr(find, "points", wanted)
    assert find.suits(CROP, wanted.copy())
    [face] = find(face_pixels)
    placed = alignment.apply(face.transform, face.points)
    # All five points decide: none is far off, and their mean is where it should be.
    np.testing.assert_allclose(placed.mean(0), wanted.mean(0) * CROP, atol=1e-6)
    assert np.abs(placed - wanted * CROP).max() < 0.08 * CROP
    assert np.linalg.norm(placed[1] - placed[0]) < 0.9 * np.linalg.norm(
        np.subtract(*alignment.apply(faces[0].transform, faces[0].points)[:2])
    )


def test_within_names_the_same_crop_of_a_part(faces, face_pixels):
    [face] = faces
    part, factor = face_pixels[20:, 30:], 0.5
    shrunk = part[: len(part) // 2 * 2, : part.shape[1] // 2 * 2].reshape(246, 2, 241, 2, 3).mean((1, 3))
    placed = face.within((30, 20), factor)
    crop = alignment.crop(shrunk.round().astype(np.uint8), placed.transform, CROP)
    assert np.abs(crop.astype(int) - face.crop).mean() < 3
    np.testing.assert_allclose(placed.points, (face.points - (30, 20)) / 2)


def test_only_largest_all_and_numbers():
    two = [detected(0, 90), detected(200, 100)]
    assert choose(two, "largest") == [1]
    assert choose(two, "all") == [0, 1]
    assert choose(two, 1) == [0]
    with pytest.raises(UserError, match="2 faces found; choose: --face largest"):
        choose(two, "only")
    with pytest.raises(UserError, match="there is no face 3; 2 found"):
        choose(two, 3)
    with pytest.raises(UserError, match="no face found"):
        choose([], "only")
    # Somebody small in the background leaves no doubt.
    assert choose([detected(0, 40), detected(200, 100)], "only") == [1]


def test_choices_on_the_command_line():
    assert [parse_choice(text) for text in ("only", "largest", "all", "2")] == ["only", "largest", "all", 2]
    for text in ("0", "-1", "left", ""):
        with pytest.raises(UserError, match="no such choice of a face"):
            parse_choice(text)


def test_several_choices_are_numbers():
    assert parse_choices([]) == "only"
    assert parse_choices(["all"]) == "all"
    assert parse_choices(["3", "1", "3"]) == (1, 3)
    with pytest.raises(UserError, match="--face all stands alone"):
        parse_choices(["1", "all"])
    assert choose([detected(0, 90), detected(100, 90), detected(200, 90)], (1, 3)) == [0, 2]
    with pytest.raises(UserError, match="there is no face 2"):
        choose([detected(0, 90)], (1, 2))


def at(x, y, side=100):
    return Detection(np.array([x, y, x + side, y + side], float), np.full((5, 2), (x, y), float))


def places(found, height=1000, width=1000):
    return [(int(face.points[0, 0]), int(face.points[0, 1])) for face in in_order(found, height, width)]


def test_faces_are_numbered_from_the_left_and_by_row():
    assert places([]) == []
    # A child beside two adults stands in the same row.
    assert places([at(400, 0), at(0, 10), at(200, 160)]) == [(0, 10), (200, 160), (400, 0)]
    # A class: people of the second row stand between and below those of the first.
    rows = [at(60, 210), at(300, 0), at(0, 20), at(150, 10), at(240, 190)]
    assert places(rows) == [(0, 20), (150, 10), (300, 0), (60, 210), (240, 190)]
    # Rows of two are rows wherever the others stand.
    assert places([at(0, 400), at(150, 0), at(300, 400), at(450, 0)]) == [(150, 0), (450, 0), (0, 400), (300, 400)]
    # The same photograph on its side has the same numbers: it is turned by three quarters to stand upright.
    turned = [
        Detection(np.array([y, 1000 - x - 100, y + 100, 1000 - x]), np.full((5, 2), (x, y), float), quarters=3)
        for x, y in [(int(face.points[0, 0]), int(face.points[0, 1])) for face in rows]
    ]
    assert places(turned) == places(rows)


def test_a_survey_of_all_faces(find, face_pixels):
    small = np.full_like(face_pixels, 128)
    small[200:258, 200:258] = np.asarray(Image.fromarray(face_pixels).resize((58, 58)))
    survey = find.survey(np.concatenate([face_pixels, small], axis=1))
    assert [face.number for face in survey] == [1, 2]
    assert survey[0].face is not None
    assert survey[1].face is None
    assert "too small" in survey[1].problem
    assert numbered.line(survey[0]).startswith("1: ")
    assert "cannot be edited: the face is too small" in numbered.line(survey[1])
    with pytest.raises(UserError, match="face 2: the face is too small"):
        find(np.concatenate([face_pixels, small], axis=1), (1, 2))
    # Drawn upright, at most 1600 pixels wide, with a box in another colour for each kind.
    tall = np.rot90(np.concatenate([face_pixels, small], axis=1)).repeat(2, 0).repeat(2, 1)
    lying = [
        replace(face, box=2 * np.array([face.box[1], 1024 - face.box[2], face.box[3], 1024 - face.box[0]]), quarters=3)
        for face in survey
    ]
    shown = np.asarray(numbered.picture(np.ascontiguousarray(tall), lying))
    assert shown.shape == (800, 1600, 3)
    x0, y0 = (survey[0].box[:2] * 1600 / 1024).round().astype(int)
    assert tuple(shown[(y0 + shown.shape[0] // 4), x0]) == (255, 214, 0)
    assert (shown == (160, 160, 160)).all(-1).any()


def test_two_faces_are_counted_from_the_left(find, face_pixels):
    both = np.concatenate([face_pixels, face_pixels[::2, ::2].repeat(2, 0).repeat(2, 1)], axis=1)
    with pytest.raises(UserError, match="2 faces found"):
        find(both)
    left, right = find(both, "all")
    assert (left.number, right.number) == (1, 2)
    assert right.points[0, 0] - left.points[0, 0] == pytest.approx(face_pixels.shape[1], abs=12)
    assert find(both, 2)[0].points[2, 0] > face_pixels.shape[1]


def test_what_cannot_be_edited(find, face_pixels):
    with pytest.raises(UserError, match="no face found"):
        find.survey(np.zeros((99, 99, 3), np.uint8))
    with pytest.raises(UserError, match="no face found"):
        find(np.full((200, 200, 3), 90, np.uint8))
    with pytest.raises(UserError, match="a face needs at least 40×40"):
        find(face_pixels[: SMALLEST - 1])
    tiny = np.full((300, 400, 3), 128, np.uint8)
    tiny[100:150, 150:200] = np.asarray(Image.fromarray(face_pixels).resize((50, 50)))
    with pytest.raises(UserError, match=r"too small: .* at least 40"):
        find(tiny)


def test_a_profile_is_refused(find, face_pixels, monkeypatch):
    profile = alignment.template(200).copy()
    profile[2, 0] = profile[0, 0]
    found = [[Detection(np.array([0.0, 0, 200, 200]), profile)]]
    monkeypatch.setattr(find.detector, "find_all", lambda *_: found)
    with pytest.raises(UserError, match="seen from the side"):
        find(face_pixels)
