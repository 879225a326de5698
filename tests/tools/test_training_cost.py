import pytest
import typer
import yaml
from typer.testing import CliRunner

from tests.training.conftest import tiny_params
from tools.training_cost import training_cost


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs the tool in a directory that holds nothing but params of a tiny training."""
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tiny_params().model_dump()))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(training_cost)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_it_prints_the_cost_and_writes_nothing(command, tmp_path):
    (tmp_path / "mine.yaml").write_text("ganimation: {critic_steps: 4}\n")
    before = (tmp_path / "params.yaml").read_text()
    result = command("ganimation", "--preset", "mine.yaml")
    assert result.exit_code == 0, result.output
    assert "of 4 batches each" in result.output and "time to finish" in result.output
    assert "no faces are prepared" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml", "params.yaml"]
    assert (tmp_path / "params.yaml").read_text() == before


@pytest.mark.parametrize("arguments", [("defgun",), ("copy",), ("ganimation", "--preset", "nowhere.yaml")])
def test_an_unknown_method_and_a_preset_that_is_not_there_are_refused(command, arguments):
    result = command(*arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
