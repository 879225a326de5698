"""`Editor`, from a photograph to an edited one."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from defgan import alignment
from defgan.editing import pictures
from defgan.editing.editor import Editor, describe
from defgan.editing.native import feather
from defgan.editing.targets import make_target
from defgan.errors import UserError
from defgan.facs import AU_NAMES, preset
from defgan.warp import to_grid


def outside(face, height, width):
    """Pixels of a photograph outside a face's crop."""
    xs, ys = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    places = alignment.apply(face.transform, np.stack([xs, ys], -1)) / len(face.crop)
    return ((places < 0) | (places > 1)).any(-1)


def test_importing_the_package_is_cheap():
    code = "import sys, defgan; assert not {'torch', 'numpy', 'PIL'} & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_offers_the_editor():
    import defgan

    assert defgan.Editor is Editor
    with pytest.raises(AttributeError, match="nothing"):
        defgan.nothing  # noqa: B018


def test_an_edit_changes_the_face_and_nothing_else(editor, face_file, face_pixels):
    edited = editor.edit(face_file, "surprise")
    assert edited.image.size == face_pixels.shape[1::-1]
    [part] = edited.parts
    np.testing.assert_allclose(part.y, preset("surprise"))
    away = outside(part.face, *face_pixels.shape[:2])
    after = np.asarray(edited.image)
    np.testing.assert_array_equal(after[away], face_pixels[away])
    assert np.abs(after[~away].astype(int) - face_pixels[~away]).mean() > 2
    assert part.image.shape == part.deformed.shape == part.texture.shape == (32, 32, 3)
    assert part.mask.shape == (32, 32)
    assert part.offsets.shape == (32, 32, 2)
    deformed = np.asarray(edited.deformed)
    np.testing.assert_array_equal(deformed[away], face_pixels[away])
    assert (deformed != face_pixels).any()
    assert (deformed != after).any()


@pytest.mark.parametrize("name", ["defgan", "ganimation"])
def test_the_edit_of_a_mirrored_face_is_the_mirrored_edit(name, weights, face_pixels):
    editor = Editor.load(name, weights)
    [face] = editor.find(face_pixels)
    mirrored = replace(face, crop=np.ascontiguousarray(face.crop[:, ::-1]))
    one, other = (editor.generate(f, preset("happy")) for f in (face, mirrored))
    np.testing.assert_allclose(other.change, one.change[:, ::-1], atol=0.02)
    np.testing.assert_allclose(other.mask, one.mask[:, ::-1], atol=1e-4)
    if name == "defgan":
        assert np.abs(one.offsets).max() > 0.5
        np.testing.assert_allclose(other.offsets, one.offsets[:, ::-1] * (-1, 1), atol=1e-3)


def test_a_grid_of_spacings_moves_the_photograph_farther_than_its_largest_spacing(weights, find, faces, tmp_path):
    content = json.loads((weights / "defgan.json").read_text())
    content["architecture"]["deformation"] = "spacing"
    (tmp_path / "defgan.json").write_text(json.dumps(content))
    shutil.copy(weights / "defgan.safetensors", tmp_path)
    part = Editor.load("defgan", tmp_path, find).generate(faces[0], preset("surprise"))
    positions = to_grid(torch.from_numpy(part.offsets[None]))
    assert positions[..., 0].diff(dim=2).min() > 0 and positions[..., 1].diff(dim=1).min() > 0
    assert np.abs(part.offsets).max() > content["architecture"]["max_offset"]


