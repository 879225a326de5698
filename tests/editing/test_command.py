"""`defgan edit` as it is typed."""

import shutil
import sys

import av
import numpy as np
import pytest
from PIL import Image

from defgan.cli import main
from defgan.demo.examples import examples
from defgan.editing import DEFAULT, jobs
from defgan.editing.credentials import EDIT_LABEL, read_credentials
from defgan.editing.editor import Editor
from defgan.editing.image_file import is_edit
from defgan.editing.words import read_expressions
from defgan.facs import PRESETS


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


def test_words_own_expressions_and_more_than_full_strength(run, photo, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("delighted: {raise cheeks: 1, smile: 0.8}\n", "utf-8")
    for words, name in [
        (["-e", "Smile", "--strength", "1.5"], "happy"),
        (["-e", "squint"], "AU07"),
        (["-e", "Delighted", "--expressions", mine], "delighted"),
    ]:
        code, _, _ = run(photo, *words)
        assert code == 0
        assert is_edit(photo.with_name(f"photo.{name}.jpg"))
    with Image.open(photo.with_name("photo.happy.jpg")) as image:
        assert "AU12 1.00" in image.getexif().get_ifd(0x8769)[0x9286].decode()


def test_the_expression_of_another_photograph(run, photo, face_file, tmp_path):
    other = shutil.copy(examples()[1], tmp_path / "other.jpg")
    code, out, _ = run(photo, "--like", other, "-o", tmp_path / "a.png")
    assert code == 0
    read, edited = out.splitlines()
    assert read == f"{other}: all near 0"  # a neutral face
    assert "like-other" in edited
    # The same photograph as neutral: nothing changes but for the encoding.
    code, out, _ = run(photo, "--like", other, "--like-neutral", other, "-o", tmp_path / "b.png")
    assert code == 0
    assert f"{other}: all near 0" in out
    for words, message in [
        (["--like", tmp_path / "none.jpg"], "none.jpg: no such file"),
        (["--like", other, "-e", "happy"], "give one of --like"),
        (["--like-neutral", other], "--like-neutral needs --like"),
    ]:
        code, _, problems = run(photo, *words)
        assert code == 1
        assert message in problems


def test_faces_are_numbered_and_edited_one_by_one(run, face_pixels, tmp_path, monkeypatch, capsys):
    group = tmp_path / "group.png"
    Image.fromarray(np.concatenate([face_pixels] * 3, axis=1)).save(group)
    monkeypatch.setattr(sys, "argv", ["defgan", "faces", str(group)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == ["1:", "2:", "3:"]
    assert last == f"{tmp_path / 'group.faces.png'}: 3 faces, 3 of which can be edited"
    assert is_edit(tmp_path / "group.faces.png")  # so that a folder's edits leave it out
    with pytest.raises(SystemExit):
        main()
    assert "exists already" in capsys.readouterr().err
    code, _, _ = run(group, "--face", "1=happy", "--face", "3=Surprised")
    assert code == 0
    both, before = Image.open(tmp_path / "group.1-happy-3-surprise.png"), np.asarray(Image.open(group))
    comment, after = both.text["Comment"], np.asarray(both)
    assert "face 1: AU06 0.80, AU12 1.00, AU25 0.60, AU26 0.30; face 3: AU01 0.95" in comment
    middle = np.s_[:, 560:976]
    np.testing.assert_array_equal(after[middle], before[middle])
    assert (after[:, :512] != before[:, :512]).any() and (after[:, 1024:] != before[:, 1024:]).any()
    code, _, problems = run(group, "--face", "1=happy", "--face", "4=sad", "--overwrite")
    assert code == 1
    assert "there is no face 4" in problems
    code, _, problems = run(group, "--face", "1=happy", "-e", "sad")
    assert code == 1
    assert "give one of --like, --face N=EXPRESSION" in problems


def test_the_expressions_as_a_file(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["defgan", "expressions"])
    with pytest.raises(SystemExit):
        main()
    file = tmp_path / "mine.yaml"
    file.write_text(capsys.readouterr().out, "utf-8")
    assert read_expressions(file) == PRESETS


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
    with av.open(str(photo.with_name("a.mp4"))) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.pix_fmt, video.average_rate) == ("h264", "yuv420p", 16)
        assert max(video.width, video.height) <= 720
        assert "fear at rising strength" in container.metadata["comment"]
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video)]
    assert len(shown) == 46
    with Image.open(photo) as image:
        original = np.asarray(image.resize(shown[0].shape[1::-1]))
    assert np.abs(shown[0] - original)[:25].mean() < 4  # outside the face colours are kept
    assert np.abs(shown[0] - shown[len(shown) // 2]).max() > 20
    assert not photo.with_name("photo.fear.jpg").exists()


def test_a_lone_sheet_needs_no_expression_and_has_the_format_of_its_name(run, photo):
    for words, kind in (
        ([], "PNG"),
        (["-o", photo.with_name("s.jpg")], "JPEG"),
        (["-o", photo.with_name("s.tif")], "TIFF"),
    ):
        code, out, _ = run(photo, "--sheet", "--strength", "0.5", *words)
        assert code == 0
        path = out.partition(": the six expressions")[0]
        assert path == str(words[1] if words else photo.with_name("photo.sheet.png"))
        with Image.open(path) as image:
            assert image.format == kind
        assert is_edit(path)


def test_parts_are_saved_on_request(run, photo):
    code, _, _ = run(photo, "-e", "anger", "--save-parts")
    assert code == 0
    names = {path.name for path in photo.parent.iterdir()} - {"photo.jpg"}
    assert names == {f"photo.anger.{end}" for end in ("jpg", "deformed.png", "grid.png", "mask.png", "texture.png")}
    with Image.open(photo.with_name("photo.anger.deformed.png")) as image:
        assert image.size == (512, 512)


def test_parts_are_protected_and_written_with_the_edit_or_not_at_all(run, photo, face_file, monkeypatch):
    mine = photo.with_name("photo.anger.mask.png")
    mine.write_bytes(b"mine")
    code, _, problems = run(photo, "-e", "anger", "--save-parts")
    assert code == 1 and f"{mine} exists already; --overwrite replaces it" in problems
    assert {path.name for path in photo.parent.iterdir()} == {"photo.jpg", mine.name} and mine.read_bytes() == b"mine"
    code, _, _ = run(photo, "-e", "anger", "--save-parts", "--overwrite")
    assert code == 0
    with Image.open(mine) as image:
        assert image.size == (512, 512)
    # The number of faces is known late: what is then in the way is kept too.
    with Image.open(face_file) as image:
        both = Image.new("RGB", (2 * image.width, image.height))
        both.paste(image)
        both.paste(image, (image.width, 0))
    two = photo.with_name("two.png")
    both.save(two)
    photo.with_name("two.anger.mask.2.png").write_bytes(b"mine")
    code, _, problems = run(two, "-e", "anger", "--save-parts", "--face", "all")
    assert code == 1 and "two.anger.mask.2.png exists already" in problems
    assert not photo.with_name("two.anger.png").exists()


def test_an_error_that_nobody_expected_ends_no_batch(run, photo, monkeypatch):
    shutil.copy(photo, photo.with_name("b.jpg"))
    opened = jobs.open_photograph

    def fails(path):
        if path.name == "b.jpg":
            raise RuntimeError("the unexpected\nin two lines")
        return opened(path)

    monkeypatch.setattr(jobs, "open_photograph", fails)
    code, out, problems = run(photo.parent, "-e", "happy")
    assert code == 1 and "1 of 2 photographs edited" in out and "Traceback" not in problems
    line = r"b.jpg: an error in DefGAN, RuntimeError: the unexpected\nin two lines; --debug shows where"
    assert line in problems
    code, _, problems = run(photo.with_name("b.jpg"), "-e", "happy", "--debug")
    assert code == 1 and "Traceback" in problems and "in fails" in problems


def test_an_output_ending_in_a_slash_is_a_folder(run, photo):
    folder = photo.with_name("edits.v2")
    code, _, problems = run(photo, "-e", "happy", "-o", folder)
    assert code == 1 and f"a folder ends with a slash: {folder}/" in problems
    code, _, _ = run(photo, "-e", "happy", "-o", f"{folder}/")
    assert code == 0 and is_edit(folder / "photo.happy.jpg")
    code, _, problems = run(photo, folder, "-e", "sad", "-o", folder.with_name("a.png"))
    assert code == 0 and is_edit(folder.with_name("a.png"))  # the folder holds an edit only


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sheet", "-e", "happy"], "--sheet shows all six expressions: leave out --expression"),
        (["--sheet", "--au", "smile=1"], "--sheet shows all six expressions: leave out --expression"),
        (["--sheet", "--save-parts"], "--save-parts belongs to a single edit: leave it out, or --sheet"),
        (["-e", "fear", "--sweep", "3", "--save-parts"], "leave it out, or --sweep"),
        (["-e", "fear", "--animate", "a.gif", "-o", "out"], "--animate names the film's file: leave out --output"),
        (["--neutral", "--relative"], "neutral with --relative would add nothing"),
        (["--sheet", "-o", "s.gif"], "s.gif: unknown format; use one of .jpg"),
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


def test_content_credentials_say_what_was_edited(run, photo, tmp_path):
    pytest.importorskip("c2pa", reason="the extra `c2pa` is not installed")
    code, _, _ = run(photo, "--au", "AU12=0.6", "--credentials", "test")
    edited = photo.with_name("photo.AU12.jpg")
    assert code == 0 and is_edit(edited)
    manifest = read_credentials(edited.read_bytes(), "JPEG")
    [told] = [entry["data"] for entry in manifest["assertions"] if entry["label"] == EDIT_LABEL]
    assert manifest["validation_state"] == "Valid" and manifest["title"] == edited.name
    assert told["model"] == DEFAULT and told["action_units"]["face 1"]["AU12"] == 0.6
    code, _, problems = run(photo, "-e", "sad", "--credentials", tmp_path / "none.pem")
    assert code == 1 and "none.pem: no such file" in problems and not photo.with_name("photo.sad.jpg").exists()
