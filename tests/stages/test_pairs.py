"""The stage `pairs`: table, data card and contact sheet."""

import pytest
import yaml
from PIL import Image

from defgan.corpus import scenes
from defgan.pairs import read_pairs
from stages import pairs
from tests.conftest import changed


@pytest.fixture
def repository(tmp_path, monkeypatch, tiny_params):
    """An empty directory; the function writes tiny params with changes into it."""

    def write(**changes):
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(changed(tiny_params.model_dump(), changes)))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(scenes, "available_cores", lambda: 1)
    return write


def test_pairs_are_rendered_and_described(repository, capsys):
    repository(**{"corpus.pairs.scenes": 2})
    pairs.pairs()
    assert "pairs: 2 scenes of 4 images" in capsys.readouterr().out
    made = read_pairs("data/pairs")
    assert made.images.shape == (2, 4, 32, 32, 3) and made.held_out.tolist() == [False, True]
    card = open("reports/data/corpus/pairs.md", encoding="utf-8").read()
    for line in ("| scenes | 2 |", "| of which held out | 1 |", "| images | 8: 4 a scene, 32 × 32 pixels |"):
        assert line in card
    assert "supervised" in card and "AU45" in card
    # Two scenes of four images and a picture of motion, each with a line of text.
    assert Image.open("reports/data/corpus/pairs.png").size == (5 * 128, 2 * (128 + 14))


def test_without_scenes_the_card_says_so(repository, capsys):
    repository(**{"corpus.pairs.scenes": 0})
    pairs.pairs()
    assert "pairs: none" in capsys.readouterr().out
    assert "corpus.pairs.scenes" in open("reports/data/corpus/pairs.md", encoding="utf-8").read()
    assert Image.open("reports/data/corpus/pairs.png").size == (1, 1)


def test_too_many_held_out_scenes_name_the_keys(repository, capsys):
    repository(**{"corpus.pairs.held_out": 3})
    with pytest.raises(SystemExit):
        pairs.pairs()
    error = capsys.readouterr().err
    assert "corpus.pairs.held_out: 3 scenes are held out, but corpus.pairs.scenes is 3" in error
