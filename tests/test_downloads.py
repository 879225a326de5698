"""Downloads from a server on this machine."""

import pytest

from defgan.downloads import download
from defgan.errors import UserError

CONTENT = bytes(range(256)) * 20


@pytest.fixture
def url(server) -> str:
    server.files = {"/1": CONTENT}
    return f"{server.address}/1"


def test_a_cut_off_download_continues(server, url, tmp_path):
    server.cut = 1000
    with pytest.raises(UserError, match="run again: what has arrived is kept"):
        download(url, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    download(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


def test_a_server_that_cannot_continue_starts_again(server, url, tmp_path):
    server.cut, server.knows_ranges = 1000, False
    with pytest.raises(UserError):
        download(url, tmp_path / "a.zip")
    download(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_download_that_was_complete_is_taken(server, url, tmp_path):
    (tmp_path / ".a.partial.zip").write_bytes(CONTENT)
    download(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_what_is_not_there_is_one_line(server, url, tmp_path):
    with pytest.raises(UserError, match=r"b\.zip: cannot be downloaded from .*/2 \(HTTP Error 404") as caught:
        download(f"{server.address}/2", tmp_path / "b.zip")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())
