"""`seeds` runs what is not there, and sums up what is; DVC itself is not run here."""

import shutil

import pandas as pd
import pytest

from defgan.methods import registry
from tests.conftest import ROOT
from tests.report.made_up import metrics
from tools import experiments
from tools import seeds as command

EXTRA = {"ssim": 0.9, "epe": 1.5, "motion_cosine": 0.5, "au_icc": 0.3, "mean_offset": 0.7, "mean_mask": 0.1}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The experiments that are run; seed-0 is there already. The current directory has the default params."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    ran, there = [], {"seed-0": "commit-0"}

    def run(name, targets, overrides, log, on_stage):
        if overrides["seed"] == 2:
            raise command.UserError("no such photographs")
        ran.append((name, targets, overrides))
        return f"commit-{overrides['seed']}"

    def measured(commit, path):
        seed, own = int(commit[-1]), metrics(0.1)
        own["networks"]["action_units"] = "some estimator"
        defgan = "defgan" in path
        return own | EXTRA | {"frechet": 10.0 + 2 * seed, "epe": EXTRA["epe"] if defgan else None}

    monkeypatch.setattr(experiments, "find", lambda name, target, params: there.get(name))
    monkeypatch.setattr(experiments, "run", run)
    monkeypatch.setattr(experiments, "metrics", measured)
    monkeypatch.setattr(experiments, "check_repository", lambda params: None)
    return ran


def test_mean_and_deviation_of_every_method(world, capsys):
    command.seeds(count=2, batches=40)
    measured = [f"evaluate@{method.name}" for method in registry.told_aus()]
    assert world == [("seed-1", measured, {"training.batches": 40, "training.epochs": None, "seed": 1})]
    numbers = pd.read_csv("reports/seeds/seeds.csv").set_index(["method", "seed"])
    assert numbers.loc[("defgan", "mean"), "frechet"] == 11
    assert numbers.loc[("defgan", "sd"), "frechet"] == pytest.approx(2**0.5, rel=1e-5)
    assert numbers.loc[("ganimation", "1"), "commit"] == "commit-1"
    page = open("reports/seeds/seeds.md", encoding="utf-8").read()
    assert "11.00 ± 1.41" in page and "seeds 0, 1, 40 batches" in page and "EfficientNet-Lite0" in page
    assert "| GANimation | 2 |" in page and " – |" in page
    assert r"\toprule" in open("reports/seeds/seeds.tex", encoding="utf-8").read()


def test_a_seed_that_fails_is_named_and_the_others_stand_in_the_table(world, capsys):
    with pytest.raises(SystemExit):
        command.seeds(count=3)
    assert "seed-2 failed: no such photographs" in capsys.readouterr().err.replace("\n", " ")
    assert set(pd.read_csv("reports/seeds/seeds.csv")["seed"]) == {"0", "1", "mean", "sd"}


def test_params_that_are_not_valid_run_nothing(world, capsys):
    with pytest.raises(SystemExit):
        command.seeds(count=1, batches=0)
    assert "`training.batches`" in capsys.readouterr().err and not world
