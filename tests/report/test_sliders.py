"""The sheets of the sliders hold each edit in its place."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from defgan.evaluation.truth import Truth
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.report.sliders import SIDE, controls, slider_data


def opened(uri: str) -> np.ndarray:
    head, content = uri.split(",", 1)
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(int)


def test_every_edit_is_in_its_place(pictures):
    plan = pictures.plan
    grey = np.zeros_like(pictures.edits["defgan"].final)
    chosen = plan["set"].isin(["au", "slider"]).to_numpy()
    # Each edit of the sliders is a grey of its own: 60 + 2 × its row of the sheet + 70 × α.
    names = [control["name"] for control in controls()]
    assert names == [*EXPRESSIONS, *AU_NAMES]
    for index, edit in plan[chosen].iterrows():
        grey[index] = 60 + 2 * names.index(edit["expression"]) + round(70 * edit["alpha"])
    own = {"defgan": replace(pictures.edits["defgan"], final=grey)}
    data = slider_data(replace(pictures, edits={**pictures.edits, **own}))
    assert data["steps"] == [0, 0.5, 1] and data["side"] == SIDE
    [face] = data["faces"]
    sheet = opened(face["sheets"]["defgan_final"])
    assert sheet.shape == (len(names) * SIDE, 3 * SIDE, 3)
    centres = sheet[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE].mean(axis=-1)
    wanted = 60 + 2 * np.arange(len(names))[:, None] + 70 * np.array([0, 0.5, 1])
    assert np.abs(centres - wanted).max() <= 2
    assert opened(face["input"]).shape == (SIDE, SIDE, 3)
    assert {panel["key"] for panel in data["panels"]} == {"input", *face["meshes"], *face["sheets"]}


def test_the_mesh_moves_with_the_step(pictures):
    data = slider_data(pictures)
    [face] = data["faces"]
    mesh = np.frombuffer(base64.b64decode(face["meshes"]["defgan_grid"]), np.int8) * data["mesh_unit"]
    mesh = mesh.reshape(len(data["controls"]), 3, data["lines"], data["lines"], 2)
    assert not mesh[..., 0].any() and not mesh[:, 0].any()
    # The upper half moves down by 1 and 2 pixels at the steps 0.5 and 1.
    assert mesh[:, 1, 1, :, 1] == pytest.approx(1, abs=0.02) and mesh[:, 2, 1, :, 1] == pytest.approx(2, abs=0.02)


def test_without_truth_there_is_no_true_image(pictures):
    data = slider_data(replace(pictures, truth=Truth(pictures.truth.images, ~pictures.truth.known)))
    assert "true" not in {panel["key"] for panel in data["panels"]} | set(data["faces"][0]["sheets"])


def test_a_deformation_that_does_nothing_leaves_the_mesh_as_it_is(pictures):
    still = replace(pictures.edits["defgan"], offsets=np.zeros_like(pictures.edits["defgan"].offsets))
    data = slider_data(replace(pictures, edits={**pictures.edits, "defgan": still}))
    assert not np.frombuffer(base64.b64decode(data["faces"][0]["meshes"]["defgan_grid"]), np.int8).any()


def test_panels_follow_the_methods(pictures):
    panels = slider_data(pictures)["panels"]
    assert [panel["label"] for panel in panels] == [
        *("Input", "DefGAN, deformed", "DefGAN, final", "GANimation, final"),
        *("DefGAN supervised, deformed", "DefGAN supervised, final", "GANimation supervised, final", "True image"),
        *("DefGAN, deformation grid", "DefGAN supervised, deformation grid"),
        *("DefGAN, difference", "GANimation, difference"),
        *("DefGAN supervised, difference", "GANimation supervised, difference"),
    ]
    both = dict.fromkeys(("defgan", "ganimation"), pictures.edits["defgan"])
    data = slider_data(replace(pictures, edits=both))
    assert set(data["faces"][0]["meshes"]) == {"defgan_grid", "ganimation_grid"}
