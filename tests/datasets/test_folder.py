import unicodedata

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan.alignment import POINT_COLUMNS
from defgan.datasets import read_dataset
from defgan.errors import MissingInputError, UserError
from defgan.facs import AU_NAMES


def image(path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


@pytest.fixture
def folder(tmp_path):
    image(tmp_path / "anna/one.png")
    image(tmp_path / "anna/deep/two.JPG")
    image(tmp_path / "lone.webp")
    (tmp_path / "notes.txt").write_text("no photograph")
    return tmp_path


def table(folder, **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"path": ["anna/one.png", "lone.webp"], **columns})
    frame.to_csv(folder / "annotations.csv", index=False)
    return frame


def test_subjects_of_a_plain_tree(folder):
    dataset = read_dataset("folder", folder)
    assert [(record.source, record.subject) for record in dataset.records] == [
        ("anna/deep/two.JPG", "anna"),
        ("anna/one.png", "anna"),
        ("lone.webp", "lone"),
    ]
    assert not dataset.has_points
    assert not dataset.has_aus


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_annotations_are_taken_by_name(folder, kind):
    frame = table(
        folder,
        subject=["007", None],
        expression=["happy", None],
        **{name: [number / 100, 0.5] for number, name in enumerate(reversed(AU_NAMES))},
        **{name: [float(number), None] for number, name in enumerate(POINT_COLUMNS)},
    )
    if kind == "parquet":
        (folder / "annotations.csv").unlink()
        frame.to_parquet(folder / "annotations.parquet")
    dataset = read_dataset("folder", folder)
    assert dataset.has_points
    assert dataset.has_aus
    records = {record.source: record for record in dataset.records}
    one = records["anna/one.png"]
    assert (one.subject, one.expression) == ("007", "happy")
    np.testing.assert_array_equal(one.points, np.arange(10).reshape(5, 2))
    np.testing.assert_allclose(one.aus, np.arange(16, -1, -1) / 100, rtol=1e-6)
    lone = records["lone.webp"]
    assert (lone.subject, lone.expression, lone.points) == ("lone", "", None)
    assert records["anna/deep/two.JPG"].aus is None


def test_a_photograph_that_only_the_annotations_name_is_a_record(folder):
    pd.DataFrame({"path": ["gone.png"]}).to_csv(folder / "annotations.csv", index=False)
    assert "gone.png" in {record.source for record in read_dataset("folder", folder).records}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"AU01": [0.1, 0.2]}, r"annotations\.csv: AU columns AU02, .* are missing"),
        ({"nose_x": [1, 2]}, r"point columns left_eye_x, .* are missing"),
        ({name: ["much", 0.1] for name in AU_NAMES}, r"column `AU01`, row 1: `much` is not a number"),
        ({"path": ["lone.webp", "./lone.webp"]}, r"lone\.webp has 2 rows"),
    ],
)
def test_wrong_annotations_are_one_line(folder, columns, message):
    table(folder, **columns) if "path" not in columns else pd.DataFrame(columns).to_csv(folder / "annotations.csv")
    with pytest.raises(UserError, match=message) as caught:
        read_dataset("folder", folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "only,columns\n1,2\n"])
def test_a_table_without_paths_is_one_line(folder, content):
    (folder / "annotations.csv").write_text(content)
    with pytest.raises(UserError, match=r"annotations\.csv") as caught:
        read_dataset("folder", folder)
    assert "\n" not in str(caught.value)


def test_columns_by_other_names_and_what_is_there_if_none_is_known(folder):
    (folder / "annotations.csv").write_text("sep=;\nImage;Expression\nlone.webp;happy\n;\n", encoding="utf-16")
    assert {r.source: r.expression for r in read_dataset("folder", folder).records}["lone.webp"] == "happy"
    (folder / "annotations.csv").write_text("picture,mood\nlone.webp,happy\n")
    with pytest.raises(UserError, match=r"no column `path`, nor .*image.*; its columns are `picture`, `mood`"):
        read_dataset("folder", folder)
    (folder / "annotations.csv").write_text("path,expression\n,happy\n")
    with pytest.raises(UserError, match="row 1 names no photograph"):
        read_dataset("folder", folder)


def test_paths_that_lead_to_the_folder_and_letters_that_macos_takes_apart(folder):
    apart, whole = (unicodedata.normalize(form, "anna/renée.png") for form in ("NFD", "NFC"))
    image(folder / apart)
    for start in (str(folder), f"{folder.parent.name}/{folder.name}", "."):
        names = [f"{start}/{name}" for name in ("anna/one.png", "anna/deep/two.JPG", whole)]
        pd.DataFrame({"path": names, "expression": ["happy", "sad", "fear"]}).to_csv(folder / "annotations.csv")
        found = {record.source: record.expression for record in read_dataset("folder", folder).records}
        expected = {"anna/one.png": "happy", "anna/deep/two.JPG": "sad", apart: "fear", "lone.webp": ""}
        assert found == expected, start


def test_photographs_that_differ_by_the_suffix_know_each_other(folder):
    image(folder / "anna/one.jpg")
    twins = {record.source: record.twin for record in read_dataset("folder", folder).records if record.twin}
    assert twins == {"anna/one.jpg": "anna/one.png", "anna/one.png": "anna/one.jpg"}


def test_a_broken_parquet_is_one_line(folder):
    (folder / "annotations.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(UserError, match=r"annotations\.parquet: cannot be read"):
        read_dataset("folder", folder)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        read_dataset("folder", tmp_path / "nowhere")
    with pytest.raises(UserError, match="no photographs in this folder"):
        read_dataset("folder", tmp_path)


def test_a_corpus_role_that_was_not_rendered_is_named(tmp_path):
    with pytest.raises(MissingInputError, match=r"rafd/annotations\.parquet: no such file; this role"):
        read_dataset("corpus", tmp_path / "rafd")
