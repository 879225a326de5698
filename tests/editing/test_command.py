"""`defgan edit` as it is typed."""

import shutil
import sys

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from defgan.cli import main
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.image_file import is_edit


@pytest.fixture
def run(monkeypatch, capsys, weights, editor):
    """Runs `defgan edit …`; returns the exit code, stdout and stderr."""
    made = {name: Editor.load(name, weights, editor.find) for name in (DEFAULT, "ganimation")}
    monkeypatch.setattr(Editor, "load", lambda name, *_, **__: made[name])

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["defgan", "edit", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def photo(tmp_path, face_file):
    return shutil.copy(face_file, tmp_path / "photo.jpg")


def test_an_expression_by_name(run, photo):
    before = photo.read_bytes()
    code, out, _ = run(photo, "--expression", "happy", "--strength", "0.7")
    assert code == 0
    edited = photo.with_name("photo.happy.jpg")
    assert out.startswith(f"{edited}: happy, ")
    assert photo.read_bytes() == before
    assert is_edit(edited)
    with Image.open(edited) as image:
        comment = image.getexif().get_ifd(0x8769)[0x9286].decode()
    assert "AU12 0.7" in comment


def test_units_in_plain_words_by_either_model(run, photo):
    code, _, _ = run(photo, "--au", "smile=1", "--au", "AU06=0.6", "--relative", "--model", "ganimation")
    assert code == 0
    assert is_edit(photo.with_name("photo.AU12-AU06.ganimation.jpg"))


def test_nothing_is_overwritten_unless_told(run, photo):
    before = photo.read_bytes()
    code, _, problems = run(photo, "--neutral", "--output", photo)
    assert code == 1
    assert f"{photo} exists already; --overwrite replaces it" in problems
    assert photo.read_bytes() == before
    code, _, _ = run(photo, "--neutral", "--output", photo, "--overwrite")
    assert code == 0
    assert is_edit(photo)


def test_a_batch_goes_on_after_a_broken_file(run, photo, face_file, tmp_path):
    (tmp_path / "a_broken.jpg").write_bytes(b"no image")
    Image.new("RGB", (200, 200)).save(tmp_path / "empty.png")
    Image.open(face_file).convert("L").save(tmp_path / "grey.png")
    (tmp_path / "notes.txt").write_text("not a photograph")
    code, out, problems = run(tmp_path, "-e", "sad")
    assert code == 1
    assert "2 of 4 photographs edited" in out
    assert "a_broken.jpg: not a readable image" in problems
    assert "empty.png: no face found" in problems
    assert len([line for line in problems.splitlines() if "edit:" in line]) == 2
    assert is_edit(tmp_path / "photo.sad.jpg")
    assert is_edit(tmp_path / "grey.sad.png")
    # What is an edit already is left alone by the next run; the others are there.
    code, out, problems = run(str(tmp_path / "*g"), "-e", "sad", "-o", tmp_path / "out")
    assert "2 skipped" in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"photo.sad.jpg", "grey.sad.png"}


def test_sheet_strip_and_films(run, photo):
    code, out, _ = run(photo, "-e", "fear", "--sheet", "--sweep", 3, "--animate", photo.with_name("a.gif"))
    assert code == 0
    assert len(out.splitlines()) == 3
    sheet, strip = (Image.open(photo.with_name(name)) for name in ("photo.sheet.png", "photo.fear.sweep.png"))
    assert sheet.width > 2 * strip.width
    assert "model DefGAN" in sheet.text["Comment"]
    film = Image.open(photo.with_name("a.gif"))
    assert film.n_frames > 20
    assert max(film.size) <= 480
    frames = []
    for index in (0, film.n_frames // 2):
        film.seek(index)
        frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert np.abs(frames[0] - frames[1]).max() > 20
    code, out, _ = run(photo, "-e", "fear", "--animate", photo.with_name("a.mp4"))
    assert code == 0
    reader = imageio_ffmpeg.read_frames(str(photo.with_name("a.mp4")))
    about = next(reader)
    reader.close()
    assert about["codec"] == "h264"
    assert about["pix_fmt"].startswith("yuv420p")
    assert max(about["size"]) <= 720
    assert not photo.with_name("photo.fear.jpg").exists()


def test_a_lone_sheet_needs_no_expression(run, photo):
    code, _, _ = run(photo, "--sheet", "--strength", "0.5")
    assert code == 0
    assert photo.with_name("photo.sheet.png").exists()


def test_parts_are_saved_on_request(run, photo):
    code, _, _ = run(photo, "-e", "anger", "--save-parts")
    assert code == 0
    names = {path.name for path in photo.parent.iterdir()} - {"photo.jpg"}
    assert names == {f"photo.anger.{end}" for end in ("jpg", "deformed.png", "grid.png", "mask.png", "texture.png")}
    with Image.open(photo.with_name("photo.anger.deformed.png")) as image:
        assert image.size == (512, 512)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--au", "simle=1"], "simle: no such action unit; the nearest are smile"),
        (["--au", "AU12=2"], "AU12=2 is out of range"),
        (["--au", "AU12"], "AU12: expected a name and a number"),
        (["-e", "hapy"], "hapy: no such expression; the nearest is happy"),
        (["-e", "happy", "--neutral"], "not both"),
        (["-e", "happy", "--face", "left"], "left: no such choice of a face"),
        (["-e", "happy", "--animate", "a.avi"], "use .gif or .mp4"),
        (["-e", "happy", "-o", "a.xyz"], "a.xyz: unknown format"),
        (["--sweep", "3"], "nothing to edit"),
        ([], "nothing to edit"),
    ],
)
def test_mistakes_end_in_one_line(run, photo, words, message):
    code, _, problems = run(photo, *words)
    assert code == 1
    assert message in problems
    assert len(problems.strip().splitlines()) == 1
    assert [path.name for path in photo.parent.iterdir()] == ["photo.jpg"]


def test_where_there_are_no_photographs(run, tmp_path):
    for path, message in [(tmp_path, "no photographs here"), (tmp_path / "none.jpg", "no such file")]:
        code, _, problems = run(path, "-e", "happy")
        assert code == 1
        assert message in problems


def test_an_output_that_cannot_be_written(run, photo, tmp_path):
    (tmp_path / "file").write_text("x")
    code, _, problems = run(photo, "-e", "happy", "-o", tmp_path / "file" / "a.jpg")
    assert code == 1
    assert "cannot be written" in problems
