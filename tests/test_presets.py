import re
import shutil

import pytest
import yaml

from defgan.errors import UserError
from defgan.params import load_params
from defgan.presets import apply
from tests.conftest import ROOT

PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


def flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@pytest.fixture
def params_file(tmp_path):
    return shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_preset_takes_effect_and_changes_nothing_else(params_file, preset):
    before = dict(flat(load_params(params_file).model_dump()))
    wanted = dict(flat(yaml.safe_load(preset.read_text())))
    changes = apply(preset, params_file)
    after = dict(flat(load_params(params_file).model_dump()))
    assert after == before | wanted
    assert {key for key, _, _ in changes} == {key for key in before if before[key] != after[key]}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_comments_stay(params_file, preset):
    def comments():
        return re.findall(r"#.*", params_file.read_text())

    before = comments()
    apply(preset, params_file)
    assert comments() == before


def test_the_papers_preset_holds_every_number_that_params_yaml_calls_the_papers():
    noted, block = {}, ""
    for line in (ROOT / "params.yaml").read_text().splitlines():
        if found := re.match(r"(\w+):\s*(#.*)?$", line):
            block = found[1] + "."
        elif found := re.match(r"( *)(\w+): .*# .*?paper: ([\d.e-]+)", line):
            noted[(block if found[1] else "") + found[2]] = float(found[3])
    assert len(noted) >= 8
    preset = dict(flat(yaml.safe_load((ROOT / "presets/paper.yaml").read_text())))
    assert {key: preset[key] for key in noted} == noted


def test_paths_with_spaces_and_signs_survive(params_file, tmp_path):
    path = "/a folder/it's: 100 % [mine], {yes} #1"
    preset = tmp_path / "mine.yaml"
    preset.write_text(yaml.safe_dump({"data": {"train": {"path": path}}}))
    apply(preset, params_file)
    assert load_params(params_file).data.train.path == path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("lamda_cyc: 3\n", "mine.yaml: unknown key `lamda_cyc`; the nearest known key is `lambda_cyc`"),
        ("lambda_cyc: -3\n", "mine.yaml: `lambda_cyc`: "),
        ("lambda_cyc\n", "mine.yaml: expected keys"),
        ("lambda_cyc: [\n", "mine.yaml: not valid YAML"),
        ("training: 3\n", "mine.yaml: `training`: "),
        (None, "mine.yaml: no such file"),
    ],
)
def test_a_bad_preset_changes_nothing_and_is_named(params_file, tmp_path, content, message):
    preset = tmp_path / "mine.yaml"
    if content is not None:
        preset.write_text(content)
    before = params_file.read_text()
    with pytest.raises(UserError) as caught:
        apply(preset, params_file)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert params_file.read_text() == before
