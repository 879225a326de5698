"""Each of the paper's data sets from a made tree of its published layout."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan.datasets import read_dataset
from defgan.errors import UserError
from defgan.faces.preparation import _Face, _keep_peaks
from defgan.facs import AU_NAMES, EXPRESSIONS, RAFD_EXPRESSIONS
from defgan.photographs import read_photograph


def put(path, colour: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(path)


def aus_of(record) -> dict[str, float]:
    return dict(zip(AU_NAMES, record.aus, strict=True))


# --- EmotioNet


@pytest.fixture
def emotionet(tmp_path):
    for name in ("images/N_0000000001/N_0000000001_00001.jpg", "images/N_0000000001/N_0000000001_00002.jpg"):
        put(tmp_path / name)
    put(tmp_path / "unlisted.jpg")
    return tmp_path


def test_emotionet_coded_by_hand(emotionet):
    url = "http://cbcsl.ece.ohio-state.edu/images/N_0000000001/N_0000000001_{:05d}.jpg"
    frame = pd.DataFrame(
        {
            "URL": [f"'{url.format(1)}'", url.format(2), url.format(3)],
            "URL orig": ["http://a.example/x.jpg", "http://b.example/y.jpg", "http://c.example/z.jpg"],
            "'AU 1'": [1, 0, 1],
            "'AU 12'": [0, 999, 1],
            "'AU 43'": [1, 0, 0],
            "'AU 60'": [1, 1, 1],
        }
    )
    frame.to_csv(emotionet / "EmotioNet_FACS_aws_2020_24600.csv", index=False)
    dataset = read_dataset("emotionet", emotionet)
    assert dataset.has_aus and not dataset.has_points
    records = {record.subject: record for record in dataset.records}
    assert records.keys() == {"N_0000000001_00001", "N_0000000001_00002", "N_0000000001_00003", "unlisted"}
    one, two = aus_of(records["N_0000000001_00001"]), aus_of(records["N_0000000001_00002"])
    assert (one["AU01"], one["AU12"], one["AU45"]) == (1, 0, 1) and np.isnan(one["AU02"])
    assert two["AU01"] == 0 and np.isnan(two["AU12"])
    assert records["unlisted"].aus is None
    assert records["N_0000000001_00003"].reject.startswith("missing file: listed")


def test_emotionet_coded_by_a_program(emotionet):
    row = ["http://x.example/N_0000000001_00002.jpg", "http://y.example/y.jpg", *[0] * 60]
    row[2 + 11] = 1  # AU 12
    (emotionet / "dataFile_0001.txt").write_text("\t".join(map(str, row)) + "\n")
    records = {record.subject: record for record in read_dataset("emotionet", emotionet).records}
    found = aus_of(records["N_0000000001_00002"])
    assert found["AU12"] == 1 and sum(found.values()) == 1
    assert records["N_0000000001_00001"].aus is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("readme.txt", "a\tb\n", r"readme\.txt: 2 columns"), ("mine.csv", "a,b\n1,2\n", r"mine\.csv: no column `URL`")],
)
def test_emotionet_with_another_table(emotionet, name, content, message):
    (emotionet / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read_dataset("emotionet", emotionet)


# --- CelebA-HQ


@pytest.fixture
def celeba_hq(tmp_path):
    home = tmp_path / "CelebAMask-HQ"
    for number in (0, 1, 10):
        put(home / f"CelebA-HQ-img/{number}.jpg", "blue")
    put(home / "CelebAMask-HQ-mask-anno/0/00000_skin.png")
    (home / "CelebA-HQ-to-CelebA-mapping.txt").write_text(
        "idx         orig_idx    orig_file\n0  119612  119613.jpg\n1  1  000002.jpg\n10  2  000003.jpg\n"
    )
    return home


def test_celeba_hq_folder_and_zip_are_the_same(celeba_hq):
    (celeba_hq / "identity_CelebA.txt").write_text("119613.jpg 2880\n000002.jpg 2880\n")
    packed = celeba_hq.parent / "CelebAMask-HQ.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(celeba_hq.rglob("*")):
            archive.write(path, path.relative_to(celeba_hq.parent))
    for place in (celeba_hq, packed):
        dataset = read_dataset("celeba_hq", place)
        assert [record.subject for record in dataset.records] == ["celeba_2880", "celeba_2880", "celeba_hq_10"]
        assert dataset.skipped.counts["a mask, no photograph"] == 1
        read = read_photograph(dataset.records[0].open()).pixels
        assert np.abs(read.astype(int) - (0, 0, 254)).max() < 4


def test_celeba_hq_without_identities_counts_each_as_a_person(celeba_hq):
    records = read_dataset("celeba_hq", celeba_hq / "CelebA-HQ-img").records
    assert [record.subject for record in records] == ["celeba_hq_0", "celeba_hq_1", "celeba_hq_10"]


def test_celeba_hq_that_is_no_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK broken")
    with pytest.raises(UserError, match=r"a\.zip: cannot be read as a zip"):
        read_dataset("celeba_hq", tmp_path / "a.zip")


# --- MUG


@pytest.fixture
def mug(tmp_path):
    for take, frames in (("001/happiness/take000", 40), ("001/neutral/take002", 8), ("020/020/anger/take001", 60)):
        for number in range(frames):
            put(tmp_path / take / f"img_{number:04d}.jpg")
    put(tmp_path / "001/happiness/take001_nsg/img_0000.jpg")
    put(tmp_path / "readme.jpg")
    return tmp_path


def test_mug_looks_for_the_peak_in_the_middle_half_of_a_take(mug):
    dataset = read_dataset("mug", mug)
    frame = pd.DataFrame([(r.subject, r.expression, r.take, r.source) for r in dataset.records], columns=list("seto"))
    counts = frame.groupby(["s", "e", "t"]).size().to_dict()
    assert counts == {
        ("mug_001", "happy", "001/happiness/take000"): 9,
        ("mug_001", "neutral", "001/neutral/take002"): 4,
        ("mug_020", "anger", "020/020/anger/take001"): 9,
    }
    numbers = frame.loc[frame["e"] == "happy", "o"].str.extract(r"img_(\d+)")[0].astype(int)
    assert numbers.min() == 10 and numbers.max() == 29
    assert dataset.skipped.counts["a take that the database marks as not good (nsg)"] == 1
    assert dataset.skipped.counts["not in a folder subject/expression/take"] == 1
    assert dataset.skipped.counts.total() + len(dataset.records) == 40 + 8 + 60 + 2


def test_the_peak_is_the_strongest_frame_and_of_a_neutral_take_the_weakest(mug):
    faces = [_Face(record) for record in read_dataset("mug", mug).records]
    for number, face in enumerate(faces):
        face.aus = np.full(17, abs(number % 5 - 2) / 5, np.float32)
    faces[0].reject = "no face found"  # would have been a peak
    strengths = {face.record.source: face.aus.sum() for face in faces}
    _keep_peaks(faces)
    kept = [face.record for face in faces if not face.reject]
    assert [record.expression for record in kept] == ["happy", "neutral", "anger"]
    for record in kept:
        others = [
            strengths[face.record.source] for face in faces
            if face.record.take == record.take and face.reject != "no face found"
        ]  # fmt: skip
        assert strengths[record.source] == (min(others) if record.expression == "neutral" else max(others))
    assert sum(face.reject.startswith("not the peak of its take: ") for face in faces) == len(faces) - 4


def test_a_folder_that_is_not_mugs(tmp_path):
    put(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="001/anger/take000"):
        read_dataset("mug", tmp_path)


# --- RaFD


def test_rafd_takes_the_frontal_camera_and_gaze(tmp_path):
    words = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
    for word in words:
        for camera in ("000", "045", "090", "135", "180"):
            put(tmp_path / f"Rafd{camera}_01_Caucasian_female_{word}_frontal.jpg")
        put(tmp_path / f"Rafd090_01_Caucasian_female_{word}_left.jpg")
    put(tmp_path / "Rafd090_63_Caucasian_kid_female_happy_frontal.jpg")
    put(tmp_path / "other.jpg")
    dataset = read_dataset("rafd", tmp_path)
    assert len(dataset.records) == len(words) + 1
    first = [record.expression for record in dataset.records if record.subject == "rafd_01"]
    assert set(first) == set(RAFD_EXPRESSIONS) > set(EXPRESSIONS)
    assert dataset.records[-1].subject == "rafd_63" and dataset.records[-1].expression == "happy"
    assert dataset.skipped.counts["another camera than the frontal one (045)"] == 8
    assert dataset.skipped.counts["another gaze than the frontal one (left)"] == 8
    assert dataset.skipped.counts["not named like RaFD's photographs"] == 1


def test_annotations_beside_a_layout_are_taken(tmp_path):
    """OpenFace's intensities, on its own scale, for a data set whose names say the rest."""
    name = "Rafd090_01_Caucasian_female_happy_frontal.jpg"
    put(tmp_path / name)
    row = {"path": name, **{f"{unit}_r": 2.5 for unit in AU_NAMES}}
    pd.DataFrame([row]).to_csv(tmp_path / "annotations.csv", index=False)
    dataset = read_dataset("rafd", tmp_path)
    assert dataset.has_aus and (dataset.records[0].aus == 2.5).all()
    assert (dataset.records[0].subject, dataset.records[0].expression) == ("rafd_01", "happy")


# --- manifest


def test_a_manifest_lists_photographs_anywhere(tmp_path):
    put(tmp_path / "elsewhere/x.png")
    put(tmp_path / "lists/near.png")
    put(tmp_path / "lists/unlisted.png")
    table = tmp_path / "lists/mine.csv"
    paths = ["near.png", "../elsewhere/x.png", str(tmp_path / "elsewhere/x.png")]
    pd.DataFrame({"path": paths, "subject": ["anna", None, None], "expression": ["happy", None, None]}).to_csv(table)
    records = {record.source: record for record in read_dataset("manifest", table).records}
    assert set(records) == set(paths)
    assert (records["near.png"].subject, records["near.png"].expression) == ("anna", "happy")
    assert records["../elsewhere/x.png"].subject == "elsewhere"
    for record in records.values():
        assert read_photograph(record.open()).pixels.shape == (16, 16, 3)
    with pytest.raises(UserError, match="no such file; a manifest"):
        read_dataset("manifest", tmp_path / "none.csv")
