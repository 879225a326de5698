import pytest

from defgan import methods
from defgan.errors import UserError
from defgan.report.names import data_name, join, learns_from, method_name, supervision


def test_rows_are_called_by_method_with_its_note_or_the_true_image():
    assert method_name("stargan") == "StarGAN (App. F)" and method_name("truth") == "True image"
    with pytest.raises(UserError):
        method_name("nobody")


def test_data_are_called_by_their_folder_and_the_corpus_by_its_name(tmp_path):
    assert data_name({"layout": "corpus", "path": "data/corpus/wild"}) == "embedded corpus (rendered faces)"
    assert data_name({"layout": "folder", "path": "/secret/portraits/neutral"}) == "portraits/neutral"
    assert data_name({"layout": "celeba_hq", "path": "photographs/anywhere"}) == "CelebA-HQ"
    for part in ("web", "celeba_hq", ".hidden"):
        (tmp_path / part).mkdir()
    assert data_name({"layout": "several", "path": str(tmp_path)}) == "CelebA-HQ and web"


def test_sentences_agree_with_their_number():
    assert join(["a"]) == "a" and join(["a", "b"]) == "a and b" and join(["a", "b", "c"]) == "a, b and c"
    assert learns_from([methods.get("stargan")], "a name") == "StarGAN learns from role rafd and is told a name."
    told = [methods.get(name) for name in ("defgan", "ganimation", "defgan_supervised")]
    assert learns_from(told[:2], "AUs") == "DefGAN and GANimation learn from role train and are told AUs."
    assert learns_from(told, "AUs").endswith("learn from role train and rendered pairs and are told AUs.")
    assert supervision(told) == " DefGAN supervised: supervised by rendered pairs; the paper trains without."
    assert supervision(told[:2]) == ""
