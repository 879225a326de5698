"""The ONNX graph gives the parts that torch gives, on real crops and in batches of any size."""

import json
import sys

import numpy as np
import pytest
import torch

from defgan.demo.examples import examples
from defgan.editing.face_finder import FaceFinder
from defgan.editing.image_file import open_photograph
from defgan.editing.onnx_export import INPUTS, METADATA, OPSET, OUTPUTS, TOLERANCE, export_onnx
from defgan.editing.trained_weights import read_weights
from defgan.errors import UserError
from defgan.facs import AU_NAMES, preset
from defgan.pixels import to_network

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
pytest.importorskip("onnxscript", reason="the extra `onnx` is not installed")


def test_the_graph_edits_the_example_faces_as_torch_does(tmp_path):
    path, worst = export_onnx("defgan", tmp_path / "new")
    assert path == tmp_path / "new/defgan.onnx" and 0 < worst < TOLERANCE
    model, content = read_weights("defgan")
    model.bf16 = False
    find = FaceFinder(content["params"]["image_size"], np.array(content["points"]))
    faces = [find(open_photograph(file).pixels)[0] for file in examples()[:3]]
    images = to_network(torch.from_numpy(np.stack([face.crop for face in faces])))
    x = torch.from_numpy(np.stack([face.x for face in faces]).astype(np.float32))
    y = torch.from_numpy(np.stack([preset(name) for name in ("happy", "surprise", "anger")]).astype(np.float32))
    with torch.inference_mode():
        wanted = model.edit(images, x, y)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == list(INPUTS)
    assert [entry.name for entry in session.get_outputs()] == list(OUTPUTS)
    got = session.run(None, dict(zip(INPUTS, (images.numpy(), x.numpy(), y.numpy()), strict=True)))
    for name, own, torchs in zip(OUTPUTS, got, wanted, strict=True):
        np.testing.assert_allclose(own, torchs.numpy(), atol=TOLERANCE, err_msg=name)
    assert np.abs(got[0] - images.numpy()).max() > 0.05  # the edits can be seen
    graph = onnx.load(path)
    assert graph.opset_import[0].version == OPSET
    told = {entry.key: json.loads(entry.value) for entry in graph.metadata_props}
    assert tuple(told) == METADATA
    assert told["action_units"] == list(AU_NAMES) and told["weights_sha256"] == content["sha256"]


def test_a_missing_package_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"the package onnxruntime; install it .*--extra onnx"):
        export_onnx("defgan", tmp_path)
    assert list(tmp_path.iterdir()) == []
