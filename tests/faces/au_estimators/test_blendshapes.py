"""What the detector and the AU estimator find on rendered faces, whose points and AUs are known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from defgan.alignment import crop, similarity_transform, template
from defgan.corpus.roles import make_role
from defgan.corpus.scenes import crew
from defgan.datasets import read_dataset
from defgan.errors import UserError
from defgan.faces.au_estimators.blendshapes import (
    CALIBRATION,
    NETWORK,
    SOFTNESS,
    BlendshapeEstimator,
    bounded,
    load_calibration,
    soft_floor,
)
from defgan.faces.detection import LONG_SIDE, Detector
from defgan.facs import AU_NAMES
from defgan.photographs import read_photograph
from defgan.records import Record
from defgan.weight_files import WEIGHTS
from tools.calibrate import predict_pairs


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
    return [read_photograph(record.path).pixels for record in records]


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


@pytest.fixture(scope="module")
def estimator():
    return BlendshapeEstimator()


def test_predictions_follow_the_true_intensities(estimator, records, photographs):
    found = estimator(photographs, [record.points for record in records], records)
    predicted = np.stack([prediction.aus for prediction in found])
    true = np.stack([record.aus for record in records])
    unbounded = np.stack([prediction.unbounded for prediction in found])
    assert unbounded.min() < -0.1  # they are kept as they were
    assert bounded(unbounded) == pytest.approx(predicted)
    assert predicted.dtype == np.float32
    assert predicted.min() >= 0
    assert predicted.max() <= 1
    assert np.abs(predicted - true).mean() < 0.08
    for name in ("AU01", "AU04", "AU12", "AU26"):
        index = AU_NAMES.index(name)
        assert np.corrcoef(predicted[:, index], true[:, index])[0, 1] > 0.8, name


@pytest.mark.parametrize("size", [64, 128])
def test_aligned_crops_have_nearly_the_aus_of_their_photographs(estimator, records, photographs, size):
    crops = np.stack(
        [crop(i, similarity_transform(r.points, size), size) for i, r in zip(photographs, records, strict=True)]
    )
    whole, cropped = (
        np.stack([prediction.aus for prediction in estimator(images, points)])
        for images, points in (
            (photographs, [record.points for record in records]),
            (crops, [template(size)] * len(crops)),
        )
    )
    assert np.abs(cropped - whole).mean() < 0.04


def test_the_same_face_has_the_same_aus_whatever_lies_beside_it(estimator, records, photographs):
    points = [record.points for record in records]
    forwards = estimator(photographs, points)
    backwards = estimator(photographs[::-1], points[::-1])[::-1]
    assert all(np.array_equal(a.aus, b.aus) for a, b in zip(forwards, backwards, strict=True))


def test_a_picture_without_a_face_has_no_action_units(estimator):
    points = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], float)
    [prediction] = estimator([np.full((128, 128, 3), 127, np.uint8)], [points], [Record("", Path(), "")])
    assert prediction.aus is None
    assert "no face" in prediction.reject


def test_a_calibration_for_other_networks_is_refused(tmp_path):
    other = tmp_path / "other.json"
    other.write_text(CALIBRATION.read_text().replace(WEIGHTS[NETWORK].sha256, "0" * 64))
    with pytest.raises(UserError, match=r"other\.json: made for another face-landmarker"):
        load_calibration(other)


def test_the_floor_keeps_the_order():
    low = soft_floor(np.array([-0.3, -0.2, 0.0, 0.5]))
    assert (np.diff(low) > 0).all()
    assert low[0] == pytest.approx(0, abs=1e-3)
    assert low[2] == pytest.approx(SOFTNESS * np.log(2))
    assert low[3] == pytest.approx(0.5, abs=1e-5)


def test_smiles_of_photographed_people(shared):
    """Nobody knows the AUs of photographs; that these people smile, everybody sees."""
    neutral, smiling = predict_pairs(shared / "faces/london")
    assert len(neutral) == 80
    rises = dict(zip(AU_NAMES, (smiling > neutral).mean(axis=0), strict=True))
    assert rises["AU12"] >= 0.98
    assert rises["AU06"] >= 0.85
    assert rises["AU25"] >= 0.70
    assert neutral.mean() < 0.06
    assert neutral.mean(axis=0).max() < 0.3
