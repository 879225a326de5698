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
        ("AU01\n0.1\n", "no column names the photographs"),
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


def test_a_photograph_with_two_rows_is_named(tmp_path):
    table = write(tmp_path / "aus.csv", {"1.jpg": np.zeros(17), "1.png": np.zeros(17)})
    with pytest.raises(UserError, match="1 has more than one row"):
        AnnotationEstimator(source(tmp_path, au_table=str(table)))
