"""`seeds` runs what is not there, and sums up what is; DVC itself is not run here."""

import io
import shutil

import pandas as pd
import pytest

from defgan.evaluation.fidelity import PREDICTED
from defgan.evaluation.truth import TRUTH
from defgan.report.page import of_this_run
from defgan.report.significance import ALL
from tests.conftest import ROOT
from tests.report.made_up import DEFORMING, GAINS, every_metrics, tables
from tools import experiments
from tools import seeds as command
from tools.seed_numbers import frame, orders, response
from tools.seed_table import mixed, table

MORE, MOTION = ("ssim", "au_icc", "mean_mask"), ("epe", "motion_cosine", "motion_share", "mean_offset")
METRICS = {
    name: own | dict.fromkeys(MORE, 0.5) | dict.fromkeys(MOTION, 0.5 if name in DEFORMING else None)
    for name, own in every_metrics().items()
}
TABLES = tables()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The experiments that are run. Seed 0 is that of the commit at hand, without StarGAN; seed 3 has no photographs.

    The current directory has the default params.
    """
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = []

    def run(name, targets, overrides, log, on_stage):
        if overrides["seed"] == 3:
            raise command.UserError("no such photographs")
        ran.append((name, targets, overrides))

    def metrics(commit, path):
        [name] = [name for name in METRICS if path == f"metrics/methods/{name}.json"]
        return METRICS[name] | {"frechet": {"at head": 10.0}.get(commit, 12.0)}

    def output(commit, path):
        [name] = [name for name in METRICS if path == f"data/evaluation/{name}.parquet"]
        file = io.BytesIO()
        TABLES[name].to_parquet(file)
        return file.getvalue()

    def at_head(target, params):
        return "at head" if params["seed"] == 0 and "stargan" not in target else None

    monkeypatch.setattr(experiments, "find", lambda name, *_: name if name in [one for one, *_ in ran] else None)
    monkeypatch.setattr(experiments, "at_head", at_head)
    monkeypatch.setattr(experiments, "run", run)
    monkeypatch.setattr(experiments, "metrics", metrics)
    monkeypatch.setattr(experiments, "output", output)
    monkeypatch.setattr(experiments, "check_repository", lambda: None)
    return ran


def test_mean_and_deviation_of_every_method(world, capsys):
    command.seeds(count=2, batches=40)
    usual = [name for name in (*GAINS,) if name != "stargan"]
    overrides = {"training.batches": 40, "training.epochs": None, "seed": 1}
    targets = {name: "evaluate_truth" if name == TRUTH else f"evaluate@{name}" for name in usual}
    assert world == [(f"seed-1-{name.replace('_', '-')}", [targets[name]], overrides) for name in usual]
    numbers = pd.read_csv("reports/seeds/seeds.csv").set_index(["method", "seed"])
    assert numbers.loc[("defgan", "mean"), "frechet"] == 11
    assert numbers.loc[("defgan", "sd"), "frechet"] == pytest.approx(2**0.5, rel=1e-5)
    assert numbers.loc[("ganimation", "1"), "commit"] == "seed-1-ganimation"
    assert numbers.loc[("ganimation", "0"), "commit"] == "at head"
    assert numbers["experiment"].isna().tolist() == [seed != "1" for _, seed in numbers.index]
    page = open("reports/seeds/seeds.md", encoding="utf-8").read()
    assert "| DefGAN | 2 | 11.00 ± 1.41 |" in page and "seeds 0, 1; training: 40 batches" in page
    assert "EfficientNet-Lite0" in page and "the paper trains without" in page and "StarGAN" not in page
    assert r"\toprule" in open("reports/seeds/seeds.tex", encoding="utf-8").read()
    beyond = open("reports/seeds/seeds_beyond.md", encoding="utf-8").read()
    assert "| DefGAN | 2 | 0.5000 ± 0.0000 |" in beyond and "MediaPipe blendshapes" in beyond
    for name in ("seeds_by_expression.md", "seeds_order.csv", "seeds.png", "seeds.pdf", "captions.json"):
        assert (command.REPORTS / name).is_file()


def test_stargan_runs_where_it_is_named_and_what_is_there_does_not_run_again(world):
    command.seeds(count=2, method=["stargan", "defgan"])
    first = ["seed-0-stargan", "seed-1-defgan", "seed-1-stargan"]
    assert [name for name, *_ in world] == first
    command.seeds(count=2)
    assert [name for name, *_ in world[3:]] == [
        f"seed-1-{name}" for name in ("copy", "ganimation", "ganimation-supervised", "defgan-supervised", "truth")
    ]
    # What is there is shown, named or not.
    assert "| StarGAN (App. F) | 2 |" in open("reports/seeds/seeds.md", encoding="utf-8").read()


def test_committed_results_whose_files_are_gone_are_made_again(world, monkeypatch):
    held = experiments.output

    def output(commit, path):
        if commit == "at head":
            raise command.UserError("not in the cache")
        return held(commit, path)

    monkeypatch.setattr(experiments, "output", output)
    command.seeds(count=1, method=["copy", "defgan"])
    assert [name for name, *_ in world] == ["seed-0-copy", "seed-0-defgan"]
    assert pd.read_csv("reports/seeds/seeds.csv")["method"].unique().tolist() == ["copy", "defgan"]


def test_a_seed_that_fails_is_named_and_the_others_stand_in_the_table(world, capsys):
    with pytest.raises(SystemExit):
        command.seeds(count=4, method=["defgan"])
    assert "seed-3-defgan failed: no such photographs" in " ".join(capsys.readouterr().err.split())
    assert set(pd.read_csv("reports/seeds/seeds.csv")["seed"]) == {"0", "1", "2", "mean", "sd"}


def test_params_and_methods_that_are_not_valid_run_nothing(world, capsys):
    with pytest.raises(SystemExit):
        command.seeds(count=1, batches=0)
    assert "`training.batches`" in capsys.readouterr().err and not world
    with pytest.raises(SystemExit):
        command.seeds(count=1, method=["cyclegan"])
    assert "cyclegan" in capsys.readouterr().err and not world


def run(seed, method, edits=None, **changed):
    edits = TABLES[method] if edits is None else edits
    return command.Run(seed, method, "", "", METRICS[method] | changed, edits)


def test_the_response_is_the_share_of_the_change_that_was_asked_for():
    # Of the made-up edits three quarters are predicted, and nothing on their inputs.
    assert response(TABLES["defgan"], TABLES["copy"]) == pytest.approx(0.75)
    half = TABLES["copy"].copy()
    half[list(PREDICTED)] = TABLES["defgan"][list(PREDICTED)] / 3
    assert response(TABLES["defgan"], half) == pytest.approx(0.5)
    shuffled = TABLES["copy"].sample(frac=1, random_state=0)
    assert response(TABLES["defgan"], shuffled) == pytest.approx(0.75)
    numbers = frame([run(0, "copy"), run(0, "defgan")]).set_index(["seed", "method", "expression"])
    assert numbers.loc[("0", "defgan", "fear"), "response"] == pytest.approx(0.75)
    alone = frame([run(0, "defgan")])
    assert alone["response"].isna().all()


def test_an_order_is_counted_by_seed_measure_and_expression():
    worse = dict.fromkeys(METRICS["defgan"]["identity_by_expression"], 0.02)
    runs = [run(seed, "ganimation", frechet=30.0, identity=0.01) for seed in (0, 1, 2)]
    runs += [run(0, "defgan", frechet=20.0), run(1, "defgan", frechet=40.0)]
    runs += [run(2, "defgan", frechet=25.0, identity=0.02, identity_by_expression=worse | {"sad": 0.001})]
    found = orders(frame(runs)).set_index(["method", "rival", "measure", "expression"])
    assert found.loc[("defgan", "ganimation", "frechet", "all")].tolist() == [2, 3]
    assert found.loc[("defgan", "ganimation", "identity", "all")].tolist() == [0, 3]
    assert found.loc[("defgan", "ganimation", "identity", "sad")].tolist() == [1, 3]
    assert found.loc[("defgan", "ganimation", "gain_final", "all")].tolist() == [3, 3]
    assert "mean_mask" not in found.index.get_level_values("measure")  # neither more nor less is better
    assert "motion_cosine" not in found.index.get_level_values("measure")  # GANimation has none
    said = mixed(found.reset_index())
    assert "DefGAN is better than GANimation by identity distance: sad 1 of 3" in said
    assert "by Fréchet distance: all 2 of 3" in said and "gain over copying" not in said


def test_a_final_image_is_compared_with_its_deformed_one():
    runs = [run(0, "defgan", gain_final=0.2, gain_deformed=0.1), run(1, "defgan", gain_final=0.2, gain_deformed=0.3)]
    found = orders(frame(runs)).set_index(["method", "rival", "measure", "expression"])
    assert found.loc[("defgan", "deformed", "gain_final", "all")].tolist() == [1, 2]
    said = mixed(found.reset_index())
    assert "DefGAN is better than its own deformed image by gain over copying, final: all 1 of 2" in said


def test_a_page_shows_the_seeds_of_its_own_run_only(world):
    command.seeds(count=2)
    path = command.REPORTS / "seeds.csv"
    own = {name: {"frechet": 10.0} for name in ("defgan", "stargan")}
    assert of_this_run(path, 0, own)
    assert not of_this_run(path, 1, own) and not of_this_run(path, 7, own)
    assert not of_this_run(path, 0, {"defgan": {"frechet": 10.1}})
    assert not of_this_run(path.with_name("nowhere.csv"), 0, own)


def test_the_readme_has_the_committed_numbers():
    numbers = pd.read_csv(ROOT / "reports/seeds/seeds.csv", dtype={"seed": str}).assign(expression=ALL)
    rows = table(numbers, ("frechet", "identity", "gain_final")).drop(columns="seeds")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [row for row in ("| " + " | ".join(cells) + " |" for cells in rows.to_numpy()) if row not in readme]
    assert len(rows) > 5 and not missing
