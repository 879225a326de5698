"""A set of pairs for a training elsewhere."""

import pytest

from defgan.corpus import scenes
from defgan.pairs import read_pairs
from tools.pack_pairs import pack_pairs


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """One worker, whose state lies in the test's own directory."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(scenes, "available_cores", lambda: 1)


def test_a_folder_holds_the_set_and_its_card(tmp_path):
    own = tmp_path / "set"
    pack_pairs(own, scenes=2, images=4, held_out=1, image_size=32, supersample=1, seed=3)
    assert sorted(path.name for path in own.iterdir()) == ["pairs.md", "pairs.parquet", "pairs.png"]
    assert read_pairs(own).images.shape == (2, 4, 32, 32, 3)
    assert (
        "--scenes 2 --images 4 --held-out 1 --image-size 32 --supersample 1 --seed 3" in (own / "pairs.md").read_text()
    )


def test_numbers_that_make_no_set_end_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        pack_pairs(tmp_path / "set", scenes=2, held_out=2)
    assert "pack_pairs: pairs: 2 of 2 scenes are held out" in capsys.readouterr().err
