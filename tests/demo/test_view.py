"""What the page shows, without a browser."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from defgan import alignment
from defgan.demo import clips, view
from defgan.demo.examples import CHOSEN, CLIP, SIZE, examples
from defgan.editing.editor import Editor
from defgan.editing.face_finder import FaceFinder
from defgan.editing.image_file import is_edit
from defgan.errors import UserError
from defgan.facs import preset
from tests.demo.pictures import two_faces
from tests.editing.video.clips import pan, write_clip


@pytest.fixture(scope="module")
def editors(weights, editor, find):
    return {"defgan": editor, "ganimation": Editor.load("ganimation", weights, find)}


@pytest.fixture(scope="module")
def opened(editors, face_file):
    return view.open_face(face_file, editors)


def test_the_example_faces_come_along():
    assert len(examples()) == len(CHOSEN)
    for path in examples():
        with Image.open(path) as image:
            assert image.size == (SIZE, SIZE)


def test_strength_goes_from_what_is_there_to_the_sliders(opened):
    happy = view.goal(opened, "happy", view.Other())
    np.testing.assert_allclose(happy, preset("happy"))
    np.testing.assert_array_equal(view.goal(opened, view.AS_IT_IS, view.Other()), opened.x)
    np.testing.assert_allclose(view.target_of(opened, happy, 0.5), (opened.x + happy) / 2, atol=1e-6)
    beyond = view.target_of(opened, 0.5 * happy, 1.5)
    np.testing.assert_allclose(beyond, (0.75 * happy - 0.5 * opened.x).clip(0, 1), atol=1e-6)


def test_a_change_shows_every_picture_anew(opened, editors):
    shown, other = (view.show(opened, editors, preset(name)) for name in ("happy", "anger"))
    for name in ("input", "defgan", "ganimation"):
        assert f'data-name="{name}"' in shown.results
    for name in ("wipe", "defgan-deformed", "defgan-grid", "defgan-mask", "ganimation-mask", "defgan-difference"):
        assert f'data-name="{name}"' in shown.details
    assert shown.results != other.results
    rival = view.show(opened, {"ganimation": editors["ganimation"]}, preset("happy"), with_photograph=False)
    assert 'data-name="ganimation"' in rival.results and 'data-name="ganimation-mask"' in rival.details
    assert 'data-name="input"' not in rival.results and 'data-name="wipe"' not in rival.details
    assert "http" not in shown.results + shown.details


def test_a_model_without_a_grid_shows_the_parts_that_it_has(editors, face_file):
    own = {"ganimation": editors["ganimation"]}
    opened = view.open_face(face_file, own)
    details = view.show(opened, own, preset("happy")).details
    assert "after (GANimation)" in details and 'data-name="ganimation-mask"' in details
    assert "deformed" not in details and "grid" not in details


def test_a_face_of_a_turned_group_is_chosen_and_shown_upright(editors, tmp_path, monkeypatch):
    group = two_faces()
    Image.fromarray(np.rot90(group)).save(tmp_path / "group.png")
    opened = view.open_face(tmp_path / "group.png", editors)
    assert opened.numbers == [1, 2] and "2 faces found" in view.numbered_faces(opened)
    assert "lies on its side" in view.describe_face(opened)
    monkeypatch.delattr(FaceFinder, "_find")  # nothing is found anew
    for number in opened.numbers:
        chosen = view.choose_face(opened, number)
        square = chosen.upright(chosen.shown)
        _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(group, square, cv2.TM_SQDIFF))
        np.testing.assert_array_equal(group[y : y + len(square), x : x + len(square)], square)
        assert (x + len(square) / 2 > 256) == (number == 2)


def test_somebody_elses_expression_becomes_the_goal(opened, editors, face_file):
    assert view.Other().html == "" and view.Other().target is None
    np.testing.assert_array_equal(view.goal(opened, None, view.Other()), opened.x)
    read = view.read_face(face_file, editors)
    happy, neutral = replace(read, aus=preset("happy")), replace(read, aus=0.5 * preset("happy"))
    np.testing.assert_allclose(view.goal(opened, None, view.Other(happy)), preset("happy"), atol=1e-3)
    changed = (opened.x + 0.5 * preset("happy")).clip(0, 1)
    both = view.Other(happy, neutral)
    np.testing.assert_allclose(view.goal(opened, None, both), changed, atol=2e-3)
    np.testing.assert_allclose(view.goal(opened, "sad", both), preset("sad"))
    assert "AU12 +0.50" in both.html and both.html.count("<img") == 2


def test_clips_that_are_refused(tmp_path, face_pixels):
    long = write_clip(tmp_path / "long.mp4", pan(face_pixels, 2), [0, clips.LONGEST])
    with pytest.raises(UserError, match="at most 10 seconds"):
        clips.open_clip(long)
    (tmp_path / "none.mp4").write_text("<script>alert(1)</script>")
    Image.fromarray(face_pixels).save(tmp_path / "photograph.png")
    for path in (tmp_path / "none.mp4", tmp_path / "photograph.png"):
        with pytest.raises(UserError, match="clip") as refused:
            clips.open_clip(path)
        assert str(tmp_path) not in str(refused.value)
    assert clips.open_clip(CLIP).frames == 32


def test_models_with_other_crops_are_shown_in_the_same_frame(editors, weights, face_file):
    finder = FaceFinder(24, alignment.template(1) * 0.8 + 0.1)
    other = Editor("ganimation", editors["ganimation"]._model, "", finder)
    opened = view.open_face(face_file, {"defgan": editors["defgan"], "ganimation": other})
    assert len(opened.placed) == 2
    first, second = opened.placed.values()
    np.testing.assert_allclose(first.points, second.points)


def test_the_download_is_of_full_resolution_and_says_that_it_is_edited(opened, editors, tmp_path):
    content = view.full_size(opened, editors["ganimation"], preset("sad"))
    assert Image.open(io.BytesIO(content)).size == (SIZE, SIZE)
    (tmp_path / "a.jpg").write_bytes(content)
    assert is_edit(tmp_path / "a.jpg")


def test_uploads_that_are_refused(editors, tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("<script>alert(1)</script>")
    with pytest.raises(UserError, match="not a photograph") as refused:
        view.open_face(tmp_path / "page.html", editors)
    assert str(tmp_path) not in str(refused.value)
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="no face found"):
        view.open_face(tmp_path / "a.png", editors)
    monkeypatch.setattr(view, "MOST_PIXELS", 59_999)
    with pytest.raises(UserError, match="megapixels are too many"):
        view.open_face(tmp_path / "a.png", editors)
