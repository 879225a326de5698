"""Tables damaged at random: whatever is in them, what is read is right by form, or refused in one line."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from defgan.datasets import read_dataset
from defgan.errors import UserError
from defgan.faces.au_estimators import make_estimator
from defgan.facs import AU_NAMES
from defgan.params import Source
from defgan.records import Record
from tests.faces.au_estimators.test_openface import csv, face

DAMAGES = {"annotations": 120, "lists": 120, "py-feat": 110, "a photograph": 50, "a folder": 50, "all": 50}
"""How often a table of each kind is damaged; OpenFace's have 190 columns, which takes longer."""
NAMES = ("ann/1.jpg", "ann/2.jpg", "ann/3.png")
JUNK = (
    *(b"", b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"7", b"1,5", b"0x10", b"True", b"1j", b"None", b'"', b"'"),
    *(b"\0", b"\r", b"\n", b",", b";", b"\t", b"=", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", "é１２".encode(), b".."),
    *(b"9" * 400, b"/", b"\\", b"AU01_r", b"path", b"frame", b"success", b"999", b"1.5", b"2147483648", b"sep=;\n"),
)


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three damages: bytes lost, changed or added, cells and lines replaced, another separator or encoding."""
    for _ in range(rng.integers(1, 4)):
        content = damage_once(content, rng)
    return content


def damage_once(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(content) + 1))
    stop = start + int(rng.integers(40))
    some, junk = rng.bytes(int(rng.integers(1, 9))), JUNK[rng.integers(len(JUNK))]
    lines = content.split(b"\n")
    line = int(rng.integers(len(lines)))
    cells = lines[line].split(b",")
    cells[rng.integers(len(cells))] = junk
    before, after = lines[:line], lines[line + 1 :]
    choices = (
        lambda: content[:start],
        lambda: content[:start] + content[stop:],
        lambda: content[:start] + some + content[start + len(some) :],
        lambda: content[:start] + junk + content[start:],
        lambda: b"\n".join([*before, b",".join(cells), *after]),
        lambda: b"\n".join([*before, b",".join(cells), *after]),
        lambda: b"\n".join([*before, *after]),
        lambda: b"\n".join([*lines, lines[line]]),
        lambda: content.replace(b",", b";"),
        lambda: content.decode("utf-8", "replace").encode("utf-16"),
    )
    return choices[rng.integers(len(choices))]()


def estimated(folder: Path, kind: str, **values) -> list:
    source = Source(path=str(folder), layout="folder", points="mtcnn", action_units=kind, **values)
    records = [Record(name, str(folder / name), "ann") for name in NAMES]
    points = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], float)
    return make_estimator(source)([np.zeros((120, 120, 3), np.uint8)] * 3, [points] * 3, records)


def read(folder: Path, layout: str) -> None:
    """A data set whose table is damaged; what is read fits what a record promises."""
    for record in read_dataset(layout, folder).records:
        assert record.points is None or (record.points.shape == (5, 2) and np.isfinite(record.points).all())
        assert record.aus is None or (record.aus.shape == (17,) and record.aus.dtype == np.float32)
        assert all(isinstance(text, str) for text in (record.source, record.subject, record.expression))


def annotated() -> bytes:
    rows = [{"path": name, "subject": "ann", **dict.fromkeys(AU_NAMES, 0.5)} for name in NAMES]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def listed() -> bytes:
    rows = [{"URL": f"'http://x.example/{name}'", "URL orig": "-", "'AU 1'": 1, "'AU 12'": 999} for name in NAMES]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def openface(named: bool) -> bytes:
    return csv([face()] * 3, True, ("filename", list(NAMES)) if named else None).encode()


KINDS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], list | None]]] = {
    "annotations": ("annotations.csv", annotated, lambda folder: read(folder, "folder")),
    "lists": ("EmotioNet.csv", listed, lambda folder: read(folder, "emotionet")),
    "py-feat": ("fex.csv", annotated, lambda path: estimated(path, "annotations", au_table=str(path / "fex.csv"))),
    "a photograph": ("openface/ann/1.csv", lambda: csv([face()]).encode(), lambda path: estimated(path, "openface")),
    "a folder": ("openface/ann.csv", lambda: openface(False), lambda path: estimated(path, "openface")),
    "all": ("openface.csv", lambda: openface(True), lambda path: estimated(path, "openface")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_table_is_read_or_refused(tmp_path, kind):
    name, make, use = KINDS[kind]
    for photograph in NAMES:
        (tmp_path / photograph).parent.mkdir(exist_ok=True)
        (tmp_path / photograph).touch()
    table = tmp_path / name
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_bytes(make())
    use(tmp_path)  # as it is, it is read
    rng, refused = np.random.default_rng(sorted(KINDS).index(kind)), 0
    for number in range(DAMAGES[kind]):
        table.write_bytes(damage(make(), rng))
        try:
            predictions = use(tmp_path) or []
        except UserError as error:
            assert "\n" not in str(error) and name.split("/")[-1] in str(error) and len(str(error)) < 1500, number
            refused += 1
            continue
        for prediction in predictions:
            assert "\n" not in prediction.reject and len(prediction.reject) < 1500
            if not prediction.reject:
                assert prediction.aus.shape == (17,) and prediction.aus.dtype == np.float32
                assert ((prediction.aus >= 0) & (prediction.aus <= 1)).all()
        refused += bool(predictions and predictions[0].reject)
    assert 0 < refused < DAMAGES[kind]  # some damages leave the numbers of the first photograph as they are


def test_a_damaged_parquet_is_read_or_refused(tmp_path):
    (tmp_path / "ann").mkdir()
    (tmp_path / NAMES[0]).touch()
    table, rng = tmp_path / "annotations.parquet", np.random.default_rng(0)
    pd.DataFrame([{"path": name, **dict.fromkeys(AU_NAMES, 0.5)} for name in NAMES]).to_parquet(table)
    whole = table.read_bytes()
    for _ in range(40):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), 4):
            content[place] ^= int(rng.integers(1, 256))
        table.write_bytes(bytes(content[: len(content) - int(rng.integers(0, 2)) * 20]))
        try:
            read(tmp_path, "folder")
        except UserError as error:
            assert "\n" not in str(error) and os.path.basename(table) in str(error)
