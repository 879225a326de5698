"""OpenFace 2's CSV files as it writes them, and its binary, stood in for by a small executable."""

import os
import re
import sys

import numpy as np
import pytest
from PIL import Image

from defgan.errors import UserError
from defgan.faces.au_estimators import make_estimator
from defgan.faces.au_estimators.base import LOOSE_SIDE
from defgan.faces.au_estimators.openface import CONFIDENCE, LANDMARKS
from defgan.facs import AU_NAMES, au_vector, preset
from defgan.params import Source
from defgan.records import Record

POINTS = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], float)
HAPPY = preset("happy")


def source(path, **values) -> Source:
    return Source(path=str(path), layout="folder", points="mtcnn", action_units="openface", **values)


def csv(rows, sequence=False, name_column=None) -> str:
    """A file as OpenFace 2 writes it: blanks after the commas, intensities with two digits, presence beside them."""
    heading = ["frame", "face_id", "timestamp", "confidence", "success"] if sequence else ["face", "confidence"]
    heading += [f"{axis}_{i}" for axis in "xy" for i in range(LANDMARKS)]
    heading += [f"{name}_r" for name in AU_NAMES] + [f"{name}_c" for name in (*AU_NAMES, "AU28")]
    lines = [", ".join(heading)]
    for number, (aus, confidence, success, at) in enumerate(rows):
        start = [number + 1, 0, 0.0, confidence, success] if sequence else [number, confidence]
        x, y = at
        intensities = [f"{5 * value:.2f}" for value in aus]
        lines.append(", ".join(map(str, [*start, *[x] * LANDMARKS, *[y] * LANDMARKS, *intensities, *[1] * 18])))
    if name_column:
        names = [name_column[0], *name_column[1]]
        lines = [f"{name}, {line}" for name, line in zip(names, lines, strict=True)]
    return "\n".join(lines) + "\n"


def face(aus=HAPPY, confidence=0.98, success=1, at=(60, 70)):
    return aus, confidence, success, at


def predict(estimator, *names, points=POINTS):
    image = np.zeros((120, 120, 3), np.uint8)
    records = [Record(name, name, "") for name in names]
    return estimator([image] * len(names), [points] * len(names), records)


def test_one_file_per_photograph(tmp_path):
    (tmp_path / "openface/ann").mkdir(parents=True)
    (tmp_path / "openface/ann/1.csv").write_text(csv([face()]))
    found, missing = predict(make_estimator(source(tmp_path)), "ann/1.jpg", "bob/1.JPG")
    assert found.aus == pytest.approx(HAPPY, abs=1e-3)
    assert missing.aus is None
    expected = (
        "no file of OpenFace's for it: neither openface/bob/1.csv nor openface/bob.csv; OpenFace passes over .JPG"
    )
    assert missing.reject == expected


def test_of_several_faces_the_one_at_the_points(tmp_path):
    (tmp_path / "openface").mkdir()
    (tmp_path / "openface/1.csv").write_text(csv([face(preset("sad"), at=(300, 300)), face()]))
    [prediction] = predict(make_estimator(source(tmp_path)), "1.jpg")
    assert prediction.aus == pytest.approx(HAPPY, abs=1e-3)
    [elsewhere] = predict(make_estimator(source(tmp_path)), "1.jpg", points=POINTS + 120)
    assert "another face" in elsewhere.reject


def test_several_faces_without_landmarks_are_not_guessed(tmp_path):
    lines = csv([face(), face()]).splitlines()
    keep = [i for i, name in enumerate(lines[0].split(", ")) if name[:2] not in ("x_", "y_")]
    (tmp_path / "openface").mkdir()
    short = [", ".join(line.split(", ")[i] for i in keep) for line in lines]
    (tmp_path / "openface/1.csv").write_text("\n".join(short))
    [prediction] = predict(make_estimator(source(tmp_path)), "1.jpg")
    assert "2 faces" in prediction.reject
    (tmp_path / "openface/1.csv").write_text("\n".join(short[:2]))
    [prediction] = predict(make_estimator(source(tmp_path)), "1.jpg")
    assert prediction.aus == pytest.approx(HAPPY, abs=1e-3)


def test_a_failure_is_called_one(tmp_path):
    """OpenFace writes zeros as landmarks where it finds no face."""
    (tmp_path / "openface").mkdir()
    (tmp_path / "openface/1.csv").write_text(csv([face(success=0, confidence=0, at=(0, 0))], sequence=True))
    assert predict(make_estimator(source(tmp_path)), "1.jpg")[0].reject == "OpenFace reports no success"


