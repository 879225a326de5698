"""Each of the paper's data sets from a made tree of its published layout."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan.datasets import guess_layout, read_dataset
from defgan.errors import UserError
from defgan.faces.preparation import _Face, _keep_peaks
from defgan.facs import AU_NAMES, EXPRESSIONS, RAFD_EXPRESSIONS
from defgan.photographs import read_photograph


def put(path, colour: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(path)


def zipped(directory):
    """A zip of a folder, its own name first in all paths."""
    packed = directory.with_name(f"{directory.name}_packed.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(directory.rglob("*")):
            archive.write(path, path.relative_to(directory.parent))
    return packed


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
    for place in (celeba_hq, zipped(celeba_hq)):
        assert guess_layout(place) == "celeba_hq"
        dataset = read_dataset("celeba_hq", place)
        assert [record.subject for record in dataset.records] == ["celeba_2880", "celeba_2880", "celeba_hq_10"]
        assert dataset.skipped.counts["a mask, no photograph"] == 1
        read = read_photograph(dataset.records[0].open()).pixels
        assert np.abs(read.astype(int) - (0, 0, 254)).max() < 4


def test_celeba_hq_without_identities_counts_each_as_a_person(celeba_hq):
    records = read_dataset("celeba_hq", celeba_hq / "CelebA-HQ-img").records
    assert [record.subject for record in records] == ["celeba_hq_0", "celeba_hq_1", "celeba_hq_10"]


def test_celeba_hq_in_the_folders_of_stargan_v2(tmp_path):
    """Splits and sexes are no people; six digits are CelebA's own numbers."""
    for name in ("train/male/000016.jpg", "train/female/051340.jpg", "val/male/116032.jpg"):
        put(tmp_path / "celeba_hq" / name)
    for texts, subjects in (
        (False, ["celeba_hq_051340", "celeba_hq_000016", "celeba_hq_116032"]),
        (True, ["celeba_7", "celeba_9", "celeba_hq_116032"]),
    ):
        if texts:
            (tmp_path / "celeba_hq/identity_CelebA.txt").write_text("000016.jpg 9\n051340.jpg 7\n")
        for place in (tmp_path / "celeba_hq", zipped(tmp_path / "celeba_hq")):
            assert guess_layout(place) == "celeba_hq"
            assert [record.subject for record in read_dataset("celeba_hq", place).records] == subjects
    # Read as any folder, they are people of their own as well.
    records = read_dataset("folder", tmp_path / "celeba_hq").records
    assert [record.subject for record in records] == ["train/female/051340", "train/male/000016", "val/male/116032"]


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


def test_mug_as_a_zip(mug):
    records = read_dataset("mug", mug).records
    packed = zipped(mug)
    assert guess_layout(packed) == guess_layout(mug) == "mug"
    again = read_dataset("mug", packed).records
    assert [record.source for record in again] == [f"{mug.name}/{record.source}" for record in records]
    assert [(record.subject, record.expression) for record in again] == [(r.subject, r.expression) for r in records]


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


@pytest.fixture
def rafd(tmp_path):
    """Two people by five cameras with three gazes, laid out as StarGAN's code wants it: a folder per expression."""
    words = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
    for split, number, kind in (("train", "01", "Caucasian_female"), ("test", "63", "Caucasian_kid_female")):
        for word in words:
            for camera in ("000", "045", "090", "135", "180"):
                for gaze in ("frontal", "left", "right"):
                    put(tmp_path / f"RaFD/{split}/{word}/Rafd{camera}_{number}_{kind}_{word}_{gaze}.jpg")
    put(tmp_path / "RaFD/train/angry/other.jpg")
    return tmp_path / "RaFD"


def test_rafd_takes_the_frontal_camera_and_gaze_of_a_folder_and_of_a_zip(rafd):
    for place in (rafd, zipped(rafd)):
        assert guess_layout(place) == "rafd"
        dataset = read_dataset("rafd", place)
        assert len(dataset.records) == 2 * 8
        assert {record.subject for record in dataset.records} == {"rafd_01", "rafd_63"}
        first = [record.expression for record in dataset.records if record.subject == "rafd_01"]
        assert set(first) == set(RAFD_EXPRESSIONS) > set(EXPRESSIONS)
        assert dataset.skipped.counts["another view: camera 045, gaze frontal"] == 2 * 8
        assert dataset.skipped.counts["another view: camera 090, gaze left"] == 2 * 8
        assert dataset.skipped.counts["not named like RaFD's photographs"] == 1
        assert len(dataset.records) + dataset.skipped.counts.total() == 2 * 8 * 15 + 1


