"""A training's run in MLflow holds a model with a signature, which MLflow loads without pickle."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from defgan.editing import onnx_export
from defgan.methods.model import create
from defgan.tracking import start_run
from defgan.tracking_model import INPUTS, OUTPUTS, LoadedModel, describe
from defgan.tracking_writer import EXPERIMENT, open_store, write

SIZE = 16
ARCHITECTURE = {"channels": 4, "residual_blocks": 1, "precision": "32-true"}


@pytest.fixture
def trained(tmp_path):
    """Makes the files of a method's model."""

    def make(name: str, **more) -> Path:
        architecture, folder = ARCHITECTURE | more, tmp_path / "models"
        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        weights = folder / f"{name}.safetensors"
        save_file({key: value.contiguous() for key, value in create(name, architecture).state_dict().items()}, weights)
        params = {"image_size": SIZE, "lambda_cyc": 50.0, "training": {"channels": 4, "epochs": None}}
        described = {"model": name, "architecture": architecture, "params": params}
        weights.with_suffix(".json").write_text(json.dumps(described), encoding="utf-8")
        return weights

    return make


def models(client):
    return client.search_logged_models([client.get_experiment_by_name(EXPERIMENT).experiment_id])


def test_names_are_those_of_the_onnx_graph():
    assert (INPUTS, OUTPUTS) == (onnx_export.INPUTS, onnx_export.OUTPUTS)


def test_the_signature_has_what_a_method_gives(trained, tmp_path):
    told = {}
    for name in ("ganimation", "stargan"):
        folder = tmp_path / name
        folder.mkdir()
        for path in trained(name).parent.glob(f"{name}.*"):
            path.rename(folder / path.name)
        told[name] = describe(folder)
    assert [tensor["name"] for tensor in told["ganimation"]["outputs"]] == ["edited", "mask", "texture"]
    assert [tensor["name"] for tensor in told["stargan"]["outputs"]] == ["edited"]
    assert told["stargan"]["inputs"][1]["tensor-spec"] == {"dtype": "float32", "shape": [-1, 8]}
    assert "happy" in told["stargan"]["about"]["x"]


def test_a_training_leaves_a_model_that_mlflow_loads(trained, tracked):
    import mlflow.pyfunc

    weights = trained("defgan", max_offset=5.0, use_deformation=True, use_texture=True)
    with start_run(tracked, "train_defgan", {"stage": "train_defgan"}) as run:
        run.log_data("data/prepared/train", "0123456789abcdef" * 4)
        run.log_note("**Fig. 1.** " + "A face. " * 2000)
        run.log_artifact(weights)
        run.log_artifact(weights.with_suffix(".json"))
    with open_store(tracked) as client:
        [model] = models(client)
        found = client.get_run(model.source_run_id)
        files = [path.path for path in client.list_artifacts(found.info.run_id)]
    assert (model.name, str(model.status), model.params["training.epochs"]) == ("defgan", "READY", "None")
    assert [output.model_id for output in found.outputs.model_outputs] == [model.model_id]
    assert model.tags["learnt_from"] == "data/prepared/train (0123456789abcdef0123456789abcdef0123)"
    assert model.tags["method"] == "DefGAN" and "AU12" in model.tags["x"] and len(model.tags["params_sha256"]) == 64
    assert found.data.tags["mlflow.note.content"].endswith("…") and files == ["defgan.json"]

    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    assert {path.name for path in Path(model.artifact_location.removeprefix("file://")).iterdir()} == {
        "MLmodel",
        "defgan.json",
        "defgan.safetensors",
    }
    shapes = {tensor.name: tensor.shape for tensor in loaded.metadata.signature.inputs}
    assert shapes == {"image": (-1, 3, SIZE, SIZE), "x": (-1, 17), "y": (-1, 17)}
    shapes = {tensor.name: tensor.shape for tensor in loaded.metadata.signature.outputs}
    assert shapes.keys() == set(OUTPUTS) and shapes["grid"] == (-1, SIZE, SIZE, 2)
    rng = np.random.default_rng(0)
    faces = {"image": rng.uniform(-1, 1, (2, 3, SIZE, SIZE)).astype(np.float32)}
    faces |= {name: rng.uniform(0, 1, (2, 17)).astype(np.float32) for name in ("x", "y")}
    edited, wanted = loaded.predict(faces), LoadedModel(weights.parent).predict(faces)
    assert edited.keys() == wanted.keys() and all((edited[name] == wanted[name]).all() for name in wanted)
    with pytest.raises(mlflow.MlflowException, match="Shape of input"):
        loaded.predict({**faces, "x": faces["x"][:, :9]})


def test_a_second_try_makes_no_second_model_and_old_servers_get_the_file(trained, tracked, monkeypatch):
    from mlflow import MlflowClient, MlflowException
    from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND

    weights = trained("ganimation")
    told = describe(weights.parent)
    told["params"] = {"lambda_cyc": "50.0"}
    records = [
        {"kind": "start", "time": 1, "name": "train", "tags": {}},
        {"kind": "model", "time": 2, "name": "ganimation", "path": "ganimation", **told},
    ]
    spool = tracked / "waiting"
    spool.mkdir()
    weights.parent.rename(spool / "ganimation")
    for again in (False, True):
        write(tracked, spool, records, again=again)
    with open_store(tracked) as client:
        [model] = models(client)
        assert len(client.get_run(model.source_run_id).outputs.model_outputs) == 1

    def unknown(*_, **__):
        raise MlflowException("no such endpoint", ENDPOINT_NOT_FOUND)

    for path in (spool / "run", spool / ".model"):
        path.unlink()
    monkeypatch.setattr(MlflowClient, "create_logged_model", unknown)
    write(tracked, spool, records)
    with open_store(tracked) as client:
        run = (spool / "run").read_text(encoding="utf-8")
        assert [path.path for path in client.list_artifacts(run)] == ["ganimation.safetensors"]


def test_what_is_no_model_is_recorded_as_a_file(tracked, capfd):
    (tracked / "a.safetensors").write_bytes(b"no weights")
    (tracked / "a.json").write_text("{}", encoding="utf-8")
    with start_run(tracked, "train", {}) as run:
        run.log_artifact(tracked / "a.safetensors")
    assert "a.safetensors is recorded as a file, not as a model: " in capfd.readouterr().err
    assert [path.read_bytes() for path in (tracked / "mlartifacts").rglob("a.safetensors")] == [b"no weights"]