def test_two_photographs_that_share_a_file_are_both_refused(tmp_path):
    (tmp_path / "openface").mkdir()
    (tmp_path / "openface/1.csv").write_text(csv([face()]))
    records = [Record("1.jpg", "", "", twin="1.png"), Record("1.png", "", "", twin="1.jpg")]
    image = np.zeros((120, 120, 3), np.uint8)
    first, second = make_estimator(source(tmp_path))([image] * 2, [POINTS] * 2, records)
    text = "OpenFace's file is unusable: openface/1.csv could be of {} or of {}; rename one and run OpenFace again"
    assert first.reject == text.format("1.jpg", "1.png") and second.reject == text.format("1.png", "1.jpg")


@pytest.fixture(params=["openface.csv", "openface/ann.csv", "openface/photos.csv"])
def sequence(tmp_path, request):
    """A file by frame of photographs in a sub-folder or at the top, and what comes before the photographs' names."""
    root, table = tmp_path / "photos", tmp_path / "photos" / request.param
    folder = root / "ann" if "ann" in request.param else root
    folder.mkdir(parents=True)
    for name in ("b.jpg", "a.png", "c.jpg", "D.JPG"):
        (folder / name).touch()
    table.parent.mkdir(exist_ok=True)
    rows = [face(), face(preset("sad"), confidence=0.2), face(preset("sad"), success=0)]
    table.write_text(csv(rows, sequence=True))
    return root, folder, table, "ann/" if "ann" in request.param else ""


def refusal(root, name) -> str:
    """Why a photograph's AUs are refused; of one file for all, at once."""
    try:
        return predict(make_estimator(source(root)), name)[0].reject
    except UserError as error:
        return str(error)


def test_a_sequence_counts_the_photographs_that_openface_reads(sequence):
    root, folder, _, prefix = sequence
    names = [f"{prefix}{name}" for name in ("a.png", "b.jpg", "c.jpg", "D.JPG")]
    predictions = predict(make_estimator(source(root)), *names)
    assert predictions[0].aus == pytest.approx(HAPPY, abs=1e-3)
    assert f"confidence is 0.2, less than {CONFIDENCE}" in predictions[1].reject
    assert "no success" in predictions[2].reject
    assert "OpenFace passes over .JPG in a folder (it reads .bmp, .jpeg, .jpg, .png); rename" in predictions[3].reject
    (folder / "d.jpg").touch()
    assert re.search(r"last frame is 3, but .* has 4 photographs", refusal(root, names[0]))


def test_a_sequence_whose_folder_has_changed_is_refused_by_name(sequence):
    """One photograph removed and one added: the number is right, and rows would be those of neighbours."""
    root, folder, table, prefix = sequence
    (folder / "a.png").rename(folder / "z.png")
    past = table.stat().st_mtime_ns - 10**9
    os.utime(folder / "z.png", ns=(past, past))
    os.utime(folder, ns=(past + 2 * 10**9, past + 2 * 10**9))
    assert re.search(r"has changed since this file was written, .* `touch .*\.csv`", refusal(root, f"{prefix}b.jpg"))
    os.utime(table)
    os.utime(folder, ns=(past, past))
    assert refusal(root, f"{prefix}b.jpg") == ""  # now that it is touched
    os.utime(folder / "c.jpg", ns=(2 * 10**18, 2 * 10**18))
    assert "c.jpg has changed since" in refusal(root, f"{prefix}b.jpg")


def test_the_parts_of_a_role_have_files_of_their_own(tmp_path):
    (tmp_path / "web/openface/ann").mkdir(parents=True)
    (tmp_path / "web/openface/ann/1.csv").write_text(csv([face()]))
    assert predict(make_estimator(source(tmp_path)), "web/ann/1.jpg")[0].aus == pytest.approx(HAPPY, abs=1e-3)
    (tmp_path / "openface/celeba").mkdir(parents=True)
    (tmp_path / "openface/celeba/1.csv").write_text(csv([face(preset("sad"))]))
    web, celeba, gone = predict(make_estimator(source(tmp_path)), "web/ann/1.jpg", "celeba/1.jpg", "web/2.jpg")
    assert web.aus == pytest.approx(HAPPY, abs=1e-3) and celeba.aus == pytest.approx(preset("sad"), abs=1e-3)
    assert gone.reject.startswith(
        "no file of OpenFace's for it: neither web/openface/2.csv nor web/openface/web.csv nor"
    )


