"""What the detector and the blendshape networks read from rendered faces, whose points and AUs are known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from defgan.corpus.roles import make_role
from defgan.corpus.scenes import crew
from defgan.datasets import read_dataset
from defgan.datasets.records import Record
from defgan.faces.blendshapes import BLENDSHAPES, BlendshapeReader, to_action_units
from defgan.faces.detection import LONG_SIDE, Detector
from defgan.faces.preparation import read_photograph
from defgan.facs import AU_NAMES


@pytest.fixture(scope="module")
def records(tmp_path_factory, studio):
    """A rendered person in eight expressions."""
    directory = tmp_path_factory.mktemp("corpus") / "rafd"
    with crew(studio.head, workers=1) as run:
        make_role(directory, "rafd", studio, run, 1, 1, seed=3, size=128, supersample=1)
    return read_dataset("corpus", directory).records


@pytest.fixture(autouse=True)
def one_thread():
    """MTCNN's small operations on several threads are slow where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def photographs(records):
    return [read_photograph(record.path) for record in records]


def errors(found, expected) -> np.ndarray:
    """Distance of each point from where it should be, in distances between the eyes."""
    assert all(face is not None for face in found)
    miss = np.stack(
        [np.linalg.norm(face.points - points, axis=1) for face, points in zip(found, expected, strict=True)]
    )
    return miss / np.array([np.linalg.norm(points[1] - points[0]) for points in expected])[:, None]


def test_detected_points_are_the_true_ones(records, photographs):
    found = Detector(threshold=0.9)(photographs)
    assert np.median(errors(found, [record.points for record in records])) < 0.08


def test_detection_has_no_side(photographs):
    """A photograph and its mirror image give mirrored points: half a pixel of convention would show here."""
    detector = Detector(threshold=0.9)
    plain = detector(photographs)
    mirrored = detector([np.ascontiguousarray(image[:, ::-1]) for image in photographs])
    sums = [a.points[:, 0] + b.points[[1, 0, 2, 4, 3], 0] for a, b in zip(plain, mirrored, strict=True)]
    assert abs(np.mean(sums) / 2 - 64) < 0.4


def test_photographs_of_different_sizes_are_searched_together(records, photographs):
    large = np.kron(photographs[0], np.ones((5, 5, 1), np.uint8))
    assert max(large.shape) > LONG_SIDE
    small, wide = photographs[1], np.pad(photographs[2], ((0, 0), (0, 100), (0, 0)))
    found = Detector(threshold=0.9)([large, small, wide])
    assert errors(found, [records[0].points * 5, records[1].points, records[2].points]).max() < 0.2


def test_nothing_is_found_in_nothing():
    assert Detector(threshold=0.9)([np.full((100, 80, 3), 127, np.uint8)]) == [None]
    assert Detector(threshold=0.9)([]) == []


def test_blendshapes_follow_the_true_intensities(records, photographs):
    reader = BlendshapeReader()
    read = np.stack([reading.aus for reading in reader(photographs, [record.points for record in records], records)])
    true = np.stack([record.aus for record in records])
    assert read.min() >= 0
    assert read.max() <= 1
    for name in ("AU12", "AU25", "AU26"):
        index = AU_NAMES.index(name)
        assert np.corrcoef(read[:, index], true[:, index])[0, 1] > 0.5, name


def test_a_picture_without_a_face_has_no_action_units():
    points = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], float)
    [reading] = BlendshapeReader()([np.full((128, 128, 3), 127, np.uint8)], [points], [Record("", Path(), "")])
    assert reading.aus is None
    assert "no face" in reading.reject


def test_the_mapping_on_made_scores():
    landmarks = np.zeros((478, 2))
    landmarks[[33, 133]] = (-1, 0)
    landmarks[[263, 362]] = (1, 0)
    landmarks[13], landmarks[14] = (0, 1.0), (0, 1.36)  # a gap of 0.18 distances between the eyes: half way
    scores = np.zeros(52)
    relaxed = dict(zip(AU_NAMES, to_action_units(scores, landmarks), strict=True))
    assert relaxed.pop("AU25") == pytest.approx(0.5)
    assert not any(relaxed.values())
    scores[BLENDSHAPES.index("jawOpen")] = 0.275
    scores[BLENDSHAPES.index("mouthSmileLeft")] = 0.9  # one side: the mean of both is half the range
    scores[BLENDSHAPES.index("eyeSquintLeft")] = scores[BLENDSHAPES.index("eyeSquintRight")] = 0.65
    read = dict(zip(AU_NAMES, to_action_units(scores, landmarks), strict=True))
    assert read["AU26"] == pytest.approx(0.5)
    assert read["AU12"] == pytest.approx(0.5)
    assert read["AU06"] == pytest.approx(np.sqrt(0.5))
    assert read["AU07"] == pytest.approx(0.8)
