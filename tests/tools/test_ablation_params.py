"""What ablations.yaml may hold, and what it says where it is wrong."""

import pytest
import yaml

from defgan.errors import UserError
from defgan.params import load_params
from tests.conftest import ROOT
from tools.ablation_params import load_ablations, overridden

PARAMS = ROOT / "params.yaml"


def write(path, **changes):
    """A declaration of two ablations, with some of its keys replaced."""
    second = {"label": "no texture", "paper": "eq. 2", "overrides": {"use_texture": False}} | changes
    full = {"label": "full", "paper": "sec. 3", "overrides": {}}
    path.write_text(yaml.safe_dump({"ablations": {"full": full, "no-texture": second}}, sort_keys=False))
    return path


def test_the_projects_own_ablations_change_what_they_say():
    declared = load_ablations(ROOT / "ablations.yaml", PARAMS)
    default = load_params(PARAMS)
    assert [ablation.reference for ablation in declared] == [True] + [False] * (len(declared) - 1)
    for ablation in declared:
        changed = ablation.params.model_copy(update={"training": default.training})
        own = {key: value for key, value in ablation.overrides.items() if not key.startswith("training.")}
        assert changed == default.model_copy(update=own), ablation.name
        assert (changed == default) == ablation.reference
    trained = {ablation.params.training for ablation in declared}
    assert len(trained) == 1 and trained.pop().batches < default.training.batches


def test_dotted_keys_replace_single_values():
    content = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    assert overridden(content, {"a.c.d": 4, "e": 5}) == {"a": {"b": 1, "c": {"d": 4}}, "e": 5}
    assert content == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}


def test_shared_overrides_give_way_to_those_of_the_call_and_of_the_ablation(tmp_path):
    path = tmp_path / "ablations.yaml"
    own = {"label": "short", "paper": "–", "overrides": {"training.batches": 3}}
    full = {"label": "full", "paper": "sec. 3", "overrides": {}}
    path.write_text(yaml.safe_dump({"shared": {"training.batches": 10}, "ablations": {"a-full": full, "short": own}}))
    assert [entry.params.training.batches for entry in load_ablations(path, PARAMS)] == [10, 3]
    changed = load_ablations(path, PARAMS, {"training.batches": 7})
    assert [entry.params.training.batches for entry in changed] == [7, 3]
    assert [entry.content["training"]["batches"] for entry in changed] == [7, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"overrides": {"use_textur": False}},
            "no-texture: unknown key `use_textur`; the nearest known key is `use_texture`",
        ),
        (
            {"overrides": {"training.batchs": 3}},
            "unknown key `training.batchs`; the nearest known key is `training.batches`",
        ),
        ({"overrides": {"max_offset": -1}}, "no-texture: `max_offset`: "),
        ({"overrides": {"lambda_id.x": 1}}, "no-texture: `lambda_id`: "),
        ({"overrides": {"training": {"batches": 3}}}, "ablations.no-texture.overrides.training"),
        ({"overides": {}}, "ablations.no-texture.overides: "),
        ({"label": None}, "ablations.no-texture.label: "),
        ({"overrides": {"training.batches": None, "training.epochs": 2}}, "no-texture: training.epochs is given, but"),
    ],
)
def test_a_wrong_override_is_named(tmp_path, changes, message):
    with pytest.raises(UserError) as caught:
        load_ablations(write(tmp_path / "mine.yaml", **changes), PARAMS)
    assert "mine.yaml: " in str(caught.value) and message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "mine.yaml: the file: "),
        ("ablations: [", "mine.yaml: not valid YAML"),
        ("ablations: {}", "mine.yaml: ablations: "),
        ("ablations: {No Texture: {label: a, paper: b, overrides: {}}}", "mine.yaml: ablations.No Texture"),
        ("ablations: {first: {label: a, paper: b, overrides: {max_offset: 2}}}", "first: the first ablation is what"),
        (None, "mine.yaml: no such file"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, message):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as caught:
        load_ablations(path, PARAMS)
    assert message in str(caught.value) and "\n" not in str(caught.value)
