"""Content Credentials are read back as they were signed; a file that is changed afterwards is found out."""

import io

import pytest
from PIL import Image

from defgan.editing.credentials import (
    EDIT_LABEL,
    MIME,
    SOURCE_TYPE,
    TEST_ORGANISATION,
    TRIAL,
    load_credentials,
    read_credentials,
)
from defgan.errors import UserError

pytest.importorskip("c2pa", reason="the extra `c2pa` is not installed")
EDIT = {"model": "defgan", "weights_sha256": "ab" * 32, "action_units": {"face 1": {"AU12": 1.0}}}


def encoded(file_format: str, size: int = 48) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((size, size), 60).convert("RGB").save(buffer, file_format)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def credentials():
    return load_credentials(TRIAL)


@pytest.mark.parametrize("file_format", MIME)
def test_they_are_read_back_and_the_picture_stays(credentials, file_format):
    edited, original = encoded(file_format), encoded("JPEG")
    signed = credentials.sign(edited, file_format, "a.happy", EDIT, "DefGAN 1.2", original)
    manifest = read_credentials(signed, file_format)
    assert manifest["validation_state"] == "Valid" and manifest["title"] == "a.happy"
    assertions = {entry["label"]: entry["data"] for entry in manifest["assertions"]}
    opened, changed = assertions["c2pa.actions.v2"]["actions"]
    assert opened["action"] == "c2pa.opened" and changed["action"] == "c2pa.edited"
    assert changed["digitalSourceType"] == SOURCE_TYPE
    assert changed["softwareAgent"] == {"name": "DefGAN", "version": "1.2"}
    assert assertions[EDIT_LABEL] == EDIT
    assert manifest["signature_info"]["issuer"] == TEST_ORGANISATION
    [parent] = manifest["ingredients"]
    assert parent["relationship"] == "parentOf" and "thumbnail" not in parent
    with Image.open(io.BytesIO(signed)) as own, Image.open(io.BytesIO(edited)) as unsigned:
        assert own.tobytes() == unsigned.tobytes()
    assert len(signed) < len(edited) + 40_000  # no copy of the original is inside


def test_a_photographs_own_credentials_stay_with_its_edit(credentials):
    first = credentials.sign(encoded("PNG"), "PNG", "first", EDIT, "Camera 1", encoded("PNG"))
    second = credentials.sign(encoded("PNG", 40), "PNG", "second", EDIT, "DefGAN 1", first)
    [parent] = read_credentials(second, "PNG")["ingredients"]
    assert parent["active_manifest"] == read_credentials(first, "PNG")["label"]


def test_a_file_that_is_changed_afterwards_is_found_out(credentials):
    signed = bytearray(credentials.sign(encoded("TIFF"), "TIFF", "a", EDIT, "DefGAN 1", encoded("TIFF")))
    signed[len(encoded("TIFF")) // 2] ^= 255
    assert read_credentials(bytes(signed), "TIFF")["validation_state"] == "Invalid"
    assert read_credentials(encoded("JPEG"), "JPEG") is None


def test_a_key_of_ones_own(credentials, tmp_path):
    path = tmp_path / "own.pem"
    path.write_bytes(credentials.key + credentials.certificates)
    assert load_credentials(str(path)) == credentials
    path.write_bytes(credentials.certificates)
    with pytest.raises(UserError, match=r"own\.pem: .*private key"):
        load_credentials(str(path))
    with pytest.raises(UserError, match=r"none\.pem: no such file"):
        load_credentials(str(tmp_path / "none.pem"))
    with pytest.raises(UserError, match="no Content Credentials in GIF"):
        credentials.sign(b"", "GIF", "a.gif", EDIT, "DefGAN 1", b"")