def test_photographs_may_be_paths_images_or_arrays(editor, face_file, face_pixels):
    with Image.open(face_file) as image:
        images = [face_file, str(face_file), image.copy(), face_pixels]
    first, *others = (editor.edit(image, aus={"smile": 1}).pixels for image in images)
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_a_face_lying_on_its_side_by_exif_is_edited_upright(editor, face_pixels, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° to the right to see it
    Image.fromarray(np.rot90(face_pixels)).save(tmp_path / "turned.png", exif=exif)
    edited = editor.edit(tmp_path / "turned.png", "anger")
    np.testing.assert_array_equal(edited.pixels, editor.edit(face_pixels, "anger").pixels)


def test_a_face_on_its_side_without_a_note_is_edited_as_the_upright_one(editor, face_pixels):
    turned = np.ascontiguousarray(np.rot90(face_pixels))
    edited = editor.edit(turned, "surprise")
    [part] = edited.parts
    assert part.face.quarters == 3
    upright = editor.edit(face_pixels, "surprise")
    back = np.rot90(edited.pixels, -1)
    # Resampling of the turned pixels differs by little; outside the face nothing changes.
    assert np.abs(back.astype(int) - upright.pixels).mean() < 0.1
    assert np.abs(part.face.crop.astype(int) - upright.parts[0].face.crop).mean() < 1
    away = outside(part.face, *turned.shape[:2])
    np.testing.assert_array_equal(edited.pixels[away], turned[away])
    [shown, *_] = pictures.row(editor, turned, part.face, [])
    assert np.abs(shown.astype(int) - pictures.portrait(face_pixels, upright.parts[0].face)[0]).mean() < 10


def test_grey_and_transparent_photographs(editor, face_pixels):
    grey = Image.fromarray(face_pixels).convert("L")
    edited = editor.edit(grey, "sad")
    assert edited.image.mode == "L"
    away = outside(edited.parts[0].face, *face_pixels.shape[:2])
    np.testing.assert_array_equal(np.asarray(edited.image)[away], np.asarray(grey)[away])
    alpha = np.full(face_pixels.shape[:2], 255, np.uint8)
    alpha[:9] = 7
    edited = editor.edit(Image.fromarray(np.dstack([face_pixels, alpha])), "sad")
    np.testing.assert_array_equal(np.asarray(edited.image)[..., 3], alpha)


@pytest.mark.parametrize("k", [3, pytest.param(6, marks=pytest.mark.long)])
def test_a_photograph_of_many_megapixels(editor, face_pixels, k):
    """Of 6; the long test takes one of 24, on the same way and four times as long."""
    large = np.full((2000 * k // 3, 1000 * k, 3), 96, np.uint8)
    side, top, left = 400 * k, 350 * k // 3, 250 * k
    large[top : top + side, left : left + side] = Image.fromarray(face_pixels).resize((side, side))
    edited = editor.edit(large, "surprise")
    assert edited.pixels.shape == large.shape
    away = outside(edited.parts[0].face, *large.shape[:2])
    np.testing.assert_array_equal(edited.pixels[away], large[away])
    small = editor.edit(np.pad(face_pixels, ((96, 144), (192, 480), (0, 0)), constant_values=96), "surprise")
    expected = (small.parts[0].face.points - (192, 96)) * side / 512 + (left, top)
    assert np.abs(edited.parts[0].face.points - expected).max() < side / 24  # a twentieth of the face


def test_ganimation_moves_nothing(weights, find, face_pixels):
    edited = Editor.load("ganimation", weights, find).edit(face_pixels, "happy")
    [part] = edited.parts
    assert part.offsets is None
    assert part.deformed is None
    np.testing.assert_array_equal(np.asarray(edited.deformed), face_pixels)
    assert (edited.pixels != face_pixels).any()
    assert feather(32).shape == part.mask.shape


def test_all_faces_of_a_group(editor, face_pixels):
    both = np.concatenate([face_pixels, face_pixels], axis=1)
    with pytest.raises(UserError, match="2 faces"):
        editor.edit(both, "happy")
    every, second = editor.edit(both, "happy", face="all"), editor.edit(both, "happy", face=2)
    left, right = (np.s_[:, :400], np.s_[:, 624:])
    np.testing.assert_array_equal(second.pixels[left], both[left])
    np.testing.assert_array_equal(every.pixels[right], second.pixels[right])
    assert (every.pixels[left] != both[left]).any()
    happy = "AU06 0.80, AU12 1.00, AU25 0.60, AU26 0.30"
    assert describe(every.parts).startswith(f"target action units face 1: {happy}; face 2: AU06")


def test_the_note_names_model_weights_and_units(editor, faces):
    part = editor.generate(faces[0], preset("anger"))
    note = editor.note(describe([part]))
    assert "this photograph is altered" in note
    assert f"model DefGAN, weights SHA-256 {editor.digest}" in note
    assert note.endswith("AU04 0.95, AU05 0.40, AU07 0.80, AU17 0.30, AU23 0.80")
    neutral = editor.generate(faces[0], np.zeros(len(AU_NAMES), np.float32))
    assert describe([neutral]).endswith("all 0")


def test_faces_are_edited_together_as_they_are_alone(editor, faces):
    [face] = faces
    other = replace(face, crop=np.ascontiguousarray(face.crop[:, ::-1]), x=face.x[::-1].copy())
    ys = [make_target(name).vector(face.x) for name in ("happy", "sad")]
    together = editor.generate_all([face, other], ys)
    for part, alone in zip(together, (editor.generate(face, ys[0]), editor.generate(other, ys[1])), strict=True):
        for field in ("offsets", "change", "mask"):
            # Of grey levels, pixels and shares; a batch is summed in another order.
            assert np.allclose(getattr(part, field), getattr(alone, field), atol=1e-2), field
        assert np.abs(part.image.astype(int) - alone.image).max() <= 1


@pytest.mark.parametrize(("device", "problem"), [("tpu", "tpu: no such device"), ("cuda", "torch finds no GPU here")])
def test_a_device_that_is_not_there(device, problem, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match=problem):
        Editor.load(device=device)
