"""Py-Feat, stood in for by a module with the API of py-feat 2.1: `feat.Detectorv2.detect`, one row per face."""

import sys

import numpy as np
import pytest

from defgan.errors import UserError
from defgan.faces.au_estimators import make_estimator
from defgan.facs import AU_NAMES
from defgan.params import Source
from defgan.records import Record

POINTS = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], float)
SOURCE = Source(path="photographs", layout="folder", points="mtcnn", action_units="pyfeat")

MODULE = """
import pandas as pd
AUS = ["AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU11", "AU12", "AU14", "AU15", "AU17", "AU20",
       "AU23", "AU24", "AU25", "AU26", "AU28", "AU43"]

class Detectorv2:
    def __init__(self, device="cpu", face_detection_threshold=0.5, identity_model="arcface", multitask_weights=None):
        if FAIL:
            raise OSError("cannot reach the hub")
        assert identity_model is None

    def detect(self, inputs, data_type="image", output_size=None, batch_size=1, num_workers=0, pin_memory=False,
               face_identity_threshold=0.8, face_detection_threshold=None, skip_frames=None, progress_bar=True):
        assert data_type == "tensor" and inputs.ndim == 4 and inputs.shape[1] == 3
        rows = []
        side = inputs.shape[-1]
        for i, image in enumerate(inputs):
            level = float(image.float().mean() / 255)
            boxes = [(0, 0, 40, 40, 0.0), (side / 4, side / 4, side / 2, side / 2, level)]
            if not level:
                boxes = [(float("nan"),) * 5]
            for x, y, width, height, value in boxes:
                aus = dict.fromkeys(AUS, 0.0) | {"AU12": value, "AU43": value / 2}
                rows.append({"FaceRectX": x, "FaceRectY": y, "FaceRectWidth": width, "FaceRectHeight": height,
                             "FaceScore": 0.9, **aus, "input": "tensor", "frame": i})
        return pd.DataFrame(rows)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    def install(fail):
        (tmp_path / "feat.py").write_text(f"FAIL = {fail}\n{MODULE}")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "feat", raising=False)

    yield install
    sys.modules.pop("feat", None)


def test_the_face_at_the_points_is_read(fake):
    fake(fail=False)
    images = [np.full((120, 120, 3), level, np.uint8) for level in (102, 0)]
    read, nothing = make_estimator(SOURCE)(images, [POINTS] * 2, [Record("a", "a", "")] * 2)
    assert read.aus[AU_NAMES.index("AU12")] == pytest.approx(0.4, abs=1e-3)
    assert read.aus[AU_NAMES.index("AU45")] == pytest.approx(0.2, abs=1e-3)
    assert np.count_nonzero(read.aus) == 2
    assert nothing.reject == "Py-Feat found no face"


def test_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "feat", None)
    with pytest.raises(UserError, match=r"Py-Feat cannot be imported .*uv sync .*--extra pyfeat"):
        make_estimator(SOURCE)


def test_without_weights(fake):
    fake(fail=True)
    with pytest.raises(UserError, match=r"weights cannot be loaded \(OSError: cannot reach the hub\)"):
        make_estimator(SOURCE)
