"""`python -m tools.calibrate` on made measurements, and on photographs in pairs."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from defgan.agreement import icc_3_1
from defgan.faces.au_estimators import blendshapes
from defgan.facs import AU_NAMES, N_AUS
from tools import calibrate
from tools.calibration import GEOMETRY
from tools.calibration_faces import HELD_OUT, SUBJECTS, VIEWS


@pytest.fixture
def observed(tmp_path, monkeypatch):
    """Measurements of ten people, four of them held out; what is written goes to a folder of the test's own."""
    rng = np.random.default_rng(0)
    subject = np.repeat([*range(6), *range(SUBJECTS - HELD_OUT, SUBJECTS - HELD_OUT + 4)], 150)
    measured = rng.normal(0, 1, (len(subject), GEOMETRY + 4)).astype(np.float32)
    aus = np.clip(measured[:, :N_AUS] + measured[:, -4:].sum(1, keepdims=True), 0, 4) / 4
    file = tmp_path / "measurements.npz"
    skin = np.where(subject % 2, 0.05, 0.5)
    np.savez(file, measured=measured, aus=aus, subject=subject, view=np.resize(VIEWS, len(subject)), skin=skin)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blendshapes, "CALIBRATION", tmp_path / "au_calibration.json")
    return file


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["calibrate", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        calibrate.main()
    return ended.value.code


def test_the_files_that_it_writes(observed, monkeypatch, capsys):
    assert run(monkeypatch, "--observations", observed) == 0
    assert json.loads((observed.parent / "au_calibration.json").read_text())["action_units"].keys() == set(AU_NAMES)
    table = pd.read_csv(observed.parent / "reports/calibration/au_estimator.csv")
    assert table["au"].tolist() == list(AU_NAMES)
    assert {"correlation", "icc", "mae", "icc_crop64"} < set(table.columns)
    assert (table["icc"] > 0.3).all()
    page = (observed.parent / "reports/calibration/au_estimator.md").read_text()
    assert f"{HELD_OUT} rendered people" in page
    by_skin = pd.read_csv(observed.parent / "reports/calibration/au_estimator_by_skin.csv")
    assert by_skin.groupby("tone", sort=False)["people"].first().to_dict() == {"dark": 2, "light": 2}
    assert by_skin["au"].tolist() == ["mean", *AU_NAMES] * 2
    out = " ".join(capsys.readouterr().out.split())
    assert "ICC at least 0.75 on" in out
    assert "mean ICC by skin: dark" in out


def test_a_check_fits_nothing(observed, monkeypatch, capsys):
    assert run(monkeypatch, "--observations", observed) == 0
    calibration = observed.parent / "au_calibration.json"
    written, table = calibration.stat().st_mtime_ns, observed.parent / "reports/calibration/au_estimator.csv"
    fitted = table.read_bytes()
    table.unlink()
    assert run(monkeypatch, "--observations", observed, "--check") == 0
    assert calibration.stat().st_mtime_ns == written
    assert table.read_bytes() == fitted


@pytest.mark.parametrize("lost", ["skin", "people"])
def test_measurements_that_lack_something(observed, monkeypatch, capsys, lost):
    with np.load(observed) as content:
        found = {name: content[name] for name in content.files if name != lost}
    if lost == "people":
        held_out = found["subject"] >= SUBJECTS - HELD_OUT
        found = {name: values[held_out] for name, values in found.items()}
    np.savez(observed, **found)
    assert run(monkeypatch, "--observations", observed) == 1
    assert "delete it or name another file" in " ".join(capsys.readouterr().err.split())


def test_the_estimator_by_skin():
    true = np.tile(np.linspace(0, 1, 40)[:, None], (4, N_AUS))
    subject, skin = np.repeat(np.arange(4), 40), np.repeat([0.05, 0.1, 0.5, 0.6], 40)
    predicted = true * np.where(skin < 0.3, 0.5, 1)[:, None]
    table = calibrate.by_skin(predicted, true, skin, subject).set_index(["tone", "au"])
    assert table.loc["dark", "slope"].to_numpy() == pytest.approx(0.5)
    assert table.loc["light", "slope"].to_numpy() == pytest.approx(1)
    assert table.loc[("light", "mean"), "icc"] == pytest.approx(1)
    assert table.loc[("dark", "mean"), "icc"] == pytest.approx(icc_3_1(np.outer(true[:80, 0], [0.5, 1])))
    assert table.loc[("dark", "mean"), ["icc_low", "slope_high"]].notna().all()
    assert table.loc[("dark", "AU01"), ["people", "n"]].tolist() == [2, 80]


def test_a_folder_without_pairs(observed, monkeypatch, capsys):
    assert run(monkeypatch, "--observations", observed, "--photographs", observed.parent) == 1
    assert "no photographs of the same name in neutral/ and smiling/" in " ".join(capsys.readouterr().err.split())


def test_the_tables():
    true = np.tile(np.linspace(0, 1, 30)[:, None], (1, N_AUS))
    view = np.resize(VIEWS, 30)
    table = calibrate.agreement(0.5 * true, true, view)
    assert table["au"].tolist() == list(AU_NAMES)
    assert table["correlation"].to_numpy() == pytest.approx(np.ones(N_AUS))
    assert table["mae"][0] == pytest.approx(0.5 * true[view == 0, 0].mean())
    assert table["icc_crop64"][0] == pytest.approx(icc_3_1(np.outer(true[view == 64, 0], [0.5, 1])))
    rising = calibrate.change(np.zeros((4, N_AUS)), np.repeat([[0.1], [0.04], [0.2], [0.3]], N_AUS, axis=1))
    assert rising["rises by more than 0.05"].tolist() == [0.75] * N_AUS
