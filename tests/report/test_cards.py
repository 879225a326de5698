import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan.facs import AU_NAMES
from defgan.report.cards import BAR_HEIGHT, CELL, COLUMNS, ROWS, card, co_occurrence, face_cell, write_card

BOX = {"box_x0": 10.0, "box_y0": 20.0, "box_x1": 90.0, "box_y1": 120.0}


def frame(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "subject": f"s{row // 2}", "expression": "happy" if row % 2 else "", "split": "train" if row else "val",
            "row": row, **BOX, **dict(zip(AU_NAMES, rng.random(17).round(3), strict=True)),
        }
        for row in range(count)
    ]  # fmt: skip
    return pd.DataFrame(rows)


REJECTS = pd.DataFrame(
    {"source": list("abc"), "reason": ["no face found", "face too small: 20 pixels", "face too small: 12 pixels"]}
)


def test_bars_are_as_high_as_the_intensities():
    aus = np.zeros(17)
    aus[3], aus[16] = 1.0, 0.5
    cell = face_cell(np.zeros((64, 64, 3), np.uint8), aus)
    assert (cell[:CELL, 2:-2] == 0).all()
    blue = (cell == (0, 114, 178)).all(-1)
    columns = np.flatnonzero(blue.any(0))
    heights = blue.sum(0)[columns]
    assert set(heights) == {BAR_HEIGHT, BAR_HEIGHT // 2}
    assert (np.diff(columns) > 1).sum() == 1 and heights[0] == BAR_HEIGHT and heights[-1] == BAR_HEIGHT // 2
    assert blue[CELL + 2 : CELL + 2 + BAR_HEIGHT].sum() == blue.sum()


def test_co_occurrence_is_a_share_of_the_row():
    aus = np.zeros((4, 17))
    aus[[0, 1], 0] = 0.5
    aus[0, 2] = 0.2
    aus[3, 2] = 0.19  # not active
    shares = co_occurrence(aus)
    assert (shares[0, 0], shares[0, 2], shares[2, 0], shares[2, 2]) == (1, 0.5, 1, 1)
    assert np.isnan(shares[5]).all()


def test_the_card_counts():
    text = card("wild", "from somewhere.", frame(6), REJECTS, [(100, 80), (300, 80)], {"hidden file": 3})
    assert "| skipped, no input | files |\n|---|--:|\n| hidden file | 3 |\n" in text
    for line in (
        "| inputs | 9 |",
        "| faces | 6 of 3 subjects |",
        "| rejected | 3 |",
        "| faces of split `val` | 1 |",
        "| expression unknown | 3 |",
        "| side of a face, pixels of the photograph | 80 |",
        "| face too small | 2 |",
        "| no face found | 1 |",
    ):
        assert line in text, line
    assert "(2 looked at) | 200 (110 to 290) × 80 |" in text
    row = re.search(r"\| AU12 \| lip corner puller \| ([\d.]+) \|", text)
    assert float(row[1]) == pytest.approx(frame(6)["AU12"].mean(), abs=0.005)


def test_files_are_the_same_for_the_same_faces(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (6, 32, 32, 3), np.uint8)
    contents = []
    for name in "ab":
        paths = write_card(tmp_path / name, "wild", "from somewhere.", frame(6), pixels, REJECTS, [])
        assert [path.name for path in paths] == ["wild.md", "wild.png", "wild_aus.png"]
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    with Image.open(tmp_path / "a/wild.png") as sheet:
        assert sheet.width == 6 * (CELL + 4)


def test_a_large_role_fills_the_sheet_and_no_more(tmp_path):
    pixels = np.zeros((200, 8, 8, 3), np.uint8)
    write_card(tmp_path, "wild", "from somewhere.", frame(200), pixels, REJECTS, [])
    with Image.open(tmp_path / "wild.png") as sheet:
        assert sheet.width == COLUMNS * (CELL + 4)
        black = (np.asarray(sheet.convert("RGB")) == 0).all(axis=-1)
    assert black.sum() == pytest.approx(COLUMNS * ROWS * CELL**2, rel=0.02)
