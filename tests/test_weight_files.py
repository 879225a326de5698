import dataclasses
import hashlib
import http.server
import threading

import pytest

from defgan import weight_files as weights
from defgan.errors import UserError

CONTENT = b"weights of a network"


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry of one file, `net`, that a local server offers; the cache is a folder of the test."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "net.bin").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path / "web"))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    net = weights.WeightFile(
        path="folder/net.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="CC0-1.0",
        url=f"http://127.0.0.1:{server.server_port}/net.bin",
    )
    monkeypatch.setattr(weights, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(weights, "WEIGHTS", {"net": net})
    weights.weights_path.cache_clear()
    yield weights.WEIGHTS
    weights.weights_path.cache_clear()
    server.shutdown()


def replaced(registry, **changes):
    registry["net"] = dataclasses.replace(registry["net"], **changes)


def test_every_file_of_an_installed_package_has_the_pinned_hash():
    weights.weights_path.cache_clear()
    for name, entry in weights.WEIGHTS.items():
        if entry.package is not None:
            assert weights.weights_path(name).is_file()


def test_every_file_is_pinned_by_one_digest():
    for name, entry in weights.WEIGHTS.items():
        [(digest, length)] = [(entry.sha256, 64)] * bool(entry.sha256) + [(entry.md5, 32)] * bool(entry.md5)
        assert len(digest) == length and set(digest) <= set("0123456789abcdef"), name


def test_an_md5_is_verified_where_there_is_no_sha256(registry, tmp_path):
    replaced(registry, sha256=None, md5=hashlib.md5(CONTENT).hexdigest())
    assert weights.weights_path("net").read_bytes() == CONTENT
    weights.weights_path.cache_clear()
    (tmp_path / "cache" / "net.bin").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"net\.bin: MD5 is [0-9a-f]{32}, expected [0-9a-f]{32}; delete it"):
        weights.weights_path("net")


def test_a_download_is_verified_and_kept(registry, tmp_path):
    path = weights.weights_path("net")
    assert path == tmp_path / "cache" / "net.bin"
    assert path.read_bytes() == CONTENT
    (tmp_path / "web" / "net.bin").unlink()
    weights.weights_path.cache_clear()
    assert weights.weights_path("net") == path


def test_another_content_on_the_server_is_refused_and_not_kept(registry, tmp_path):
    (tmp_path / "web" / "net.bin").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"net.*SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}"):
        weights.weights_path("net")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wrong_file_in_the_cache_is_named_with_the_remedy(registry, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "net.bin").write_bytes(b"half of it")
    with pytest.raises(UserError, match=r"cache/net\.bin: SHA-256 is .* delete it"):
        weights.weights_path("net")


def test_an_address_without_the_file_is_one_line(registry):
    replaced(registry, url=registry["net"].url + ".gone")
    with pytest.raises(UserError, match=r"net\.bin: cannot be downloaded from .*404") as caught:
        weights.weights_path("net")
    assert "\n" not in str(caught.value)


def test_a_missing_package_without_an_address_names_the_package(registry):
    replaced(registry, url=None, package="no-such-package==1.0")
    with pytest.raises(UserError, match=r"install no-such-package==1\.0 or put the file at"):
        weights.weights_path("net")


def test_a_file_put_into_the_cache_by_hand_serves_for_a_missing_package(registry, tmp_path):
    replaced(registry, url=None, package="no-such-package==1.0")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "net.bin").write_bytes(CONTENT)
    assert weights.weights_path("net").read_bytes() == CONTENT


def test_a_package_with_another_content_is_named(registry):
    replaced(registry, path="numpy/__init__.py", package="numpy==0")
    with pytest.raises(UserError, match=r"numpy/__init__\.py: SHA-256 is .* install numpy==0 afresh"):
        weights.weights_path("net")
