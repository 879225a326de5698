"""Clips edited from file to file, and the frames in between."""

import shutil
import sys
import weakref
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from defgan import alignment
from defgan.cli import main
from defgan.demo.examples import examples
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.native import deform_crop
from defgan.editing.targets import make_target
from defgan.editing.video import edit as edit_module
from defgan.editing.video.clip import Clip, is_edited_clip
from defgan.editing.video.edit import edit_video, is_moving, make_plan, output_suffix, render
from defgan.editing.video.face_tracker import RATE, FaceTracker
from defgan.editing.video.timeline import steady
from defgan.errors import UserError
from tests.editing.video.clips import Memory, pan, write_clip
from tests.editing.video.test_clip import packets

HAPPY = steady(make_target("happy"))


@pytest.fixture(scope="module")
def other_pixels():
    """Another rendered person."""
    with Image.open(examples()[1]) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def frames(face_pixels):
    return pan(face_pixels, 14)


@pytest.fixture(scope="module")
def plan(editor, frames):
    return make_plan(editor, Memory(frames), HAPPY)


def rendered(editor, memory, plan):
    written = []
    count = render(editor, memory, plan, written.append)
    return count, written


def test_a_face_is_followed_and_its_crop_moves_smoothly(plan, frames, face_pixels, find):
    [edit] = plan.edits
    assert plan.shots == [0]
    assert edit.track.frames == list(range(14))
    steps = np.diff(edit.points[:, :, 0], axis=0)
    assert np.abs(steps - 0.5).max() < 0.25  # the camera pans by half a pixel
    [found] = find(frames[7])
    assert np.abs(edit.points[7] - found.points).max() < 2
    assert np.diff(edit.times[edit.track.keys]).min() >= 1 / RATE - 1e-3
    assert (edit.presence == 1).all()


