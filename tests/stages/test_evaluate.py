"""`evaluate` on a made-up run in which DefGAN is perfect, its deformed image half way, GANimation wrong."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from defgan.facs import EXPRESSIONS
from stages.evaluate import evaluate
from tests.stages.conftest import make_workspace


def paths(name: str) -> tuple[Path, Path]:
    return Path(f"metrics/methods/{name}.json"), Path(f"data/evaluation/{name}.parquet")


def measured(name: str) -> tuple[dict, pd.DataFrame]:
    evaluate(name)
    metrics, table = paths(name)
    return json.loads(metrics.read_text(encoding="utf-8")), pd.read_parquet(table)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Callable[[str], tuple[Path, Path]]:
    """The files of a method of the same run, measured elsewhere and once, while nothing of it was changed."""
    directory = tmp_path_factory.mktemp("first")
    make_workspace(directory)

    @cache
    def made(name: str) -> tuple[Path, Path]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(directory)
            evaluate(name)
        return tuple(directory / path for path in paths(name))

    return made


def test_copying_gains_nothing_and_keeps_identity(workspace):
    metrics, table = measured("copy")
    assert metrics["gain_final"] == 0 and metrics["gain_deformed"] is None
    assert metrics["identity"] == pytest.approx(0, abs=1e-6)
    assert metrics["images"] == 6 * len(EXPRESSIONS) < len(table)
    assert metrics["reference"] == "train" and metrics["reference_images"] == 12
    assert metrics["networks"]["frechet"] == "Fréchet distance (EfficientNet-Lite0 features)"
    assert metrics["networks"]["kernel"] == "kernel distance (EfficientNet-Lite0 features)"
    assert metrics["frechet_low"] < metrics["frechet"] < metrics["frechet_high"]
    assert metrics["change"] == metrics["background_change"] == 0 and metrics["concentration"] is None


def test_gains_and_fields_of_defgan(workspace):
    path, name = workspace / "params.yaml", "identity_dlib-resnet-128"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("more_embedders: []", "more_embedders: [dlib-resnet-128]"), encoding="utf-8")
    metrics, table = measured("defgan")
    assert metrics["distance_set"] == "expressions" and metrics["networks"][name] == metrics["networks"]["identity"]
    np.testing.assert_allclose(table[name], table["identity"], atol=1e-5)
    assert metrics["gain_final"] == 1
    assert 0.3 < metrics["gain_deformed"] < 0.7
    assert set(metrics["gain_final_by_expression"].values()) == {1}
    assert metrics["mean_offset"] == pytest.approx(1.5) and metrics["mean_mask"] == 0
    assert metrics["identity"] > 1e-4
    # At 32 px one pixel is four of 128: the grid goes 1.5 of the true 8 px, and in their direction.
    assert metrics["epe"] == pytest.approx(6.5, abs=1e-3) and metrics["epe_still"] == pytest.approx(8)
    assert metrics["motion_cosine"] == pytest.approx(1) and metrics["motion_share"] == pytest.approx(1.5 / 8)
    assert metrics["folded"] == 0 and metrics["ssim"] == pytest.approx(1) and metrics["psnr"] is None
    assert metrics["images_without_face"] == metrics["images"]  # blobs are no faces
    assert table["edit"].tolist() == list(range(len(table))) and "AU01" not in table


def test_the_true_images_are_measured_as_edits_without_a_truth(workspace, first):
    metrics, table = measured("truth")
    assert metrics["gain_final"] is None and metrics["psnr"] is None and metrics["frechet"] > 0
    assert metrics["change"] == pytest.approx(json.loads(first("defgan")[0].read_text())["change"])
    assert len(table) == len(pd.read_parquet("data/plan.parquet"))


def test_features_of_another_network_are_refused(workspace, capsys):
    path = workspace / "data/reference/reference.json"
    path.write_text(path.read_text().replace("efficientnet-lite0", "inception-v3-compat"))
    with pytest.raises(SystemExit):
        evaluate("copy")
    said = "features of inception-v3-compat, not of efficientnet-lite0; `dvc repro evaluate@copy` makes it first"
    assert said in capsys.readouterr().err


def test_same_run_same_bytes(workspace, first):
    measured("defgan")
    assert [path.read_bytes() for path in paths("defgan")] == [path.read_bytes() for path in first("defgan")]


def test_the_grids_and_sweeps_do_not_count(workspace, first):
    final = np.load("edits/defgan/final.npy")
    final[pd.read_parquet("edits/defgan/edits.parquet")["set"] != "expressions"] = 0
    np.save("edits/defgan/final.npy", final)
    assert measured("defgan")[0] == json.loads(first("defgan")[0].read_text(encoding="utf-8"))


def test_without_truth_gains_are_null(tmp_path, monkeypatch):
    make_workspace(tmp_path, faces=2, truth=False)
    monkeypatch.chdir(tmp_path)
    metrics, table = measured("defgan")
    assert metrics["gain_final"] is None and set(metrics["gain_deformed_by_expression"].values()) == {None}
    assert table["err_copy"].isna().all() and metrics["frechet"] > 0
    assert metrics["psnr"] is metrics["epe"] is None
    metrics, table = measured("truth")
    assert metrics["images"] == len(table) == 0 and metrics["networks"]


def test_an_unknown_method_is_one_line(workspace, capsys):
    with pytest.raises(SystemExit) as stop:
        evaluate("nobody")
    assert stop.value.code == 1
    assert "edits/nobody" in capsys.readouterr().err
