"""What every stage does around its own work."""

import sqlite3

import pytest

from defgan.errors import MissingInputError, UserError
from stages.common import beside, repository_root, stage, stage_name, state_directory
from tests.conftest import ROOT


def test_the_root_is_the_main_repository_wherever_a_stage_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert repository_root() == tmp_path.resolve()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "main"))
    assert repository_root() == (tmp_path / "main").resolve()
    assert state_directory("resume") == (tmp_path / "main/.defgan/resume").resolve()


def test_what_is_missing_is_named_with_the_command_that_makes_it(workspace, capsys):
    with pytest.raises(SystemExit) as ended, stage("evaluate", item="defgan"):
        raise MissingInputError("edits/defgan/final.npy: no such file")
    assert ended.value.code == 1
    expected = "evaluate@defgan: edits/defgan/final.npy: no such file; `dvc repro evaluate@defgan` makes it first\n"
    assert capsys.readouterr().err.endswith(expected)


def test_other_errors_of_the_user_are_told_as_they_are(workspace, capsys):
    with pytest.raises(SystemExit), stage("votes"):
        raise UserError("responses: empty")
    assert capsys.readouterr().err.splitlines()[-1] == "votes: responses: empty"


def test_a_stages_run_bears_its_params_and_what_dvc_says_of_it(workspace, tracked, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "train@ganimation")
    monkeypatch.setenv("DVC_EXP_NAME", "gummy-suit")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "abc")
    with stage("train", "seed", "plan.instances", item="ganimation"):
        pass
    with sqlite3.connect(tracked / "mlflow.db") as connection:
        runs = connection.execute("select status, name from runs").fetchall()
        tags = dict(connection.execute("select key, value from tags").fetchall())
        params = dict(connection.execute("select key, value from params").fetchall())
    wanted = {"stage": "train@ganimation", "DVC_STAGE": "train@ganimation", "mlflow.source.name": "stages.train"}
    wanted |= {"DVC_EXP_NAME": "gummy-suit", "DVC_EXP_BASELINE_REV": "abc"}
    assert runs == [("FINISHED", "train@ganimation gummy-suit")] and wanted.items() <= tags.items()
    assert params == {"seed": "0", "plan.instances": "50"}


def test_a_stage_is_called_as_in_the_pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = [stage_name("plan"), stage_name("train", "ganimation"), stage_name("train", "defgan")]
    assert names == ["plan", "train@ganimation", "train_defgan"]
    monkeypatch.chdir(tmp_path)
    assert stage_name("train", "defgan") == "train@defgan"


def test_settings_that_differ_from_logged_params_have_names_of_their_own():
    settings = {"seed": 0, "training": {"batches": 4, "beta1": 0.5}}
    told = {"training": {"batches": 80, "beta1": 0.5}}
    assert beside("a", settings, told) == {"seed": 0, "a.training.batches": 4, "training.beta1": 0.5}
