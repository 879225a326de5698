"""The expression of an actor over time, from a clip or a table."""

import csv

import av
import numpy as np
import pytest
from PIL import Image

from defgan.demo.examples import examples
from defgan.editing.targets import HIGHEST
from defgan.editing.video.clip import Clip, is_edited_clip
from defgan.editing.video.drive import AT_REST, RATE, drive_photograph, read_drive
from defgan.editing.video.edit import edit_video
from defgan.errors import UserError
from defgan.faces.au_estimators.base import AUPrediction
from defgan.facs import AU_NAMES
from tests.editing.video.clips import pan, write_clip
from tests.editing.video.test_clip import packets

SMILES = np.array([name == "AU12" for name in AU_NAMES], np.float32) / 255
SMILE, LIDS = AU_NAMES.index("AU12"), AU_NAMES.index("AU45")
X = np.full(17, 0.2, np.float32)


def table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def openface_rows(smiles, rate=10.0):
    """Rows as FeatureExtraction writes them, with spaces before the headings."""
    return [
        {"frame": n + 1, " face_id": 0, " timestamp": n / rate, " confidence": 0.98, " success": 1}
        | {f" {name}_r": 5 * smile if name == "AU12" else 0.5 for name in AU_NAMES}
        | {" AU12_c": 1}
        for n, smile in enumerate(smiles)
    ]


def smile_at(drive, time, x=X, rest=X):
    return drive.vector(time, x, rest)[SMILE]


@pytest.fixture(scope="module")
def actor_frames():
    with Image.open(examples()[1]) as image:
        return pan(np.asarray(image.convert("RGB")), 10)


# --- tables


def test_a_table_of_openface(tmp_path):
    rows = openface_rows(np.linspace(0, 0.9, 10))
    rows[4] |= {" success": 0, " AU12_r": 5}
    rows[6] |= {" confidence": 0.3, " AU12_r": 5}
    drive = read_drive(None, table(tmp_path / "a.csv", rows))
    assert np.allclose(drive.times, np.arange(10) / 10)
    assert drive.end == pytest.approx(1)
    # A straight line is not changed by the smoothing, and rows without a face get what is around them.
    assert [smile_at(drive, t) for t in (0, 0.25, 0.4, 0.6, 0.9, 5)] == pytest.approx([0, 0.25, 0.4, 0.6, 0.9, 0.9])
    assert drive.vector(0, X, X)[LIDS] == pytest.approx(0.1)
    assert str(drive).startswith("10 frames, 1.0 s: AU01 0.10–0.10, ")
    assert "AU12 0.00–0.90" in drive.said
    assert "no face in 2 of 10 frames" in str(drive)


def test_strength_and_relative_motion(tmp_path):
    path = table(tmp_path / "a.csv", openface_rows(np.linspace(0.3, 0.8, 11)))
    assert smile_at(read_drive(None, path, 0.5), 1) == pytest.approx(0.5)  # half of the way from 0.2 to 0.8
    drive = read_drive(None, path, 1, relative=True)
    at_rest = np.percentile(np.linspace(0.3, 0.8, 11), AT_REST)
    assert smile_at(drive, 1) == pytest.approx(0.2 + 0.8 - at_rest)
    # On a clip the person's usual AUs count, not those of the moment.
    assert smile_at(drive, 1, x=X + 0.4) == pytest.approx(0.2 + 0.8 - at_rest)
    assert drive.vector(1, X, X)[LIDS] == pytest.approx(0.2)
    assert smile_at(drive, 1, rest=X + 0.7) == HIGHEST
    assert "relative to that face at rest" in drive.said
    with pytest.raises(UserError, match="strength 2 is out of range"):
        read_drive(None, path, 2)


def test_a_table_of_pyfeat(tmp_path):
    """From 0 to 1, frames without times, AU43 for AU45, several faces in a frame, empty cells; some units only."""
    rows = []
    for frame in range(6):
        for width, smile in ((30, 0.9), (60, 0.1 * frame)):
            rows.append({"frame": frame, "FaceRectWidth": width, "FaceRectHeight": width, "AU12": smile, "AU43": 0.7})
    rows[5] |= {"AU12": "", "AU43": ""}
    drive = read_drive(None, table(tmp_path / "a.csv", rows))
    assert np.allclose(drive.times, np.arange(6) / RATE)
    assert [smile_at(drive, n / RATE) for n in range(6)] == pytest.approx([0.1 * n for n in range(6)], abs=1e-6)
    moment = drive.vector(0, X, X)
    assert moment[LIDS] == pytest.approx(0.7)
    assert (np.delete(moment, [SMILE, LIDS]) == np.float32(0.2)).all()
    text = str(drive)
    assert "AU12 0.00–0.50, AU45 0.70–0.70; 25 frames per second" in text
    assert "one of several faces, 6 of 12 rows; no face in 1 of 6 frames" in text
    assert "without AU01, AU02" in text