def test_one_bad_file_is_of_its_photographs_alone(tmp_path):
    (tmp_path / "openface").mkdir()
    (tmp_path / "openface/1.csv").write_text(csv([face()]))
    (tmp_path / "openface/2.csv").write_text("nothing")
    good, bad = predict(make_estimator(source(tmp_path)), "1.jpg", "2.jpg")
    assert good.aus is not None
    assert bad.reject.startswith("OpenFace's file is unusable: openface/2.csv: column AU01_r is missing")


def test_one_named_file_for_all(tmp_path):
    table = tmp_path / "all.csv"
    table.write_text(csv([face(), face(preset("sad"))], name_column=("filename", ["ann/001.jpg", "ann/002.jpg"])))
    predictions = predict(make_estimator(source(tmp_path, au_table=str(table))), "ann/002.jpg", "ann/003.jpg")
    assert predictions[0].aus == pytest.approx(preset("sad"), abs=1e-3)
    assert "no row" in predictions[1].reject


def test_a_file_without_intensities_or_names_is_refused(tmp_path):
    table = tmp_path / "openface.csv"
    table.write_text(csv([face()]).replace("AU06_r", "AU06_x"))
    with pytest.raises(UserError, match=r"openface\.csv: column AU06_r is missing; run OpenFace 2 with -aus"):
        predict(make_estimator(source(tmp_path)), "1.jpg")
    table.write_text(csv([face()]))
    with pytest.raises(UserError, match="no column says which photograph a row belongs to"):
        predict(make_estimator(source(tmp_path)), "1.jpg")


def test_neither_files_nor_binary(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"no CSV files of OpenFace 2 .* no FaceLandmarkImg on the PATH"):
        make_estimator(source(tmp_path))
    with pytest.raises(UserError, match="gone: no such file or folder"):
        make_estimator(source(tmp_path, au_table=str(tmp_path / "gone")))


PROGRAM = '''#!{python}
"""Writes what FaceLandmarkImg writes: AU12 is the brightness of the photograph, black has no face."""
import sys
from pathlib import Path
from PIL import Image, ImageStat
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert "-aus" in sys.argv and "-2Dfp" in sys.argv
for path in sorted(Path(options["-fdir"]).iterdir()):
    image = Image.open(path)
    level = ImageStat.Stat(image.convert("L")).mean[0] / 255
    if level > 0.9:
        sys.exit("model not found")
    if level > 0:
        text = {text!r}.replace("4.44", format(5 * level, ".2f"))
        Path(options["-out_dir"], path.stem + ".csv").write_text(text)
'''


@pytest.fixture
def binary(tmp_path, monkeypatch):
    program = tmp_path / "bin/FaceLandmarkImg"
    program.parent.mkdir()
    text = csv([face(au_vector({"AU12": 4.44 / 5}), at=(LOOSE_SIDE / 2, LOOSE_SIDE / 2))])
    program.write_text(PROGRAM.format(python=sys.executable, text=text))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def test_the_binary_is_run_where_there_are_no_files(tmp_path, binary):
    images = [np.full((120, 120, 3), level, np.uint8) for level in (51, 0, 102)]
    records = [Record(name, tmp_path / name, "") for name in ("a/1.jpg", "b/1.jpg", "c/1.jpg")]
    estimator = make_estimator(source(tmp_path))
    predictions = estimator(images, [POINTS] * 3, records)
    assert predictions[0].aus[AU_NAMES.index("AU12")] == pytest.approx(0.2, abs=2e-3)
    assert predictions[1].reject == "OpenFace found no face"
    assert predictions[2].aus[AU_NAMES.index("AU12")] == pytest.approx(0.4, abs=2e-3)
    assert estimator([], [], []) == []
    Image.fromarray(images[0]).save(tmp_path / "kept.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "kept.png"]


def test_a_binary_that_fails_is_quoted(tmp_path, binary):
    white = np.full((120, 120, 3), 255, np.uint8)
    with pytest.raises(UserError, match=r"FaceLandmarkImg: exit status 1: model not found"):
        make_estimator(source(tmp_path))([white], [POINTS], [Record("1.jpg", tmp_path, "")])
