"""The AU reader's calibration: its rendered faces, its fit, its measures, and what it says of people it never saw."""

import json

import numpy as np
import pandas as pd
import pytest

from defgan.corpus.sampling import ROLES, sample_person
from defgan.corpus.scenes import crew
from defgan.faces import calibration
from defgan.faces.blendshapes import CALIBRATION, NETWORK, load_calibration
from defgan.faces.calibration import (
    GEOMETRY,
    HELD_OUT,
    IMAGES,
    SUBJECTS,
    VIEWS,
    agreement,
    change,
    fit,
    icc,
    observe,
    sample_combination,
    sample_subject,
    save_calibration,
)
from defgan.faces.weights import WEIGHTS
from defgan.facs import AU_NAMES, N_AUS
from tests.conftest import ROOT


def test_icc_against_a_table_worked_by_hand():
    # Rows differ by 1.5 (mean square), what neither rows nor columns explain by 0.5.
    assert icc(np.array([1, 2, 3]), np.array([1, 3, 2])) == pytest.approx((1.5 - 0.5) / (1.5 + 0.5))


def test_icc_forgives_an_offset_and_not_a_scale():
    true = np.array([0.0, 0.2, 0.4, 0.9])
    assert icc(true + 0.3, true) == pytest.approx(1)
    assert icc(0.2 * true, true) < 0.5


def test_combinations_have_no_opposites():
    rng = np.random.default_rng(0)
    drawn = np.stack([sample_combination(rng) for _ in range(300)])
    for group in calibration._EXCLUSIVE:
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


@pytest.fixture(scope="module")
def made():
    """Readings of 60 subjects whose AUs are linear in what is measured, with noise, floored at 0."""
    rng = np.random.default_rng(0)
    measured = rng.normal(3, 2, (1800, GEOMETRY + 12)).astype(np.float32)
    # What both halves see, so that neither is noise only.
    aus = np.clip(measured[:, :N_AUS] + measured[:, -12:].mean(1, keepdims=True) - 6, 0, None) / 12
    return {"measured": measured, "aus": aus.clip(0, 1), "subject": np.repeat(np.arange(60), 30)}


def test_the_fit_has_the_spread_of_the_truth_on_other_people(made):
    new = made["subject"] >= 40
    fitted = fit(**{name: values[~new] for name, values in made.items()})
    read, true = fitted.intensities(made["measured"][new]), made["aus"][new]
    assert read.mean() == pytest.approx(true.mean(), abs=0.02)
    assert read.std(0).mean() == pytest.approx(true.std(0).mean(), rel=0.2)  # a plain ridge: under a half
    assert min(np.corrcoef(read[:, i], true[:, i])[0, 1] for i in range(N_AUS)) > 0.7


def test_the_file_gives_the_fit_back(made, tmp_path):
    fitted = fit(**made)
    save_calibration(tmp_path / "saved.json", fitted, "command", seed=3)
    loaded = load_calibration(tmp_path / "saved.json")
    assert loaded.intensities(made["measured"]) == pytest.approx(fitted.intensities(made["measured"]), abs=1e-3)
    content = json.loads((tmp_path / "saved.json").read_text())
    assert (content["command"], content["corpus"]["seed"]) == ("command", 3)


def test_the_tables():
    true = np.tile(np.linspace(0, 1, 30)[:, None], (1, N_AUS))
    view = np.resize(VIEWS, 30)
    table = agreement(0.5 * true, true, view)
    assert table["au"].tolist() == list(AU_NAMES)
    assert table["correlation"].to_numpy() == pytest.approx(np.ones(N_AUS))
    assert table["mae"][0] == pytest.approx(0.5 * true[view == 0, 0].mean())
    assert table["icc_crop64"][0] == pytest.approx(icc(0.5 * true[view == 64, 0], true[view == 64, 0]))
    rising = change(np.zeros((4, N_AUS)), np.repeat([[0.1], [0.0], [0.2], [0.3]], N_AUS, axis=1))
    assert rising["rises"].tolist() == [0.75] * N_AUS


def test_the_published_calibration_names_its_origin():
    content = json.loads(CALIBRATION.read_text())
    assert content["network_sha256"] == WEIGHTS[NETWORK].sha256
    assert content["command"] == "python -m stages.calibrate"
    assert content["corpus"]["subjects"] == SUBJECTS
    assert content["corpus"]["held_out"] == HELD_OUT


def test_the_reader_on_people_that_it_was_not_fitted_to(studio):
    """Some of the held-out people, rendered here, agree with the published table, and the table with the bars."""
    published = pd.read_csv(ROOT / "reports/tables/au_reader.csv")
    assert (published["icc"] >= 0.5).all()
    assert (published["icc"] >= 0.75).sum() >= 12
    with crew(studio.head, workers=1) as run:
        found = observe(studio, run, seed=0, subjects=range(SUBJECTS - 8, SUBJECTS))
    assert len(found["aus"]) > 0.95 * 8 * IMAGES * len(VIEWS)
    read = load_calibration().intensities(found["measured"])
    for side, column in ((0, "mae"), (128, "mae_crop128"), (64, "mae_crop64")):
        here = found["view"] == side
        assert np.abs(read[here] - found["aus"][here]).mean() == pytest.approx(published[column].mean(), abs=0.015)
        assert icc(read[here].ravel(), found["aus"][here].ravel()) > 0.75
