"""The rendered faces of the calibration, and what the published calibration says of people that it never saw."""

import json

import numpy as np
import pandas as pd
import pytest

from defgan.agreement import icc_3_1
from defgan.corpus.sampling import ROLES, sample_person
from defgan.corpus.scenes import crew
from defgan.faces.au_estimators.blendshapes import CALIBRATION, NETWORK, load_calibration
from defgan.facs import AU_NAMES
from defgan.weight_files import WEIGHTS
from tests.conftest import ROOT
from tools import calibration_faces
from tools.calibration_faces import (
    HELD_OUT,
    IMAGES,
    SUBJECTS,
    VIEWS,
    observe,
    sample_combination,
    sample_subject,
    skin_luminance,
)


def test_combinations_have_no_opposites():
    rng = np.random.default_rng(0)
    drawn = np.stack([sample_combination(rng) for _ in range(300)])
    for group in calibration_faces._EXCLUSIVE:
        assert ((drawn[:, [AU_NAMES.index(name) for name in group]] > 0).sum(axis=1) <= 1).all(), group
    assert (drawn.max(axis=0) > 0.8).all()
    assert drawn.min() == 0


def test_subjects_are_of_no_role_and_the_same_every_time(studio):
    person, shots, aus = sample_subject(0, 7, studio.change_labels)
    again, _, same = sample_subject(0, 7, studio.change_labels)
    assert np.array_equal(person.look, again.look)
    assert np.array_equal(aus, same)
    assert len(shots) == len(aus) == IMAGES
    assert not aus[0].any()
    assert ((aus[1:4] > 0).sum(axis=1) == 1).all()
    for role in range(len(ROLES)):
        other = sample_person(np.random.default_rng([0, role, 7]), studio.change_labels)
        assert not np.array_equal(person.look, other.look)


def test_the_luminance_of_skin(studio):
    looks = [sample_subject(0, subject, studio.change_labels)[0].look for subject in range(20)]
    found = [skin_luminance(look) for look in looks]
    assert 0.03 < min(found) < 0.15
    assert 0.3 < max(found) < 0.7
    assert skin_luminance(np.zeros_like(looks[0])) == 0
    assert skin_luminance(np.ones_like(looks[0])) == pytest.approx(1)


def test_the_published_calibration_names_its_origin():
    content = json.loads(CALIBRATION.read_text())
    assert content["network_sha256"] == WEIGHTS[NETWORK].sha256
    assert content["command"] == "python -m tools.calibrate"
    assert content["corpus"]["subjects"] == SUBJECTS
    assert content["corpus"]["held_out"] == HELD_OUT


def test_the_estimator_on_people_that_it_was_not_fitted_to(studio):
    """Some of the held-out people, rendered here, agree with the published table, and the table with the bars."""
    published = pd.read_csv(ROOT / "reports/calibration/au_estimator.csv")
    assert (published["icc"] >= 0.5).all()
    assert (published["icc"] >= 0.75).sum() >= 12
    with crew(studio.head, workers=1) as run:
        found = observe(studio, run, seed=0, subjects=range(SUBJECTS - 8, SUBJECTS))
    assert len(found["aus"]) > 0.95 * 8 * IMAGES * len(VIEWS)
    predicted = load_calibration().intensities(found["measured"])
    for side, column in ((0, "mae"), (128, "mae_crop128"), (64, "mae_crop64")):
        here = found["view"] == side
        assert np.abs(predicted[here] - found["aus"][here]).mean() == pytest.approx(published[column].mean(), abs=0.015)
        assert icc_3_1(np.stack([predicted[here].ravel(), found["aus"][here].ravel()], axis=1)) > 0.75
