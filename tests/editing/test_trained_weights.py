"""The weights that come with the project: smaller, checked, with their params."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from defgan import alignment
from defgan.alignment import POINT_COLUMNS
from defgan.editing import EDITORS
from defgan.editing.editor import Editor
from defgan.editing.trained_weights import DIRECTORY, available, mean_points, publish, read_weights
from defgan.errors import UserError
from defgan.faces.detection import Detection
from defgan.faces.table import CROP_COLUMNS, Faces

POINTS = alignment.template(1)


def test_published_weights_are_half_as_large_and_make_the_same_edits(weights, tmp_path, editor, faces):
    path = publish("defgan", weights, tmp_path, POINTS)
    assert {value.dtype for value in load_file(path).values()} == {torch.float16}
    assert path.stat().st_size < 0.6 * (weights / "defgan.safetensors").stat().st_size
    model, content = read_weights("defgan", tmp_path)
    assert content["precision"] == "fp16"
    np.testing.assert_allclose(content["points"], POINTS, atol=1e-4)
    assert content["params"] == {"image_size": 32}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training
    y = torch.full((17,), 0.5).numpy()
    again = Editor("defgan", model, content["sha256"], editor.find).generate(faces[0], y)
    difference = abs(again.image.astype(int) - editor.generate(faces[0], y).image)
    assert difference.mean() < 0.3
    assert difference.max() <= 4  # these random weights are larger than trained ones


def test_changed_weights_are_refused(weights, tmp_path):
    publish("ganimation", weights, tmp_path, POINTS)
    path = tmp_path / "ganimation.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="SHA-256 is"):
        read_weights("ganimation", tmp_path)


def test_weights_that_do_not_fit_half_precision_are_refused(weights, tmp_path):
    state = load_file(weights / "ganimation.safetensors")
    key = next(iter(state))
    save_file(state | {key: state[key] + 1e6}, tmp_path / "ganimation.safetensors")
    shutil.copy(weights / "ganimation.json", tmp_path)
    with pytest.raises(UserError, match="does not fit half precision"):
        publish("ganimation", tmp_path, tmp_path / "out", POINTS)
    assert not (tmp_path / "out" / "ganimation.safetensors").exists()


def test_missing_weights_and_unknown_models(tmp_path, weights):
    with pytest.raises(UserError, match="no such model; choose one of defgan, ganimation"):
        read_weights("stargan", weights)
    with pytest.raises(UserError, match="no such file; give the folder"):
        read_weights("defgan", tmp_path)


def test_the_models_of_a_folder_are_those_whose_weights_it_holds(tmp_path, weights):
    assert available(weights) == EDITORS
    assert available() == EDITORS
    for name in ("ganimation.safetensors", "ganimation.json", "defgan.json"):
        shutil.copy(weights / name, tmp_path)
    assert available(tmp_path) == ("ganimation",)
    (tmp_path / "ganimation.json").unlink()
    with pytest.raises(UserError, match="no weights here"):
        available(tmp_path)


def test_weights_of_a_finished_experiment_need_no_hash(weights):
    _, content = read_weights("defgan", weights)
    assert "sha256" not in json.loads((weights / "defgan.json").read_text())
    assert len(content["sha256"]) == 64


def test_the_mean_points_are_the_detectors_in_the_crops(monkeypatch, tmp_path):
    wanted = alignment.template(50) + np.array([[0, 0], [0, 0], [0, 0], [1, 2], [1, 2]])
    frames, detected = [], {}
    for degrees, scale in ((0, 2.0), (30, 0.7)):
        angle = np.radians(degrees)
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        transform = np.column_stack([linear, [3, -4]])
        Image.new("L", (8, 8), degrees).save(tmp_path / f"{degrees}.png")
        detected[degrees] = alignment.apply(alignment.invert(transform), wanted)
        # The points of the table are another opinion.
        columns = dict(zip((*CROP_COLUMNS, *POINT_COLUMNS), (*transform.ravel(), *range(10)), strict=True))
        frames.append({"source": f"{degrees}.png"} | columns)

    def detect(images):
        return [Detection(np.zeros(4), detected[image[0, 0, 0]]) for image in images]

    monkeypatch.setattr("defgan.editing.trained_weights.TurningDetector", lambda threshold: detect)
    faces = Faces(pd.DataFrame(frames), np.zeros((2, 50, 50, 3), np.uint8))
    np.testing.assert_allclose(mean_points(faces, tmp_path), wanted / 50, atol=1e-9)
    monkeypatch.setattr("defgan.editing.trained_weights.TurningDetector", lambda threshold: lambda images: [None])
    with pytest.raises(UserError, match="the detector finds no face"):
        mean_points(faces, tmp_path)


@pytest.mark.parametrize("name", EDITORS)
def test_the_weights_that_come_with_the_project_are_whole_and_answer_to_aus(name):
    model, content = read_weights(name)
    assert content["precision"] == "fp16" and content["params"]["training"]["schedule"]["start"] < 1
    assert sum(path.stat().st_size for path in DIRECTORY.glob("*.safetensors")) < 20e6
    size = content["params"]["image_size"]
    image = torch.linspace(-1, 1, size).expand(1, 3, size, size)
    x, y = torch.zeros(1, 17), torch.full((1, 17), 0.7)
    with torch.inference_mode():
        same, other = (model.edit(image, x, wanted).image for wanted in (x, y))
    assert (other - same).abs().mean() > 1e-3
