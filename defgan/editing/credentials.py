"""Content Credentials (C2PA): an edited file says, signed, that it is edited, by which model, and to which AUs.

The field's own library writes and reads them (c2pa-python, the extra `c2pa`). A signature tells who vouches for the
file: give your own key and certificates. The certificate that this module makes is for trials; no program trusts it.
"""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from defgan.errors import UserError

MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff", "WEBP": "image/webp"}
"""Media types of the formats that are signed, by Pillow's names."""
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a photograph a part of which a trained model made."""
EDIT_LABEL = "org.defgan.edit"
"""Label of our own assertion: model, SHA-256 of its weights, AUs by face."""
# A thumbnail of the original would show in the edited file what was edited away.
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}
TRIAL = "test"
TEST_ORGANISATION = "DefGAN test certificate, not to be trusted"


def _c2pa() -> Any:
    try:
        import c2pa
    except ModuleNotFoundError as error:
        if error.name != "c2pa":
            raise
        raise UserError("Content Credentials need the package c2pa-python; the extra `c2pa` installs it") from None
    return c2pa


@dataclass(frozen=True)
class Credentials:
    """A private key and its certificates, the signer's first; both PEM."""

    key: bytes
    certificates: bytes
    algorithm: str  # as C2PA names it: "es256", "ps256", "ed25519", …

    @cached_property
    def _signer(self) -> Any:
        c2pa = _c2pa()
        info = c2pa.C2paSignerInfo(self.algorithm.encode(), self.certificates, self.key, None)
        return c2pa.Signer.from_info(info)

    def sign(
        self, edited: bytes, file_format: str, title: str, edit: Mapping[str, Any], product: str, original: bytes
    ) -> bytes:
        """The edited file with a signed manifest, whose parent is the original with its own credentials, if it has any.

        Args:
            edited: the file's content.
            file_format: a key of `MIME`.
            title: of the file, such as its name.
            edit: what our own assertion says, JSON values by name.
            product: name and version of the program.
            original: the content of the photograph's file; its format is recognised by its first bytes.

        Raises:
            UserError: the format has no credentials, or the library refuses the key, the certificates or the file.
        """
        c2pa = _c2pa()
        if file_format not in MIME:
            raise UserError(f"{title}: no Content Credentials in {file_format}; use {', '.join(MIME)}")
        name, _, version = product.partition(" ")
        parent = {"title": "the photograph", "relationship": "parentOf", "label": "original"}
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["original"]}}
        changed = {
            "action": "c2pa.edited",
            "digitalSourceType": SOURCE_TYPE,
            "softwareAgent": {"name": name, "version": version},
            "description": "the facial expression is edited by a trained model",
        }
        manifest = {
            "claim_generator_info": [{"name": name, "version": version}],
            "title": title,
            "format": MIME[file_format],
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": [opened, changed]}},
                {"label": EDIT_LABEL, "data": dict(edit)},
            ],
        }
        signed = io.BytesIO()
        try:
            with c2pa.Context.from_dict(_SETTINGS) as context, c2pa.Builder(manifest, context) as builder:
                builder.add_ingredient(parent, _media_type(original), io.BytesIO(original))
                builder.sign(self._signer, MIME[file_format], io.BytesIO(edited), signed)
        except c2pa.C2paError as error:
            raise UserError(f"{title}: the Content Credentials cannot be signed: {error}") from None
        return signed.getvalue()


def _media_type(content: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return Image.MIME.get(image.format or "", "application/octet-stream")


def read_credentials(content: bytes, file_format: str) -> dict[str, Any] | None:
    """The active manifest of a file, as the library's JSON, with the manifests' `validation_state`; None without one.

    Raises UserError for a manifest that cannot be read.
    """
    c2pa = _c2pa()
    try:
        with c2pa.Reader(MIME[file_format], io.BytesIO(content)) as reader:
            store = json.loads(reader.json())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in type(error).__name__ or "ManifestNotFound" in str(error):
            return None
        raise UserError(f"the Content Credentials cannot be read: {error}") from None
    return store["manifests"][store["active_manifest"]] | {"validation_state": store.get("validation_state")}


def load_credentials(source: str) -> Credentials:
    """Credentials from a PEM file with the private key and then the certificates, or made for a trial (`TRIAL`).

    Raises UserError for a missing file, and one without a key or a certificate, or with a key of another kind.
    """
    _c2pa()
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    if source == TRIAL:
        return trial_credentials()
    path = Path(source)
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a PEM file with key and certificates, or `{TRIAL}`")
    content = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(content, None)
        certificates = x509.load_pem_x509_certificates(content)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{path}: {error}; the PEM file holds a private key without a password, then its certificates"
        ) from None
    return _credentials(key, certificates, path)


def _credentials(key: Any, certificates: list[Any], path: Path | str) -> Credentials:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}.get(key.curve.name)
    else:
        kinds = {rsa.RSAPrivateKey: "ps256", ed25519.Ed25519PrivateKey: "ed25519"}
        algorithm = next((name for kind, name in kinds.items() if isinstance(key, kind)), None)
    if algorithm is None:
        raise UserError(f"{path}: C2PA has no signatures by keys of this kind; use P-256, P-384, P-521, RSA or Ed25519")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)
    return Credentials(pem, chain, algorithm)


def trial_credentials() -> Credentials:
    """A fresh key with a certificate for one day that says that it is a test; for trials."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, TEST_ORGANISATION),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    now = datetime.datetime.now(datetime.UTC)
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: x509.Name, public: ec.EllipticCurvePublicKey, authority: bool) -> x509.Certificate:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
        )
        usage |= {"decipher_only": False, "digital_signature": True, "key_cert_sign": authority, "crl_sign": authority}
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name("root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        )
        if not authority:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True
            )
        return builder.sign(root, hashes.SHA256())

    leaf = certificate(name("signer"), key.public_key(), authority=False)
    return _credentials(key, [leaf, certificate(name("root"), root.public_key(), authority=True)], TRIAL)
