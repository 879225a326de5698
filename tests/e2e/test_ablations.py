"""Two ablations, and one that fails, for real, with tiny params: killed, run again, run once more."""

import sys

import pandas as pd
import pytest
import yaml

from tests.e2e.repository import Clone
from tools import experiments
from tools.ablation_params import load_ablations, overridden
from tools.ablations import TARGET

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(2400)]

COMMAND = (sys.executable, "-m", "tools.ablations")
DECLARED = {
    "full": {"label": "full", "paper": "sec. 3", "overrides": {}},
    "no-texture": {"label": "no texture", "paper": "eq. 2", "overrides": {"use_texture": False}},
    "nowhere": {
        "label": "photographs that are not there",
        "paper": "–",
        "overrides": {"data.train.path": "data/nowhere"},  # before any training, in whatever order DVC goes
    },
}


@pytest.fixture(scope="module")
def killed(without_models) -> Clone:
    """The command, killed with all its children as soon as the first training has saved a state."""
    content = {"shared": {"training.batches": 60}, "ablations": DECLARED}
    (without_models.path / "ablations.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    without_models.commit("ablations")
    without_models.kill_in_training(*COMMAND)
    assert without_models.run("git", "status", "--porcelain") == ""
    return without_models


@pytest.fixture(scope="module")
def finished(killed) -> tuple[Clone, str]:
    """The same repository after a second run, and what that printed."""
    return killed, killed.run(*COMMAND, ok=False)


def test_a_killed_run_goes_on_where_it_was(finished):
    clone, _ = finished
    assert "defgan: going on from" in (clone.path / ".defgan/ablations/ablation-full.log").read_text()
    assert clone.statuses("train_defgan") == ["KILLED", "FINISHED", "FINISHED"]


def test_what_fails_is_named_and_the_others_stand_in_the_table(finished):
    clone, output = finished
    assert "ablations: ablation-nowhere failed: " in output and "data/nowhere" in output
    table = pd.read_csv(clone.path / "reports/ablations/ablations.csv").set_index("ablation")
    assert list(table.index) == ["full", "no-texture"] and set(table["iterations"]) == {30}
    assert list(table["experiment"]) == ["ablation-full", "ablation-no-texture"]
    assert table["gain_final"].notna().all() and table["mean_mask"]["no-texture"] == 0 < table["mean_mask"]["full"]
    files = {path.name for path in (clone.path / "reports/ablations").iterdir()}
    assert files == {f"ablations.{kind}" for kind in ("csv", "md", "tex", "png", "pdf")}


def test_the_experiments_are_dvcs_and_the_workspace_is_untouched(finished):
    clone, _ = finished
    assert set(clone.run("dvc", "exp", "list", "--name-only").split()) == {"ablation-full", "ablation-no-texture"}
    assert clone.run("git", "status", "--porcelain") == "?? reports/\n"
    assert not (clone.path / "models").exists() and not (clone.path / "metrics/methods/defgan.json").exists()
    assert clone.statuses("train@ganimation") == []
    assert "use_texture" in clone.run("dvc", "exp", "diff", "ablation-full", "ablation-no-texture")


def test_an_experiment_holds_until_something_that_it_depends_on_changes(finished, monkeypatch):
    clone, _ = finished
    monkeypatch.chdir(clone.path)
    full = load_ablations()[0]
    commit = experiments.find("ablation-full", TARGET, full.content)
    assert commit and experiments.find("ablation-other", TARGET, full.content) is None
    for key, value, same in (("max_offset", 3, False), ("seed", 1, False), ("ganimation.lambda_cyc", 3, True)):
        found = experiments.find("ablation-full", TARGET, overridden(full.content, {key: value}))
        assert found == (commit if same else None), key
    for path, same in (("defgan/report/style.py", True), ("defgan/methods/losses.py", False), ("README.md", True)):
        before = (clone.path / path).read_text()
        (clone.path / path).write_text(before + "\n# changed\n")
        found = experiments.find("ablation-full", TARGET, full.content)
        (clone.path / path).write_text(before)
        assert found == (commit if same else None), path


def test_a_second_run_trains_nothing_though_there_is_a_new_commit(finished):
    clone, _ = finished
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "results")
    output = clone.run(*COMMAND, "--only", "full", "--only", "no-texture")
    assert output.count("there already") == 2
    assert len(clone.statuses("train_defgan")) == 3
    assert clone.run("git", "status", "--porcelain") == ""


def test_what_cannot_run_is_refused_before_anything_runs(finished):
    clone, _ = finished
    assert "no ablation is called 'no-txture'" in clone.run(*COMMAND, "--only", "no-txture", ok=False)
    assert "`training.batches`: " in clone.run(*COMMAND, "--batches", "0", ok=False)
    new = clone.path / "defgan/new.py"
    new.write_text("")
    assert "defgan/new.py: git does not track this file" in clone.run(*COMMAND, ok=False)
    new.unlink()
