"""AUs that come with the data set, or in a table of their own."""

import numpy as np
import pandas as pd
import pytest

from defgan.errors import UserError
from defgan.faces.au_estimators import make_estimator
from defgan.faces.au_estimators.annotations import AnnotationEstimator
from defgan.facs import AU_NAMES, preset
from defgan.params import Source
from defgan.records import Record

NOTHING = [np.zeros((8, 8, 3), np.uint8)], [np.zeros((5, 2))]


def source(path, **values) -> Source:
    return Source(path=str(path), layout="folder", points="mtcnn", action_units="annotations", **values)


def write(path, rows):
    frame = pd.DataFrame([{"path": name, **dict(zip(AU_NAMES, aus, strict=True))} for name, aus in rows.items()])
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_its_own_gives_the_vectors(tmp_path, suffix):
    happy = preset("happy")
    table = write(tmp_path / f"aus{suffix}", {"ann/1.jpg": 5 * happy, "ann/2.jpg": np.full(17, np.nan)})
    estimator = make_estimator(source(tmp_path, au_table=str(table), au_scale=5))
    predictions = [
        estimator(*NOTHING, [Record(name, tmp_path / name, "ann")])[0] for name in ("ann/1.jpg", "ann/2.jpg", "x.jpg")
    ]
    assert predictions[0].aus == pytest.approx(happy)
    assert [prediction.reject.split(":")[0] for prediction in predictions] == ["", "AUs missing", "AUs missing"]
    assert str(table) in predictions[2].reject


def test_the_scale_of_the_data_sets_own_vectors(tmp_path):
    estimator = AnnotationEstimator(source(tmp_path, au_scale=5))
    happy = preset("happy")
    [prediction] = estimator(*NOTHING, [Record("a.jpg", tmp_path, "a", aus=5 * happy)])
    assert prediction.aus == pytest.approx(happy)
    [wrong] = AnnotationEstimator(source(tmp_path))(*NOTHING, [Record("a.jpg", tmp_path, "a", aus=5 * happy)])
    assert "out of range" in wrong.reject


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("AU01\n0.1\n", "no column `path`, nor .*; its columns are `AU01`"),
        ("path,AU01\na.jpg,0.1\n", "no column for AU02"),
        (None, "cannot be read as a table"),
    ],
)
def test_an_unusable_table_is_named(tmp_path, content, message):
    table = tmp_path / "aus.csv"
    if content:
        table.write_text(content)
    with pytest.raises(UserError, match=rf"aus\.csv: {message}"):
        AnnotationEstimator(source(tmp_path, au_table=str(table)))


def predict(table, *records):
    estimator = AnnotationEstimator(source(table.parent, au_table=str(table)))
    images, points = ([part] * len(records) for (part,) in NOTHING)
    return estimator(images, points, records)


def test_ambiguous_names_are_refused_each_by_name(tmp_path):
    """The suffix need not be that of the photograph, as long as it tells nothing apart."""
    record, twin = Record("1.jpg", "1.jpg", "", twin="1.png"), Record("1.png", "1.png", "", twin="1.jpg")
    table = write(tmp_path / "both.csv", {"1.jpg": np.zeros(17), "1.png": np.ones(17)})
    assert [prediction.aus.sum() for prediction in predict(table, record, twin)] == [0, 17]
    [neither] = predict(table, Record("1.webp", "", ""))
    assert (
        neither.reject
        == "AUs ambiguous: in both.csv `1.jpg` and `1.png` could both be 1.webp; name each with its suffix"
    )
    table = write(tmp_path / "one.csv", {"1": np.zeros(17), "2.tif": np.ones(17), "p.sad": np.ones(17)})
    assert [prediction.reject.partition(";")[0] for prediction in predict(table, record, twin)] == [
        "AUs ambiguous: in one.csv `1` could be 1.jpg or 1.png",
        "AUs ambiguous: in one.csv `1` could be 1.png or 1.jpg",
    ]
    assert [each.aus.sum() for each in predict(table, Record("2.jpg", "", ""), Record("p.sad.jpg", "", ""))] == [17, 17]
    table = tmp_path / "twice.csv"
    pd.DataFrame([{"path": "1.jpg", **dict.fromkeys(AU_NAMES, 0.5)}] * 2).to_csv(table)
    assert predict(table, record)[0].reject == "AUs ambiguous: twice.csv has 2 rows for it; keep one"


@pytest.mark.parametrize("start", ["/somewhere/else/photos", "photos", "."])
def test_paths_as_py_feat_writes_them(tmp_path, start):
    """Its column `input` has what it was given: absolute, on another machine, or relative to where it was started."""
    photos = tmp_path / "photos"
    (photos / "ann").mkdir(parents=True)
    for name in ("ann/1.jpg", "ann/2.jpg"):
        (photos / name).touch()
    table = tmp_path / "fex.csv"
    rows = [{"FaceScore": 0.9, **dict.fromkeys(AU_NAMES, 0.5), "input": f"{start}/ann/{n}.jpg"} for n in (1, 2)]
    pd.DataFrame(rows).to_csv(table, index=False)
    estimator = AnnotationEstimator(source(photos, au_table=str(table)))
    [prediction] = estimator(*NOTHING, [Record("ann/2.jpg", "", "")])
    assert (prediction.aus == 0.5).all()