def test_a_large_face_is_followed_as_a_small_one_is(find, face_pixels):
    """Of a large face fewer pixels are looked at: that must not shift its points."""
    large = face_pixels[:510, :510]
    small = large.reshape(170, 3, 170, 3, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    points = []
    for pixels in (large, small):
        tracker = FaceTracker(find)
        tracker.add(0, 0.0, pixels)
        [track] = tracker.tracks
        points.append(track.points[0] * (510 / len(pixels)))
    assert np.abs((points[0] - points[1]).mean(axis=0)).max() < 1
    assert np.abs(points[0] - points[1]).max() < 3


def test_every_frame_is_written_once_in_order(editor, plan, frames):
    count, written = rendered(editor, Memory(frames), plan)
    assert count == 14
    assert [frame.time for frame in written] == pytest.approx([n / 25 for n in range(14)])
    changes = [np.abs(frame.image.astype(int) - image).max() for frame, image in zip(written, frames, strict=True)]
    assert min(changes) > 10
    # The networks see every second frame: those between are no less edited, and nothing jumps.
    sizes = [np.abs(frame.image.astype(int) - image).mean() for frame, image in zip(written, frames, strict=True)]
    assert np.abs(np.diff(sizes)).max() < 0.15 * np.mean(sizes)


def test_frames_in_memory_do_not_grow_with_the_clip(editor, frames):
    alive, most = weakref.WeakSet(), 0

    class Counted(Memory):
        def frames(self):
            nonlocal most
            for frame in super().frames():
                alive.add(frame)
                most = max(most, len(alive))
                yield frame

    memory = Counted([*frames, *frames[::-1]] * 2)
    assert rendered(editor, memory, make_plan(editor, memory, HAPPY))[0] == 56
    assert most <= 40


def test_the_grid_keeps_pace_and_the_texture_is_steady(editor, plan, frames, monkeypatch):
    """What the networks gave for one moment alone shows in the grid for a shorter while than in the texture.

    Where the mask is 1 the texture hides whatever moves below it, but for closed lids.
    """
    [edit] = plan.edits
    keys = [edit.track.frames[position] for position in edit.track.keys]
    for number in keys:
        face = edit.face(number, frames[number])
        mask = np.full(face.crop.shape[:2], 1.0, np.float32)
        offsets = np.full((*mask.shape, 2), 2.0 * (number == keys[3]), np.float32)
        texture = 100.0 + 50 * (number == keys[3])
        change = texture - deform_crop(face.crop, offsets)
        edit.learn(number, SimpleNamespace(face=face, mask=mask, offsets=offsets, change=change))
    applied = []
    monkeypatch.setattr(edit_module, "apply_edit", lambda pixels, transform, *fields: applied.append(fields) or pixels)
    lids = np.zeros(mask.shape, np.float32)
    monkeypatch.setattr(edit_module, "lid_weight", lambda eyes, closed, size: lids)
    for number, pixels in enumerate(frames):
        edit.render(number, pixels)
        crop = alignment.crop(pixels, edit._transforms[number], editor.find.crop_size)
        shown = applied[-1][1] + deform_crop(crop, applied[-1][0])
        assert np.ptp(shown) < 1e-2  # the texture alone, though each frame has another face below
        applied[-1] = applied[-1][0].mean() / 2, (shown.mean() - 100) / 50
    grid, texture = np.array(applied).T
    assert grid.argmax() == texture.argmax() == keys[3]
    assert 0.5 < grid[keys[3]] < 1 and 0.2 < texture[keys[3]] < 0.5
    grid_reach, texture_reach = ((course > 0.01).sum() for course in (grid, texture))
    assert 2 <= grid_reach < texture_reach
    lids[:] = 1
    edit.render(keys[-1], frames[keys[-1]])
    assert not applied[-1][1].any()


def test_before_and_after_the_edit_frames_are_the_same_objects(editor, frames):
    memory = Memory(frames)
    plan = make_plan(editor, memory, steady(make_target("happy"), 0.1, 0.4, 0.05))
    originals = list(memory.frames())
    written = []
    render(editor, memory, plan, written.append)
    same = [np.array_equal(a.image, b.image) for a, b in zip(originals, written, strict=True)]
    assert same == [n / 25 <= 0.1 or n / 25 >= 0.4 - 1e-9 for n in range(14)]
    with pytest.raises(UserError, match=r"ends at 0\.52 s"):
        make_plan(editor, memory, steady(make_target("happy"), 5))


def test_nothing_is_smoothed_across_a_cut(editor, face_pixels, other_pixels):
    first, second = pan(face_pixels, 8), pan(other_pixels, 8, step=0)
    plan = make_plan(editor, Memory([*first, *second]), HAPPY)
    assert plan.shots == [0, 8]
    assert [edit.track.frames for edit in plan.edits] == [list(range(8)), list(range(8, 16))]
    assert all((edit.presence == 1).all() for edit in plan.edits)
    alone = make_plan(editor, Memory(first), HAPPY)
    assert np.allclose(alone.edits[0].points, plan.edits[0].points)


def test_a_face_that_goes_fades(editor, frames):
    covered = [frame.copy() for frame in frames[:8]]
    for frame in covered:
        frame[20:, 30:100] = frame[20:, 30:100].mean(axis=(0, 1)).astype(np.uint8)
    plan = make_plan(editor, Memory([*frames, *covered]), HAPPY)
    [edit] = plan.edits
    assert edit.track.frames[-1] < 15
    assert (np.diff(edit.presence[-4:]) < 0).all()
    count, written = rendered(editor, Memory([*frames, *covered]), plan)
    assert count < 16
    assert np.array_equal(written[-1].image, covered[-1])


def test_two_people(editor, face_pixels, other_pixels, tmp_path):
    both = [np.concatenate(pair, axis=1) for pair in zip(pan(face_pixels, 10), pan(other_pixels, 10), strict=True)]
    memory = Memory(both)
    with pytest.raises(UserError, match=r"two faces at 0\.0 s; choose: --face largest, --face all or --face N"):
        make_plan(editor, memory, HAPPY)
    assert [edit.track.person for edit in make_plan(editor, memory, HAPPY, "all").edits] == [0, 1]
    [right] = make_plan(editor, memory, HAPPY, 2).edits
    assert right.points[:, :, 0].min() > 128
    with pytest.raises(UserError, match="there is no face 3; 2 found"):
        make_plan(editor, memory, HAPPY, 3)


def test_a_person_is_known_again_after_a_cut(editor, face_pixels, other_pixels):
    shots = [pan(face_pixels, 6), pan(other_pixels, 6, step=0), pan(face_pixels, 6, size=(160, 120), step=-0.5)]
    shots[2] = [frame[12:108, 16:144] for frame in shots[2]]
    plan = make_plan(editor, Memory([frame for shot in shots for frame in shot]), HAPPY, "all")
    assert [edit.track.person for edit in plan.edits] == [0, 1, 0]


# --- from file to file


def test_a_clip_with_sound_and_an_uneven_clock(editor, frames, tmp_path):
    times = np.cumsum([0, *([0.03, 0.05, 0.09] * 5)])[:14]
    path = write_clip(tmp_path / "a.mp4", frames, times, sound="aac")
    summary = edit_video(editor, path, tmp_path / "b.mp4", HAPPY)
    assert (summary.frames, summary.edited, summary.without_face, summary.people) == (14, 14, 0, 1)
    assert [frame.time for frame in Clip(tmp_path / "b.mp4").frames()] == pytest.approx(times, abs=1e-3)
    assert packets(tmp_path / "b.mp4") == packets(path)
    with av.open(str(tmp_path / "b.mp4")) as container:
        note = container.metadata["comment"]
    assert "this clip is altered" in note
    assert editor.digest in note
    assert "AU12 1.00" in note


def test_a_portrait_clip_of_a_phone(editor, face_pixels, tmp_path):
    upright = pan(face_pixels, 6, size=(96, 128), step=0)
    stored = [np.rot90(frame, 1) for frame in upright]  # the flag turns them back
    times = [0, 0.03, 0.07, 0.15, 0.18, 0.24]  # phones take fewer frames in the dark
    path = write_clip(tmp_path / "a.mp4", [np.ascontiguousarray(frame) for frame in stored], times, rotation=-90)
    assert edit_video(editor, path, tmp_path / "b.mp4", HAPPY).edited == 6
    edited = Clip(tmp_path / "b.mp4")
    assert edited.size == (96, 128) and [frame.time for frame in edited.frames()] == pytest.approx(times, abs=1e-3)


def test_a_clip_without_a_face(editor, tmp_path):
    path = write_clip(tmp_path / "a.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 5)
    with pytest.raises(UserError, match="no face found"):
        edit_video(editor, path, tmp_path / "b.mp4", HAPPY)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_a_clip_that_breaks_off(editor, frames, tmp_path):
    path = write_clip(tmp_path / "a.mkv", [*frames, *frames[::-1]])
    content = path.read_bytes()
    (tmp_path / "b.mkv").write_bytes(content[: 2 * len(content) // 3])
    summary = edit_video(editor, tmp_path / "b.mkv", tmp_path / "c.mkv", HAPPY)
    assert 0 < summary.frames < 28
    assert summary.edited == summary.frames == len(list(Clip(tmp_path / "c.mkv").frames()))


def test_a_kill_leaves_no_half_file(editor, frames, tmp_path):
    path = write_clip(tmp_path / "a.mp4", frames)

    def killed(items, total, word):
        for number, item in enumerate(items):
            if word == "Editing" and number == 10:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        edit_video(editor, path, tmp_path / "b.mp4", HAPPY, progress=killed)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animations(editor, face_pixels, tmp_path, suffix):
    images = [Image.fromarray(frame) for frame in pan(face_pixels, 4)]
    path = tmp_path / f"a{suffix}"
    images[0].save(path, save_all=True, append_images=images[1:], duration=120, loop=0)
    assert is_moving(path)
    assert output_suffix(path) == suffix
    assert edit_video(editor, path, tmp_path / f"b{suffix}", HAPPY).edited == 4
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.n_frames == 4
    with pytest.raises(UserError, match=r"unknown format for this; use one of \.gif"):
        edit_video(editor, path, tmp_path / "b.mp4", HAPPY)


# --- as it is typed


@pytest.fixture
def run(monkeypatch, capsys, weights, editor):
    own = Editor.load(DEFAULT, weights, editor.find)
    monkeypatch.setattr(Editor, "load", lambda *_, **__: own)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["defgan", "edit", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return call


def test_the_command(run, frames, face_file, tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames)
    code, out, _ = run(path, "-e", "happy", "--from", 0.1, "--to", 0.4, "--ease", 0.1)
    assert code == 0
    assert out.startswith(f"{tmp_path / 'clip.happy.mp4'}: happy, 7 of 14 frames edited, ")
    assert is_edited_clip(tmp_path / "clip.happy.mp4")
    (tmp_path / "curve.csv").write_text("time,expression\n0,neutral\n0.5,fear\n")
    assert run(path, "--keyframes", tmp_path / "curve.csv")[0] == 0
    assert is_edited_clip(tmp_path / "clip.curve.mp4")
    code, _, problems = run(path, "-e", "happy")
    assert code == 1
    assert "exists already; --overwrite replaces it" in problems
    photo = shutil.copy(face_file, tmp_path / "photo.jpg")
    code, _, problems = run(photo, "-e", "happy", "--to", 1)
    assert code == 1
    assert "--from and --to are for clips" in problems
    # A table of somebody else's expressions makes a clip of a photograph.
    (tmp_path / "actor.csv").write_text("time,AU12\n0,0\n0.04,0.5\n0.08,1\n")
    code, out, _ = run(photo, "--drive", tmp_path / "actor.csv")
    assert code == 0
    read, made = out.splitlines()
    assert read.startswith(f"{tmp_path / 'actor.csv'}: 3 frames, 0.1 s: AU12 0.00–1.00; without AU01")
    assert made.startswith(f"{tmp_path / 'photo.drive-actor.mp4'}: drive-actor, 3 frames, ")
    assert is_edited_clip(tmp_path / "photo.drive-actor.mp4")
    for more in (["-e", "happy"], ["--from", 1], ["--sheet"]):
        code, _, problems = run(photo, "--drive", tmp_path / "actor.csv", *more)
        assert code == 1
        assert "--drive" in problems
    (tmp_path / "actor.csv").unlink()
    (tmp_path / "photo.drive-actor.mp4").unlink()
    # In a folder clips and photographs are edited alike, edits left alone.
    (tmp_path / "curve.csv").unlink()
    code, out, _ = run(tmp_path, "-e", "sad")
    assert code == 0, out
    assert "2 skipped" in out
    assert is_edited_clip(tmp_path / "clip.sad.mp4")
    assert (tmp_path / "photo.sad.jpg").is_file()
