"""The stages `corpus` and `truth`: they write what the next stages read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from defgan.alignment import POINT_COLUMNS, crop, similarity_transform
from defgan.corpus import scenes
from defgan.faces.table import COLUMNS
from defgan.facs import AU_NAMES, preset
from stages import corpus, truth
from tests.prepared import write_faces


@pytest.fixture
def repository(tmp_path, monkeypatch, tiny_params):
    """An empty directory with tiny params; the roles are as small as they can be, and rendered in this process."""
    monkeypatch.setattr(scenes, "available_cores", lambda: 1)
    values = tiny_params.model_dump()
    values["corpus"] |= {
        "train": {"subjects": 0, "images_per_subject": 1},
        "mug": {"subjects": 1},
        "rafd": {"subjects": 0},
    }
    values["corpus"]["wild"] = {"subjects": 2}
    for role in ("train", "rafd"):
        values["data"][role] |= {"layout": "folder"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.chdir(tmp_path)
    return values


def _prepare_wild(size):
    """The faces table of the wild role, straight from its annotations."""
    table = pd.read_parquet("data/corpus/wild/annotations.parquet")
    rows, pixels = [], []
    for index, row in enumerate(table.to_dict("records")):
        points = np.array([row[name] for name in POINT_COLUMNS]).reshape(5, 2)
        transform = similarity_transform(points, size)
        crops = dict(zip([c for c in COLUMNS if c.startswith("crop_")], transform.ravel(), strict=True))
        boxes = {c: 0.0 for c in COLUMNS if c.startswith("box_")}
        own = {
            "image_id": str(index),
            "source": row["path"],
            "role": "wild",
            "au_source": "annotations",
            "split": "test",
        }
        rows.append({**row, **boxes, **crops, **own, "row": index})
        pixels.append(crop(np.array(Image.open(f"data/corpus/wild/{row['path']}")), transform, size))
    write_faces("data/prepared/wild", pd.DataFrame(rows), np.stack(pixels))
    return np.stack(pixels), table


def test_truth_follows_the_plan(repository, capsys):
    corpus.corpus()
    out = capsys.readouterr().out
    assert "corpus:" in out and "2 wild" in out and "7 mug" in out
    assert len(pd.read_parquet("data/corpus/mug/annotations.parquet")) == 7

    size = repository["image_size"]
    pixels, table = _prepare_wild(size)
    own = table[list(AU_NAMES)].to_numpy(np.float32)
    targets = np.stack([own[1], preset("surprise"), own[0]])
    plan = pd.DataFrame({"role": "wild", "row": [1, 0, 0], **dict(zip(AU_NAMES, targets.T, strict=True))})
    plan.to_parquet("data/plan.parquet")
    truth.truth()
    assert json.loads(open("data/truth/truth.json").read()) == {"known": ["wild"]}
    true = np.load("data/truth/true.npy")
    assert true.shape == (3, size, size, 3) and true.dtype == np.uint8
    assert np.array_equal(true[0], pixels[1]) and np.array_equal(true[2], pixels[0])
    assert np.abs(true[1].astype(int) - pixels[0]).max() > 60
    motion = np.load("data/truth/motion.npy").astype(np.float32)
    assert motion.shape == (3, size, size, 2) and 0.2 < np.isfinite(motion).mean() < 0.9
    assert np.nanmax(np.abs(motion[[0, 2]])) < 1e-2 and np.nanmax(np.abs(motion[1])) > 0.3


def test_a_corpus_that_renders_nothing_needs_no_head_model(repository, capsys, monkeypatch):
    repository["corpus"] |= {role: {"subjects": 0} for role in ("wild", "mug", "rafd")}
    for role in ("wild", "mug"):
        repository["data"][role] |= {"layout": "folder"}
    Path("params.yaml").write_text(yaml.safe_dump(repository))
    monkeypatch.setattr("defgan.corpus.roles.Studio", None)
    corpus.corpus()
    assert "corpus: 0 train, 0 wild, 0 mug, 0 rafd images" in capsys.readouterr().out
    assert sorted(path.name for path in Path("data/corpus").iterdir()) == ["mug", "rafd", "train", "wild"]


def test_truth_without_a_corpus_ends_in_one_line(repository, capsys):
    with pytest.raises(SystemExit):
        truth.truth()
    assert "truth: data/plan.parquet: no such file" in capsys.readouterr().err
