"""The whole experiment, for real, with tiny params in a repository of its own."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from ruamel.yaml import YAML

from defgan.errors import UserError
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.methods import registry
from defgan.params import read_params
from defgan.tracking import flatten
from tests.e2e.conftest import OVERRIDES
from tests.e2e.repository import DEADLINE, Clone
from tools import experiments

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

ROLES = ("train", "wild", "mug", "rafd")
METHODS = tuple(method.name for method in registry.every())
yaml = YAML(typ="safe")


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


def test_a_killed_run_goes_on_where_it_was(finished):
    clone, output = finished
    assert "defgan: going on from" in output
    assert not stages_run(output) & {"corpus", "prepare@train", "targets", "plan", "truth"}
    killed, *others = clone.statuses("train_defgan")
    assert killed == "KILLED" and others[-1] == "FINISHED"
    assert len(pd.read_csv(clone.path / "metrics/train_defgan.csv")) == 40 / 10
    assert not list(clone.path.rglob("*.partial*"))


def test_killed_runs_end_with_the_bytes_of_one_that_was_never_killed(finished, never_killed):
    clone, _ = finished
    wanted = {path: digest for path, digest in never_killed.digests().items() if "defgan" in path}
    assert len(wanted) > 10 and wanted.items() <= clone.digests().items()


def test_every_face_is_a_row_or_a_reject_and_no_subject_is_in_two_roles(finished):
    clone, _ = finished
    subjects, sources = {}, yaml.load(clone.path / "params.yaml")["data"]
    for role in ROLES:
        directory = clone.path / "data/prepared" / role
        faces = pd.read_parquet(directory / "faces.parquet")
        rejects = pd.read_parquet(directory / "rejects.parquet")
        source = clone.path / sources[role]["path"]
        photographs = [*source.glob("images/*.png"), *source.glob("*/*.jpg")]
        assert len(faces) + len(rejects) == len(photographs) > 0
        assert np.load(directory / "pixels.npy", mmap_mode="r").shape == (len(faces), 32, 32, 3)
        assert faces[list(AU_NAMES)].to_numpy().min() >= 0 and faces[list(AU_NAMES)].to_numpy().max() <= 1
        subjects[role] = set(faces["subject"])
    assert len(subjects["train"]) == OVERRIDES["corpus.train.subjects"]
    assert not subjects["train"] & (subjects["wild"] | subjects["mug"] | subjects["rafd"])


def test_edits_follow_the_plan(finished):
    clone, _ = finished
    plan = pd.read_parquet(clone.path / "data/plan.parquet")
    assert set(plan["set"]) == {"expressions", "grid", "sweep", "rafd", "au", "slider"}
    wild = pd.read_parquet(clone.path / "data/prepared/wild/faces.parquet")
    counted = plan[plan["set"] == "expressions"].groupby("expression")["image_id"].nunique()
    assert counted.to_dict() == dict.fromkeys(EXPRESSIONS, len(wild))
    true = np.load(clone.path / "data/truth/true.npy", mmap_mode="r")
    assert true.shape == (len(plan), 32, 32, 3)
    for method in METHODS:
        edits = pd.read_parquet(clone.path / "edits" / method / "edits.parquet")
        pd.testing.assert_frame_equal(edits, plan)
        assert np.load(clone.path / "edits" / method / "final.npy", mmap_mode="r").shape == true.shape
    for role, edits in plan.groupby("role"):
        pixels = np.load(clone.path / "data/prepared" / role / "pixels.npy")
        np.testing.assert_array_equal(np.load(clone.path / "edits/copy/final.npy")[edits.index], pixels[edits["row"]])
    rafd = pd.read_parquet(clone.path / "data/prepared/rafd/faces.parquet")
    held_out = set(rafd[rafd["split"] == "val"]["subject"])
    assert set(plan[plan["role"] == "rafd"]["subject"]) == held_out < set(rafd["subject"])


def test_metrics_tables_and_figures(finished):
    clone, _ = finished
    compared = json.loads((clone.path / "metrics/compare.json").read_text())
    measured = compared["methods"]
    assert set(measured) == {*METHODS, "autoencoder", "truth"} and compared["networks"]
    assert measured["defgan"]["epe"] > 0 and measured["truth"]["gain_final"] is None
    for metrics in measured.values():
        assert metrics["frechet"] > 0 and set(metrics["identity_by_expression"]) == set(EXPRESSIONS)
    assert measured["copy"]["gain_final"] == 0 and measured["copy"]["identity"] == pytest.approx(0, abs=1e-6)
    assert measured["defgan"]["gain_deformed"] is not None and measured["ganimation"]["gain_deformed"] is None
    assert "Fréchet" in (clone.path / "reports/tables/table_1.md").read_text()
    figures = {path.name[:6] for path in (clone.path / "reports/figures/corpus").glob("fig_*.png")}
    assert {f"fig_{number:02d}" for number in (1, 3, 4, 5, 6, 10, 11, 12, 17, 18)} <= figures
    page = (clone.path / "reports/index.html").read_text()
    assert all(name in page for name in figures) and "Fréchet" in page
    assert all(run in page for (run,) in clone.tracked("select run_uuid from runs where name = 'train@ganimation'"))


def test_every_stage_is_recorded_with_the_params_that_it_depends_on(finished):
    clone, _ = finished
    locked = yaml.load(clone.path / "dvc.lock")["stages"]
    for name, entry in locked.items():
        if name == "check":
            continue
        # A stage that is killed when its run has ended, and before DVC knows, runs twice.
        runs = clone.params(name)
        assert runs, f"{name}: {clone.statuses(name)}"
        depends = {key: str(value) for key, value in flatten(entry.get("params", {}).get("params.yaml", {})).items()}
        assert depends.items() <= runs[-1].items(), name
    # What was measured stands beside the coefficients of what made it.
    assert clone.params("evaluate@defgan")[-1]["lambda_cyc"] == "100.0"
    assert {"lambda_cyc": "100.0", "ganimation.lambda_cyc": "10.0"}.items() <= clone.params("compare")[-1].items()


def test_a_second_repro_runs_nothing(finished):
    clone, _ = finished
    assert stages_run(clone.run("dvc", "repro")) == set()
    assert "up to date" in clone.run("dvc", "status")
    assert clone.run("git", "status", "--porcelain") == ""


def test_an_unknown_key_is_refused_with_the_nearest_name(finished):
    clone, _ = finished
    assert "lamda_cyc" in clone.run("dvc", "exp", "run", "-S", "lamda_cyc=50", ok=False)
    path = clone.path / "params.yaml"
    before = path.read_text()
    path.write_text(before + "lamda_cyc: 50\n")
    output = clone.run("dvc", "repro", ok=False)
    path.write_text(before)
    assert "params.yaml: unknown key `lamda_cyc`; the nearest known key is `lambda_cyc`\n" in output
    assert stages_run(output) == {"check"}


def test_committed_results_are_found_as_those_of_a_seed(finished, monkeypatch):
    clone, _ = finished
    monkeypatch.chdir(clone.path)
    head, params = clone.run("git", "rev-parse", "HEAD").strip(), read_params()
    assert experiments.at_head("evaluate@defgan", params) == head
    assert experiments.at_head("evaluate@defgan", params | {"seed": params["seed"] + 1}) is None
    path = Path("data/evaluation/defgan.parquet")
    assert experiments.output(head, str(path)) == path.read_bytes()
    with pytest.raises(UserError, match=r"evaluation/nobody\.parquet"):
        experiments.output(head, "data/evaluation/nobody.parquet")


def test_a_coefficient_of_a_baseline_retrains_that_baseline_only(finished):
    clone, _ = finished
    path = clone.path / "params.yaml"
    before = path.read_text()
    path.write_text(re.sub(r"lambda_rec: .*", "lambda_rec: 5.0", before))
    output = clone.run("dvc", "repro", "--dry")
    path.write_text(before)
    assert {name for name in stages_run(output) if name.startswith("train")} == {"train@stargan"}


def test_an_experiment_reruns_what_depends_on_it(finished):
    clone, _ = finished
    path = clone.path / "params.yaml"
    before = path.read_text()
    path.write_text(re.sub(r"^lambda_cyc: .*", "lambda_cyc: 50.0", before, flags=re.M))
    output = clone.run("dvc", "repro", "--dry", "--force-downstream")
    path.write_text(before)
    wanted = {"train_defgan", "edit_defgan", "evaluate@defgan", "compare"}
    assert stages_run(output) == wanted | {"check", "figures", "user_study", "votes", "page"}
    assert stages_run(clone.run("dvc", "exp", "run", "-S", "lambda_cyc=50", "compare")) == wanted
    assert list(dict.fromkeys(run["lambda_cyc"] for run in clone.params("train_defgan"))) == ["100.0", "50.0"]
    assert clone.params("evaluate@defgan")[-1]["lambda_cyc"] == "50.0"
    [(name,)] = clone.tracked("select distinct value from tags where key = 'DVC_EXP_NAME'")
    assert name in clone.run("dvc", "exp", "list")
    changes = clone.run("dvc", "metrics", "diff")
    assert "methods.defgan." in changes and "methods.ganimation." not in changes


def test_queued_experiments_are_recorded_in_the_same_store(finished):
    clone, _ = finished
    clone.run("git", "checkout", "--quiet", ".")
    before = len(clone.params("train@ganimation"))
    clone.run("dvc", "exp", "run", "--queue", "-S", "ganimation.lambda_cyc=5", "train@ganimation")
    clone.run("dvc", "queue", "start")
    until = time.monotonic() + DEADLINE
    while len(clone.params("train@ganimation")) == before and time.monotonic() < until:
        time.sleep(0.5)
    assert [run["ganimation.lambda_cyc"] for run in clone.params("train@ganimation")[before - 1 :]] == ["10.0", "5.0"]
    while "Running" in clone.run("dvc", "queue", "status") and time.monotonic() < until:
        time.sleep(1)
    clone.run("dvc", "queue", "stop")
    # A worker that misses the message to end would stay for ever.
    for process in psutil.wait_procs(clone.at_work(), 20)[1]:
        process.kill()


def test_a_team_shares_data_results_and_experiments(finished, tmp_path):
    """As docs/experiments.md says: a folder is the remote, and another machine pulls where it would train."""
    clone, _ = finished
    clone.run("git", "checkout", "--quiet", ".")
    clone.run("dvc", "checkout")
    hub = tmp_path / "hub.git"
    clone.run("git", "init", "--quiet", "--bare", "--initial-branch", "main", str(hub))
    clone.run("git", "remote", "add", "origin", str(hub))
    clone.run("dvc", "push")
    clone.run("git", "push", "--quiet", "origin", "main")
    query = """select distinct tags.value from tags join params using (run_uuid)
               where tags.key = 'DVC_EXP_NAME' and params.key = 'lambda_cyc' and params.value = '50.0'"""
    [(name,)] = clone.tracked(query)
    clone.run("dvc", "exp", "push", "origin", name)

    clone.run("git", "clone", "--quiet", str(hub), str(tmp_path / "other"))
    other = Clone(tmp_path / "other", clone.programs)
    other.run("dvc", "pull")
    # Neither git nor the remote holds the card of a role of photographs, which shows people: it is made again.
    unshared = "reports/data/expression_folders"
    shared = {path: digest for path, digest in clone.digests().items() if not path.startswith(unshared)}
    assert len(shared) > 200 and other.digests() == shared
    # Seen from there, the photographs lie at another place, with the same bytes in them.
    assert stages_run(other.run("dvc", "repro")) <= {"prepare@mug", "cards@mug"}
    assert other.digests() == clone.digests()
    other.run("dvc", "exp", "pull", "origin", name)
    other.run("dvc", "exp", "apply", name)
    changed = json.loads((other.path / "models/defgan.json").read_text(encoding="utf-8"))["params"]
    assert changed["lambda_cyc"] == 50.0
