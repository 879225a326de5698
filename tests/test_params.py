import importlib

import pytest
import yaml

from defgan.datasets import LAYOUTS
from defgan.errors import UserError
from defgan.facs import EXPRESSIONS
from defgan.params import load_params
from tests.conftest import ROOT, changed


def write(tmp_path, **overrides):
    path = tmp_path / "params.yaml"
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    path.write_text(yaml.safe_dump(changed(values, overrides)))
    return path


def test_defaults_hold_the_papers_coefficients_of_what_is_no_expression(params):
    printed = {"lambda_cyc": 100, "lambda_comp": 10, "lambda_tv_g": 1e-5, "lambda_tv_m": 1e-5}
    assert {key: getattr(params, key) for key in printed} == printed
    # Idle motion and paint cost more than in the paper. The baseline has nothing but paint: it pays less for it.
    assert params.lambda_eye_g > 0.1 and params.lambda_eye_m > params.ganimation.lambda_eye_m > 0.1


def test_params_cannot_be_changed(params):
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 3


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("lamda_cyc", "lambda_cyc"),
        ("training.batche", "training.batches"),
        ("data.mug.pth", "data.mug.path"),
        ("ganimation.lambda_msk", "ganimation.lambda_mask"),
    ],
)
def test_unknown_key_names_the_nearest(tmp_path, unknown, nearest):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    *blocks, key = unknown.split(".")
    block = values
    for name in blocks:
        block = block[name]
    # Mistyped, not added: the right key is missing too, and that must not hide the mistake.
    block[key] = block.pop(nearest.split(".")[-1])
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(UserError) as caught:
        load_params(path)
    assert str(caught.value) == f"{path}: unknown key `{unknown}`; the nearest known key is `{nearest}`"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_size", 63),
        ("training.batches", 0),
        ("training.ema_decay", 1.0),
        ("lambda_cyc", -1.0),
        ("lambda_cyc", "much"),
        ("data.train.layout", "imagenet"),
        ("plan.sweep_expression", "contempt"),
        ("prepare.val_share", 1.5),
        ("user_study.post_to", "ftp://study.example"),
        ("user_study.near_neutral", 0.0),
    ],
)
def test_bad_value_names_key_and_value(tmp_path, key, value):
    with pytest.raises(UserError) as caught:
        load_params(write(tmp_path, **{key: value}))
    message = str(caught.value)
    assert f"`{key}`" in message and repr(value) in message and "\n" not in message


def test_missing_key_is_named(tmp_path):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    del values["training"]["beta1"]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match=r"`training\.beta1` is missing"):
        load_params(path)


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "seed: [\n", "seed\n"])
def test_no_params_at_all_is_one_line(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        load_params(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match="run from the repository's root"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plan.slider_faces": 9}, "plan.slider_faces: 9 faces get sliders, but plan.au_faces is 8"),
        ({"plan.instances": 68}, "plan.instances: 68 people of rafd are needed, but corpus.rafd.subjects is 67"),
        ({"plan.target_role": "mug", "corpus.mug.subjects": 49}, "corpus.mug.subjects is 49; lower plan.instances"),
        ({"plan.grid_faces": 211}, "plan.grid_faces: 211 people of wild are needed, but corpus.wild.subjects is 210"),
        ({"plan.au_faces": 211}, "lower plan.au_faces or raise corpus.wild.subjects"),
        ({"corpus.train.subjects": 0}, "corpus.train.subjects: 0 people are rendered, but data.train takes"),
        ({"corpus.pairs.held_out": 250}, "250 scenes are held out, but corpus.pairs.scenes is 250"),
        ({"prepare.val_share": 0.0}, "plan.rafd_faces: 3 held-out people of rafd are needed"),
        ({"training.epochs": 40}, "training.epochs: it is 40.0 and training.batches is 800; one of the two"),
        ({"training.batches": None}, "training.epochs: it is null and training.batches is null; one of the two"),
        (
            {"stargan.training.batches": 5, "stargan.training.epochs": 2},
            "stargan.training.epochs: 2 epochs and 5 batches",
        ),
        ({"deformation": "spacing", "max_offset": 2}, "max_offset: 2 halves of a pixel are the largest spacing, but"),
        (
            {"supervised.deformation": "spacing", "supervised.max_offset": 1.5},
            "or set supervised.deformation to offset",
        ),
    ],
)
def test_what_cannot_be_planned_names_the_keys(tmp_path, changes, message):
    with pytest.raises(UserError) as caught:
        load_params(write(tmp_path, **changes))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/params.yaml: ") and message in said and "\n" not in said


def test_other_photographs_are_not_held_to_the_corpus(tmp_path):
    own = {"data.wild.path": "photographs/wild", "corpus.wild.subjects": 0, "plan.grid_faces": 211}
    assert load_params(write(tmp_path, **own, **{"data.wild.layout": "folder"})).plan.grid_faces == 211
    # A role that was rendered elsewhere need not be rendered here.
    assert load_params(write(tmp_path, **own, **{"data.wild.layout": "corpus"})).corpus.wild.subjects == 0


def test_every_layout_is_a_module(tmp_path):
    for layout in LAYOUTS:
        module = importlib.import_module(f"defgan.datasets.{layout}")
        assert callable(module.read) and callable(module.recognises)
        load_params(write(tmp_path, **{"data.train.layout": layout}))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_can_be_swept(tmp_path, expression):
    assert load_params(write(tmp_path, **{"plan.sweep_expression": expression})).plan.sweep_expression == expression
