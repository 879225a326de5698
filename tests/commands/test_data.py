"""What `defgan data check` says of a data set before anything is computed."""

import importlib
import tomllib

import pandas as pd
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from defgan.cli import app
from defgan.datasets import LAYOUTS, guess_layout
from defgan.facs import AU_NAMES
from tests.conftest import ROOT


def check(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "check", *map(str, arguments)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def put(path, size=(40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


@pytest.fixture
def folder(tmp_path):
    put(tmp_path / "anna/a.png", (400, 300))
    put(tmp_path / "anna/b.png")
    put(tmp_path / "ben/a.jpg")
    (tmp_path / "ben/broken.jpg").write_text("nothing")
    (tmp_path / "notes.txt").write_text("no photograph")
    return tmp_path


def test_a_folder(folder):
    code, said = check("wild", folder)
    assert code == 0
    assert f"{folder}: 4 photographs of 2 subjects, read as `folder`" in said
    assert "shorter side 30 to 300 pixels, median 30" in said
    assert "1 × unreadable image: no image in a format known here, such as 'ben/broken.jpg'" in said
    assert "1 × no photograph by its name (.txt), such as 'notes.txt'" in said
    assert f"wild: {{path: {folder}, layout: folder, points: mtcnn, action_units: blendshapes}}" in said
    assert not list(folder.rglob("*.parquet"))


def test_what_a_role_needs_and_the_data_lack(folder):
    said = check("rafd", folder)[1]
    assert "gives the target expressions, but no photograph shows anger, disgust, fear, happy, sad, surprise" in said
    put(folder / "c/Rafd090_01_Caucasian_female_happy_frontal.jpg")
    put(folder / "c/Rafd045_01_Caucasian_female_happy_frontal.jpg")
    code, said = check("rafd", folder)
    assert code == 0 and "read as `rafd`" in said and "expressions: 1 × happy" in said
    assert "1 × another view: camera 045, gaze frontal, such as 'c/Rafd045_01" in said
    assert "one subject only" in said
    said = check("rafd", folder, "--views", "all")[1]
    assert "expressions: 2 × happy" in said and "action_units: blendshapes, views: all}" in said


def test_annotations_are_reported(tmp_path):
    put(tmp_path / "a.png")
    pd.DataFrame([{"path": "a.png"} | dict.fromkeys(AU_NAMES, 0.5)]).to_csv(tmp_path / "annotations.csv", index=False)
    said = check("train", tmp_path)[1]
    assert "annotated: 1 with AUs, 0 with points" in said
    assert "points: mtcnn, action_units: annotations" in said
    assert "annotations.csv" not in said


def test_few_subjects_for_many_photographs_are_told(tmp_path):
    for number in range(120):
        put(tmp_path / f"{('a', 'b')[number % 2]}/{number}.png", (8, 8))
    said = check("train", tmp_path)[1]
    assert "note: 120 photographs of only 2 subjects, such as a (60), b (60); if these are no people," in said


def test_bad_input_is_one_line(tmp_path):
    code, said = check("train", tmp_path / "nowhere")
    assert code == 1 and said.startswith(f"data check: {tmp_path}/nowhere: no such folder") and said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("mine.csv", "manifest"),
        ("x/CelebA-HQ-img/0.jpg", "celeba_hq"),
        ("x/001/happiness/take000/img_0000.jpg", "mug"),
        ("x/020/020/happiness/take000/img_0000.jpg", "mug"),
        ("x/a/Rafd090_01_Caucasian_female_angry_frontal.jpg", "rafd"),
        ("x/images/N_0000000001_00001.jpg", "emotionet"),
        ("x/scenes.npz", "corpus"),
        ("x/train/male/000016.jpg", "celeba_hq"),
        ("x/train/angry/Rafd090_01_Caucasian_female_angry_frontal.jpg", "rafd"),
        ("x/anna/1.jpg", "folder"),
        ("any.zip", "folder"),
    ],
)
def test_layouts_are_guessed(tmp_path, name, layout):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert guess_layout(tmp_path / "x" if name.startswith("x/") else path) == layout
    assert layout in LAYOUTS


def test_the_installed_command_is_this_one():
    module, _, function = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][
        "defgan"
    ].partition(":")
    main = getattr(importlib.import_module(module), function)
    with pytest.raises(SystemExit) as ended, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["defgan", "data", "check", "--help"])
        main()
    assert ended.value.code == 0


def test_the_aus_of_openface_are_found_and_counted(tmp_path):
    for name in ("a", "b", "c"):
        put(tmp_path / f"anna/{name}.png", (400, 300))
    row = pd.DataFrame([{f"{au}_r": 1.0 for au in AU_NAMES} | {"confidence": 0.9}])
    (tmp_path / "openface/anna").mkdir(parents=True)
    for name in ("a", "b"):
        row.to_csv(tmp_path / f"openface/anna/{name}.csv", index=False)
    code, said = check("wild", tmp_path)
    assert code == 0
    assert "openface: a row for 2 of 3 photographs" in said and "action_units: openface}" in said
    row.drop(columns="AU12_r").to_csv(tmp_path / "openface/anna/a.csv", index=False)
    assert "a.csv: column AU12_r is missing" in check("wild", tmp_path)[1]


def test_the_settings_of_the_role_are_those_that_count(tmp_path, monkeypatch):
    put(tmp_path / "photographs/anna/a.png", (400, 300))
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["data"]["wild"] = {"path": "photographs", "layout": "folder", "points": "mtcnn", "action_units": "openface"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = check("wild", "photographs")[1]
    assert "note: data.wild.action_units: photographs: action_units is openface, but there are no CSV files" in said
    assert "openface, but" not in check("train", "photographs")[1]