def test_of_several_faces_the_one_seen_most(tmp_path):
    rows = openface_rows([0.3] * 6)
    for row in rows[:2]:
        row |= {" face_id": 1, " AU12_r": 5}
    drive = read_drive(None, table(tmp_path / "a.csv", rows))
    assert len(drive.times) == 4
    assert smile_at(drive, 0) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({" AU12_r": 7}, r"an action unit is 7; they are from 0 to 5 in OpenFace's"),
        ({" AU12_r": "much"}, r"column `AU12_r`, row 1: `much` is not a number"),
        ({" timestamp": ""}, r"row 1 has no time"),
        ({" success": 0}, r"no row shows a face"),
    ],
)
def test_tables_that_are_none(tmp_path, change, problem):
    path = table(tmp_path / "a.csv", [openface_rows([0.3])[0] | change])
    with pytest.raises(UserError, match=problem) as error:
        read_drive(None, path)
    assert str(error.value).startswith(str(path))
    assert str(error.value).count(str(path)) == 1


def test_files_that_drive_nothing(tmp_path, find, face_file):
    (tmp_path / "b.csv").write_text("time,mood\n0,good\n")
    still = write_clip(tmp_path / "grey.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 3)
    for path, problem in (
        (tmp_path / "b.csv", "columns of action units"),
        (tmp_path / "none.csv", "cannot be read"),
        (tmp_path / "none.mp4", "not a readable clip"),
        (face_file, "--like takes the expression of a photograph"),
        (still, "no face found"),
    ):
        with pytest.raises(UserError, match=problem):
            read_drive(find, path)


# --- clips


@pytest.fixture
def photo(face_pixels, tmp_path):
    Image.fromarray(face_pixels).resize((255, 253)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_clip_drives_a_photograph_and_another_clip(editor, actor_frames, face_pixels, photo, tmp_path, monkeypatch):
    times = np.cumsum([0, *([0.03, 0.05, 0.04] * 3)])
    for number, frame in enumerate(actor_frames):
        frame[:16, :16] = 20 * number
    actor = write_clip(tmp_path / "actor.mp4", actor_frames, times, sound="aac")
    with monkeypatch.context() as patch:
        # The rendered people have neutral faces: here the brightness of a corner stands for a smile.
        patch.setattr(
            editor.find, "estimate_aus", lambda pixels, _: AUPrediction.of(SMILES * pixels[4:12, 4:12].mean())
        )
        drive = read_drive(editor.find, actor)
    assert np.allclose(drive.times, times, atol=1e-3)
    expected = [20 * number / 255 for number in range(10)]
    assert [smile_at(drive, time) for time in drive.times] == pytest.approx(expected, abs=0.03)
    # The photograph gets the actor's clock and sound.
    output = tmp_path / "photo.mp4"
    assert drive_photograph(editor, photo, output, drive) == "10 frames"
    made = list(Clip(output).frames())
    assert [frame.time for frame in made] == pytest.approx(times, abs=1e-3)
    assert packets(output) == packets(actor)
    assert is_edited_clip(output)
    with av.open(str(output)) as container:
        assert "driven by actor.mp4 (AU12 0.0" in container.metadata["comment"]
    first, last = (made[row].pixels().astype(int) for row in (0, -1))
    assert first.shape == (252, 254, 3)  # H.264 has even sides
    assert np.abs(last - first).max() > 20
    assert np.abs(last - first)[:25].mean() < 3  # above the face nothing but the encoder changes a pixel
    with pytest.raises(UserError, match=r"unknown format for this; use one of \.mp4"):
        drive_photograph(editor, photo, tmp_path / "photo.gif", drive)
    # Of two clips the shorter one ends both.
    longer = write_clip(tmp_path / "longer.mp4", pan(face_pixels, 16), sound="aac")
    summary = edit_video(editor, longer, tmp_path / "out.mp4", drive)
    kept = sum(n / 25 < drive.end for n in range(16))
    assert (summary.frames, summary.cut) == (kept, True)
    assert "cut where the actor's clip ends" in str(summary)
    frames = list(Clip(tmp_path / "out.mp4").frames())
    assert len(frames) == kept
    assert len(packets(tmp_path / "out.mp4")) < len(packets(longer))
    shorter = write_clip(tmp_path / "shorter.mp4", pan(face_pixels, 5))
    summary = edit_video(editor, shorter, tmp_path / "out2.mp4", drive)
    assert (summary.frames, summary.cut) == (5, False)
    assert "the last 0.2 s of the actor's clip are left out" in str(summary)
