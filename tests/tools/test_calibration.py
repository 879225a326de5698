"""The fit of the `blendshapes` estimator, and the file that it is kept in."""

import json

import numpy as np
import pytest

from defgan.faces.au_estimators.blendshapes import load_calibration
from defgan.facs import N_AUS
from tools.calibration import GEOMETRY, fit, save_calibration


@pytest.fixture(scope="module")
def made():
    """Measurements of 60 subjects whose AUs are linear in what is measured, with noise, floored at 0."""
    rng = np.random.default_rng(0)
    measured = rng.normal(3, 2, (1800, GEOMETRY + 12)).astype(np.float32)
    # What both halves see, so that neither is noise only.
    aus = np.clip(measured[:, :N_AUS] + measured[:, -12:].mean(1, keepdims=True) - 6, 0, None) / 12
    return {"measured": measured, "aus": aus.clip(0, 1), "subject": np.repeat(np.arange(60), 30)}


def test_the_fit_has_the_spread_of_the_truth_on_other_people(made):
    new = made["subject"] >= 40
    fitted = fit(**{name: values[~new] for name, values in made.items()})
    predicted, true = fitted.intensities(made["measured"][new]), made["aus"][new]
    assert predicted.mean() == pytest.approx(true.mean(), abs=0.02)
    assert predicted.std(0).mean() == pytest.approx(true.std(0).mean(), rel=0.2)  # a plain ridge: under a half
    assert min(np.corrcoef(predicted[:, i], true[:, i])[0, 1] for i in range(N_AUS)) > 0.7


def test_the_file_gives_the_fit_back(made, tmp_path):
    fitted = fit(**made)
    save_calibration(tmp_path / "saved.json", fitted, "command", {"seed": 3})
    loaded = load_calibration(tmp_path / "saved.json")
    assert loaded.intensities(made["measured"]) == pytest.approx(fitted.intensities(made["measured"]), abs=1e-3)
    content = json.loads((tmp_path / "saved.json").read_text())
    assert (content["command"], content["corpus"]["seed"]) == ("command", 3)
