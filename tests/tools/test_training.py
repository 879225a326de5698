"""Training elsewhere: packed faces or pairs in, weights, curves and sheets out."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file

from defgan import methods, params
from defgan.methods.model import Model
from defgan.pairs import PackedScene, encode, write_pairs
from defgan.training import trainer
from tests.conftest import ROOT
from tests.prepared import write_faces
from tests.stages.conftest import blobs
from tests.training.conftest import SIZE, make_faces, tiny_params
from tools import train_on_faces, train_on_pairs, training
from tools.pack_faces import FILE, pack_faces, read_packed

NOT_THERE = ["anny", "cv2", "dvc", "facenet_pytorch", "matplotlib", "mlflow", "ruamel", "torchvision", "warp"]
"""Packages that a machine with a GPU may lack."""


@pytest.fixture
def small(monkeypatch):
    """Without a preset the params make two iterations after a warm-up of one step, without the embedder."""
    made = tiny_params(batches=4, au_warmup_steps=1).model_copy(update={"lambda_id": 0.0, "lambda_id_comp": 0.0})
    made = made.model_copy(update={"supervised": made.supervised.model_copy(update={"batches": 2})})
    monkeypatch.setattr(params, "load_params", lambda *_: made)
    return made


@pytest.fixture
def prepared(tmp_path):
    """A prepared role of smooth pictures."""
    faces = make_faces()
    write_faces(tmp_path / "train", faces.frame, blobs(len(faces.frame), SIZE, 0))
    return tmp_path / "train"


@pytest.fixture
def folder(tmp_path, prepared):
    """The same, packed."""
    pack_faces(tmp_path / "faces", prepared)
    return tmp_path / "faces"


@pytest.fixture
def pairs(tmp_path):
    """Three scenes as `pack_pairs` writes them, one of them held out."""
    (tmp_path / "pairs").mkdir()
    scenes = [
        PackedScene(list(map(encode, blobs(3, SIZE, seed))), np.full((3, 17), 0.1 * seed, np.float32),
                    np.zeros((2, SIZE // 4, SIZE // 4, 2), np.int8), 0.5)
        for seed in range(3)
    ]  # fmt: skip
    write_pairs(tmp_path / "pairs/pairs.parquet", scenes, [(0, 1), (1, 2)], held_out=1, size=SIZE)
    return tmp_path / "pairs"


def files(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def results(name, sheets):
    kinds = (f"{name}.safetensors", f"{name}.json", f"train_{name}.csv", f"train_{name}.json")
    return {*kinds, *(f"sheets/{name}/sheet_{step:06d}.png" for step in sheets)}


def test_packed_faces_are_the_prepared_ones(folder, prepared):
    faces, pixels = read_packed(folder), np.load(prepared / "pixels.npy").astype(float)
    pd.testing.assert_frame_equal(faces.frame, pd.read_parquet(prepared / "faces.parquet"))
    assert faces.pixels.shape == pixels.shape and faces.pixels.dtype == np.uint8
    assert np.abs(faces.pixels - pixels).mean() < 3


def test_a_killed_run_goes_on_and_what_it_had_finished_is_not_trained_again(folder, small, tmp_path, monkeypatch):
    output, advanced, kill_at = tmp_path / "trained", [], {"ganimation": 2}
    advance = trainer.Trainer.advance

    def watched(self):
        if self.step == kill_at.get(self.name):
            raise KeyboardInterrupt
        advanced.append((self.name, self.step))
        return advance(self)

    monkeypatch.setattr(trainer.Trainer, "advance", watched)
    with pytest.raises(KeyboardInterrupt):
        train_on_faces.main(folder, output=output)
    assert advanced == [("defgan", 0), ("defgan", 1), ("defgan", 2), ("ganimation", 0), ("ganimation", 1)]
    assert {path for path in files(output) if "ganimation" not in path} == results("defgan", [2])
    assert any(path.endswith("state.pt") for path in files(output))

    kill_at.clear()
    advanced.clear()
    train_on_faces.main(folder, output=output)
    assert advanced == [("ganimation", 1), ("ganimation", 2)]
    assert files(output) == results("defgan", [2]) | results("ganimation", [2])
    advanced.clear()
    train_on_faces.main(folder, output=output)
    assert not advanced


def test_by_the_clock_a_resumed_run_may_be_longer_than_the_params_say(folder, small, tmp_path, monkeypatch):
    calls, advance = [], trainer.Trainer.advance

    def watched(self):
        calls.append(self.step)
        if self.step == 5:
            raise KeyboardInterrupt
        return advance(self)

    monkeypatch.setattr(trainer.Trainer, "advance", watched)
    monkeypatch.setattr(trainer.Trainer, "_pace", lambda self, iteration: setattr(self, "iterations", iteration + 2))
    monkeypatch.setattr(training, "_LOG_EVERY", 1)  # a state is saved after each step
    for steps in ([0, 1, 2, 3, 4, 5], [5]):
        with pytest.raises(KeyboardInterrupt):
            train_on_faces.main(folder, ["ganimation"], [100.0], output=tmp_path)
        assert calls == steps
        calls.clear()


def check_weights(directory, name, iterations):
    """The weights are those of the model that the JSON beside them describes."""
    description = json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))
    wanted = Model(methods.get(name), **description["architecture"]).state_dict()
    found = load_file(directory / f"{name}.safetensors")
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in wanted.items()}
    assert description["made"]["iterations"] == iterations and description["made"]["images_per_s"] > 0
    assert pd.read_csv(directory / f"train_{name}.csv")["step"].tolist() == [iterations]


def test_pairs_are_learnt_from_alike(pairs, small, tmp_path, capsys):
    for message in ("ganimation_supervised: 2 iterations in", "is already trained so"):
        train_on_pairs.main(pairs, ["ganimation_supervised"], output=tmp_path)
        assert message in " ".join(capsys.readouterr().out.split())
    assert files(tmp_path) >= results("ganimation_supervised", [2])
    check_weights(tmp_path, "ganimation_supervised", 2)


def test_the_command_runs_where_only_torch_and_few_packages_are(folder, tmp_path):
    tiny = {"batches": 4, "batch_size": 4, "channels": 4, "critic_channels": 4, "residual_blocks": 1}
    preset = {"image_size": SIZE, "training": {**tiny, "au_warmup_steps": 1, "ema_decay": 0.5}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(preset), encoding="utf-8")
    output = tmp_path / "trained"
    arguments = ["train_on_faces", folder, "--method", "ganimation", "--preset", tmp_path / "tiny.yaml", "-o", output]
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({NOT_THERE})); sys.argv = {list(map(str, arguments))};"
        "import typer; from tools.train_on_faces import main; typer.run(main)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert files(output) == results("ganimation", [2])
    check_weights(output, "ganimation", 2)


def test_bad_input_is_named(folder, prepared, small, tmp_path, monkeypatch, capsys):
    def said(call, *arguments, **named):
        with pytest.raises(SystemExit):
            call(*arguments, **named)
        return " ".join(capsys.readouterr().err.split())

    assert "train_on_faces: --method stargan: does not learn from this" in said(
        train_on_faces.main, folder, ["stargan"]
    )
    assert "--seconds is given 1 times for 2 methods" in said(train_on_faces.main, folder, None, [3.0])
    assert "--seconds 0: give more than 0" in said(train_on_pairs.main, folder, ["defgan_supervised"], [0.0])
    assert "pack_faces -o" in said(train_on_faces.main, tmp_path / "nowhere")
    assert "prepare@wild` makes it first" in said(pack_faces, tmp_path / "out", tmp_path / "wild")
    larger = small.model_copy(update={"image_size": 128})
    monkeypatch.setattr(params, "load_params", lambda *_: larger)
    assert "the images have 32 pixels, but image_size is 128" in said(train_on_faces.main, folder)
    shutil.copy(prepared / "faces.parquet", folder / FILE)
    assert "not a table of packed faces" in said(train_on_faces.main, folder)
    (folder / FILE).write_bytes(b"torn")
    assert "not a table of packed faces" in said(train_on_faces.main, folder)
