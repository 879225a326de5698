"""`truth` renders what the embedded corpus knows, whichever roles come from it."""

import numpy as np
import pandas as pd
import pytest
import yaml

from defgan import corpus
from defgan.evaluation.truth import read_truth
from stages.truth import truth
from tests.conftest import changed


@pytest.fixture
def planned(workspace, monkeypatch):
    """The made-up run before `truth`; scenes are names, and what is rendered is their first photograph's number."""
    pd.read_parquet("edits/copy/edits.parquet").to_parquet("data/plan.parquet")

    def rendered(scenes, aus, transforms, size, progress):
        assert len(scenes) == len(aus) == len(transforms)
        return np.stack([np.full((size, size, 3), int(scene[-3:]) + 1, np.uint8) for scene in scenes])

    names = [f"{role}{i:03d}" for role in ("wild", "rafd") for i in range(20)]
    monkeypatch.setattr(corpus, "load_scenes", lambda path: {name: name for name in names if name[:4] in path})
    monkeypatch.setattr(corpus, "render_edits", rendered)
    monkeypatch.setattr(
        corpus, "edit_motions", lambda *arguments, progress: rendered(*arguments, progress)[..., :2] / np.float16(2)
    )
    return workspace


def test_roles_that_are_not_the_corpus_stay_unknown(planned):
    values = yaml.safe_load((planned / "params.yaml").read_text())
    (planned / "params.yaml").write_text(yaml.safe_dump(changed(values, {"data.wild.layout": "folder"})))
    truth()
    plan = pd.read_parquet("data/plan.parquet")
    read = read_truth("data/truth", plan)
    assert read.known.tolist() == (plan["role"] == "rafd").tolist()
    assert not read.images[~read.known].any() and read.images[read.known].all()
    assert np.isnan(read.motion[~read.known]).all() and not np.isnan(read.motion[read.known]).any()


def test_every_row_is_rendered_from_its_own_photograph(planned):
    truth()
    plan = pd.read_parquet("data/plan.parquet")
    read = read_truth("data/truth", plan)
    assert read.known.all()
    assert read.images[:, 0, 0, 0].tolist() == (plan["row"] + 1).tolist()
    assert read.motion[:, 0, 0, 0].tolist() == ((plan["row"] + 1) / 2).tolist()


def test_a_photograph_without_a_scene_is_named(planned, monkeypatch, capsys):
    monkeypatch.setattr(corpus, "load_scenes", lambda path: {})
    with pytest.raises(SystemExit):
        truth()
    assert "no scene of wild000, a prepared face of wild" in capsys.readouterr().err
