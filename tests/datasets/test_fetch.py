"""Data sets from a server on this machine: whole, cut off, changed."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from defgan.datasets.fetch import CHECKSUMS, RECIPES, Recipe, Remote, fetch
from defgan.errors import UserError


def zipped(names) -> bytes:
    picture, content = io.BytesIO(), io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(picture, "PNG")
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, picture.getvalue())
    return content.getvalue()


@pytest.fixture
def recipe(server):
    server.files = {
        "/1": zipped(["neutral_front/001_03.jpg", "__MACOSX/neutral_front/._001_03.jpg", "neutral_front/001_03.tem"]),
        "/2": zipped(["smiling_front/001_08.jpg", "smiling_front/002_08.jpg", "../../evil.jpg"]),
    }
    files = (Remote(f"{server.address}/1", "neutral"), Remote(f"{server.address}/2", "smiling"))
    return Recipe("london", "CC BY 4.0", "Someone (2017)", files)


def test_fetching_unpacks_records_checksums_and_is_done_once(server, recipe, tmp_path):
    said = list(fetch(recipe, tmp_path))
    home = tmp_path / "london"
    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()) == [
        "CITATION.txt",
        CHECKSUMS,
        "neutral/001_03.jpg",
        *("smiling/001_08.jpg", "smiling/002_08.jpg", "smiling/evil.jpg"),
    ]
    assert not (tmp_path.parent / "evil.jpg").exists()
    known = json.loads((home / CHECKSUMS).read_text())
    assert known["neutral"] == hashlib.sha256(server.files["/1"]).hexdigest()
    assert any("gives no SHA-256" in sentence for sentence in said) and "Someone (2017)" in said[-1]
    asked = len(server.ranges)
    assert any("already there" in sentence for sentence in fetch(recipe, tmp_path))
    assert len(server.ranges) == asked


def test_a_cut_off_download_goes_on(server, recipe, tmp_path):
    server.cut = 1000
    with pytest.raises(UserError, match="run again: what has arrived is kept"):
        list(fetch(recipe, tmp_path))
    assert not (tmp_path / "london/neutral").exists()
    list(fetch(recipe, tmp_path))
    assert server.ranges[:2] == [None, "bytes=1000-"]
    known = json.loads((tmp_path / "london" / CHECKSUMS).read_text())
    assert known["neutral"] == hashlib.sha256(server.files["/1"]).hexdigest()


def test_other_content_than_before_is_refused(server, recipe, tmp_path):
    list(fetch(recipe, tmp_path))
    for path in (tmp_path / "london/neutral").iterdir():
        path.unlink()
    (tmp_path / "london/neutral").rmdir()
    server.files["/1"] = zipped(["neutral_front/other.jpg"])
    with pytest.raises(UserError, match=r"neutral\.zip: SHA-256 is .* expected"):
        list(fetch(recipe, tmp_path))
    assert not (tmp_path / "london/neutral").exists() and not (tmp_path / "london/neutral.zip").exists()


def test_what_is_not_there_or_no_zip_is_one_line(server, recipe, tmp_path):
    server.files["/1"] = b"<html>"
    with pytest.raises(UserError, match=r"neutral\.zip: cannot be unpacked") as caught:
        list(fetch(recipe, tmp_path))
    assert "\n" not in str(caught.value)
    del server.files["/1"]
    (tmp_path / "london/neutral.zip").unlink()
    with pytest.raises(UserError, match="404"):
        list(fetch(recipe, tmp_path / "again"))


def test_the_published_recipe_names_licence_and_citation():
    london = RECIPES["london"]
    assert london.licence == "CC BY 4.0" and "10.6084/m9.figshare.5047666.v5" in london.citation
    assert {remote.folder for remote in london.files} == {"neutral", "smiling"}
    assert all(remote.url.startswith("https://") for remote in london.files)
