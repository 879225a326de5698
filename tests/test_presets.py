"""Presets change what they say, keep comments, and hold the paper's numbers."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from defgan.errors import UserError
from defgan.params import load_params
from defgan.presets import apply, preview
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
    wanted = dict(flat(yaml.safe_load(preset.read_text(encoding="utf-8"))))
    changes = apply(preset, params_file)
    after = dict(flat(load_params(params_file).model_dump()))
    assert after == before | wanted
    assert {key for key, _, _ in changes} == {key for key in before if before[key] != after[key]}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_comments_stay(params_file, preset):
    def comments():
        return re.findall(r"#.*", params_file.read_text(encoding="utf-8"))

    before = comments()
    apply(preset, params_file)
    assert comments() == before


def noted_value(text):
    """What a comment calls the paper's: a number, or another plain value of YAML."""
    try:
        return float(text)
    except ValueError:
        return yaml.safe_load(text)


def test_the_papers_preset_holds_every_value_that_params_yaml_calls_the_papers():
    noted, blocks = {}, {}  # the open block at each indentation
    for line in (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines():
        found = re.match(r"( *)(\w+):(.*)", line)
        if found is None:
            continue
        depth, key, rest = len(found[1]), found[2], found[3]
        parents = [name for at, name in blocks.items() if at < depth]
        if re.match(r"\s*(#.*)?$", rest):
            blocks = {at: name for at, name in blocks.items() if at < depth} | {depth: key}
        elif value := re.match(r" .*# .*?paper: ([^\s;,()]+)", rest):
            noted[".".join([*parents, key])] = noted_value(value[1])
    assert {"training.schedule.start", "ganimation.critic_steps", "critic_steps", "evaluate.embedder"} <= noted.keys()
    assert {"training.epochs", "stargan.training.batch_size"} <= noted.keys()
    assert len(noted) == len(re.findall(r"# .*paper: ", (ROOT / "params.yaml").read_text(encoding="utf-8")))
    preset = dict(flat(yaml.safe_load((ROOT / "presets/paper.yaml").read_text(encoding="utf-8"))))
    assert {key: preset[key] for key in noted} == noted


PAPER = {
    # Section 4.1
    "training.learning_rate": 1e-4,
    "training.beta1": 0.5,
    "training.beta2": 0.999,
    "training.batch_size": 25,
    "training.batches": None,
    "training.epochs": 40,
    "training.decay_share": 20 / 40,  # the learning rate falls over the last 20
    "critic_steps": 10,
    # Appendix D.2, eq. 20–27
    "lambda_exp_comp": 4000,
    "lambda_exp_def": 1000,
    "lambda_cyc": 100,
    "lambda_comp": 10,
    "lambda_eye_g": 0.1,
    "lambda_tv_g": 1e-5,
    "lambda_eye_m": 0.1,
    "lambda_tv_m": 1e-5,
    # Appendix D.1: GANimation's networks
    "image_size": 128,
    "training.channels": 64,
    "training.critic_channels": 64,
    "training.residual_blocks": 6,
    "max_offset": 5,
    # GANimation's "hyperparameters used by the authors" (sec. 4.1)
    "ganimation.critic_steps": 5,
    "ganimation.lambda_gp": 10,
    "ganimation.lambda_exp": 4000,
    "ganimation.lambda_exp_d": 4000,
    "ganimation.lambda_cyc": 10,
    "ganimation.lambda_mask": 0.1,
    "ganimation.lambda_tv": 1e-5,
    "ganimation.mask_variation": "absolute",
    "ganimation.critic_reduction": "sum",
    # "… with the only difference that we train for 40 epochs"; in the authors' code the rate falls over 10
    "ganimation.training.batches": None,
    "ganimation.training.epochs": None,
    "ganimation.training.batch_size": None,
    "ganimation.training.decay_share": 10 / 40,
    # StarGAN's published ones
    "stargan.critic_steps": 5,
    "stargan.lambda_gp": 10,
    "stargan.lambda_cls": 1,
    "stargan.lambda_rec": 10,
    "stargan.critic_reduction": "sum",
    # Its paper, sec. 5, on RaFD: 100 epochs, and 100 over which the rate falls
    "stargan.training.batches": None,
    "stargan.training.epochs": 100 + 100,
    "stargan.training.batch_size": 16,
    "stargan.training.decay_share": 100 / 200,
    # Not printed; docs/readings.md
    "critic_reduction": "sum",
    "grid_units": "pixels",
    "deformation": "offset",
    # What the papers do not have
    "stargan.lambda_idt": 0,
    "ganimation.lambda_eye_m": 0,
    "training.ema_decay": 0,
    "training.max_grad_norm": 0,
    "training.au_warmup_steps": 0,
    "training.instance_noise": 0,
    "training.critic_color_change": 0,
    "training.critic_blur": False,
    "training.expression_changes": False,
    "lambda_exp_fake": 0,
    "lambda_id_comp": 0,
    "identity_margin": 0,
    "ganimation.lambda_exp_fake": 0,
    "training.schedule.start": 1,
    "training.schedule.critic_weight": 1,
    "training.schedule.perturbation": 0,
    **{f"training.augment.{key}": 0 for key in ("start", "turn", "zoom", "shift", "color", "jpeg_quality")},
    "training.precision": "32-true",
    # Section 4.2, Fig. 3, Table 1, Appendix A
    "training.embedder": "openface-nn4.small2",
    "evaluate.embedder": "openface-nn4.small2",
    "evaluate.features": "inception-v3-compat",
    "evaluate.reference_faces": "all",
    "plan.wild_faces": 170 + 40,
    "plan.table_1_targets": "person",
    "plan.target_role": "rafd",
    "plan.instances": 50,
    "use_deformation": True,
    "use_texture": True,
}
"""The numbers that the paper prints."""


def test_the_papers_preset_makes_the_papers_experiment():
    made = dict(flat(preview(ROOT / "presets/paper.yaml", ROOT / "params.yaml").model_dump()))
    assert {key: made[key] for key in PAPER} == PAPER


def test_what_is_not_given_stays_written_as_null(params_file):
    apply(ROOT / "presets/paper.yaml", params_file)
    text = params_file.read_text(encoding="utf-8")
    assert re.search(r"^  batches: null # ", text, re.M) and re.search(r"^    batch_size: null$", text, re.M)


def test_a_preview_leaves_the_params_as_they_are(params_file, tmp_path):
    before = params_file.read_text(encoding="utf-8")
    assert preview(ROOT / "presets/paper.yaml", params_file).critic_steps == 10
    assert params_file.read_text(encoding="utf-8") == before
    with pytest.raises(UserError, match="no such file"):
        preview(ROOT / "presets/paper.yaml", tmp_path / "nowhere.yaml")


def test_files_are_utf_8_whatever_the_locale_says(params_file):
    before = params_file.read_text(encoding="utf-8")
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0"}
    script = "import sys; from defgan.presets import apply; apply(*sys.argv[1:])"
    command = [sys.executable, "-c", script, str(ROOT / "presets/long.yaml"), str(params_file)]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    after = params_file.read_text(encoding="utf-8")
    assert after != before and re.findall(r"[^\x00-\x7f]", after) == re.findall(r"[^\x00-\x7f]", before)


def test_paths_with_spaces_signs_and_umlauts_survive(params_file, tmp_path):
    path = "/a folder/it's: 100 % [mine], {yes} #1, Gänsefüße"
    preset = tmp_path / "mine.yaml"
    preset.write_text(yaml.safe_dump({"data": {"train": {"path": path}}}, allow_unicode=True), encoding="utf-8")
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
        preset.write_text(content, encoding="utf-8")
    before = params_file.read_text(encoding="utf-8")
    with pytest.raises(UserError) as caught:
        apply(preset, params_file)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert params_file.read_text(encoding="utf-8") == before