def test_rafd_with_the_views_of_stargan_and_with_all(rafd):
    three, every = (read_dataset("rafd", rafd, views).records for views in ("three_cameras", "all"))
    assert len(three) == 2 * 8 * 3 * 3 and len(every) == 2 * 8 * 5 * 3  # 67 people: 4,824, as in StarGAN's paper
    assert sum(not record.view for record in three) == 2 * 8
    assert {record.view for record in every} - {record.view for record in three} == {
        f"camera {camera}, gaze {gaze}" for camera in ("000", "180") for gaze in ("frontal", "left", "right")
    }


def test_rafd_without_the_wanted_view(tmp_path):
    put(tmp_path / "Rafd045_01_Caucasian_female_happy_left.jpg")
    with pytest.raises(
        UserError, match=r"another view than `frontal` \(1 × .*gaze left, such as .* frontal, three_cam"
    ):
        read_dataset("rafd", tmp_path)


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


# --- several


def test_several_data_sets_for_one_role(tmp_path, celeba_hq):
    """CelebA-HQ, a zip of web photographs, and RaFD by a link; each keeps its own layout."""
    role = tmp_path / "wild"
    put(tmp_path / "web/anna/1.jpg")
    put(tmp_path / "web/2.jpg")
    put(tmp_path / "elsewhere/Rafd090_01_Caucasian_female_happy_frontal.jpg")
    put(tmp_path / "elsewhere/Rafd045_01_Caucasian_female_happy_frontal.jpg")
    put(role / "loose.jpg")
    (role / "openface").mkdir()
    celeba_hq.rename(role / "celeba")
    (role / "rafd").symlink_to(tmp_path / "elsewhere")
    zipped(tmp_path / "web").rename(role / "web.zip")
    assert guess_layout(role) == "several"
    dataset = read_dataset("several", role)
    assert [(record.source, record.subject) for record in dataset.records] == [
        *((f"celeba/CelebA-HQ-img/{number}.jpg", f"celeba/celeba_hq_{number}") for number in (0, 1, 10)),
        ("rafd/Rafd090_01_Caucasian_female_happy_frontal.jpg", "rafd/rafd_01"),
        ("web.zip/web/2.jpg", "web.zip/2"),
        ("web.zip/web/anna/1.jpg", "web.zip/anna"),
    ]
    skipped = dataset.skipped.counts
    assert skipped["another view: camera 045, gaze frontal"] == skipped["beside the data sets, in none of them"] == 1
    assert all(read_photograph(record.open()).pixels.shape == (16, 16, 3) for record in dataset.records)
    with pytest.raises(UserError, match="no folder and no zip is here"):
        read_dataset("several", role / "openface")


# --- what other programs left beside the photographs


def test_outputs_of_known_tools_are_no_input(tmp_path):
    put(tmp_path / "anna/1.jpg")
    for name in (
        *("openface/anna/1_aligned/face_det_000000.bmp", "openface/anna/1.jpg", "processed/1.jpg"),
        *("anna/1_aligned/frame_det_00_000001.bmp", "CelebAMask-HQ-mask-anno/0/00000_skin.png"),
        *("@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "made/contact_sheet.png"),
    ):
        put(tmp_path / name)
    for name in ("processed/1_of_details.txt", "openface/anna/1.csv", "made/faces.parquet", "made/pixels.npy"):
        (tmp_path / name).touch()
    put(tmp_path / "processed_by_me/2.jpg")  # a name alone is no reason
    put(tmp_path / "cut_aligned/3.jpg")
    for place, top in ((tmp_path, ""), (zipped(tmp_path), f"{tmp_path.name}/")):
        dataset = read_dataset("folder", place)
        assert [record.source for record in dataset.records] == [
            f"{top}{name}" for name in ("anna/1.jpg", "cut_aligned/3.jpg", "processed_by_me/2.jpg")
        ]
        assert dataset.skipped.counts == {
            "written by OpenFace, no photograph of the data set": 4,
            "a mask, no photograph": 1,
            "a thumbnail, no photograph of its own": 1,
            "prepared faces, no photographs": 1,
        }
