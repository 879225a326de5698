"""Reads photographs of any kind: upright, 8 bits, RGB, in sRGB colours, and no larger than needed.

Pillow reads them, or OpenCV where Pillow cannot. The rules:

- of an animation the first frame is taken; EXIF's orientation is applied;
- colours are converted from the embedded profile to sRGB; a broken profile is ignored, as viewers do;
- transparent parts become white; CMYK without a profile is converted as Pillow does;
- integers of 16 and more bits are on the scale 0–65535 and rounded to 8 bits; floats are on the smallest of the scales
  0–1, 0–255 and 0–65535 that holds them.
"""

import io
import os
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps

from defgan.extras import how_to_install

try:
    from pillow_heif import register_heif_opener
except ImportError:
    HEIF = False
else:
    register_heif_opener()
    HEIF = True

LARGEST = 250_000_000
"""Most pixels of a photograph: phones take 200 megapixels. A small file can claim any number of them."""
Image.MAX_IMAGE_PIXELS = LARGEST // 2  # Pillow refuses more than twice this number, and warns of more than this number
_SCALES = (1.0, 255.0, 65535.0)  # the value of white; the last is that of integers wider than 8 bits
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


class UnreadableImageError(Exception):
    """A photograph that no decoder can read; the message is one line."""


@dataclass(frozen=True)
class Photograph:
    """A photograph, perhaps at reduced size."""

    pixels: np.ndarray  # uint8 H×W×3
    factor: int  # side of one of these pixels, in pixels of the file


def read_photograph(file: str | Path | io.BytesIO, long_side: int | None = None) -> Photograph:
    """A photograph, reduced by the largest whole factor that leaves its longer side at least `long_side` pixels.

    `long_side` None: not reduced. Raises UnreadableImageError, whatever is wrong with the file.
    """
    try:
        return _read(file, long_side)
    # On broken content decoders raise errors of nearly any kind.
    except Exception as error:
        raise UnreadableImageError(why_unreadable(file, error)) from None


def open_image(file: str | Path | io.BytesIO) -> Image.Image:
    """As `Image.open`, but for formats that Pillow gives to other programs."""
    image = Image.open(file)
    if image.format == "EPS":
        image.close()
        raise Image.UnidentifiedImageError
    return image


def _beginning(file: str | Path | io.BytesIO) -> bytes:
    try:
        return file.getvalue()[:12] if isinstance(file, io.BytesIO) else _head(file)
    except OSError:
        return b""


def _head(path: str | Path) -> bytes:
    with open(path, "rb") as opened:
        return opened.read(12)


def why_unreadable(file: str | Path | io.BytesIO, error: Exception) -> str:
    """What is wrong with a file that Pillow could not read, in one line without its name."""
    beginning = _beginning(file)
    unknown = isinstance(error, Image.UnidentifiedImageError)
    if unknown and not HEIF and beginning[4:8] == b"ftyp" and beginning[8:12] in _HEIF_BRANDS:
        return f"HEIC needs the package pillow-heif; install it {how_to_install('heic')}"
    if unknown and beginning[:4] in (b"II*\0", b"MM\0*"):
        return "a TIFF of a kind that is not known here, such as one of 32 bits; save it with 8 bits per channel"
    if isinstance(error, FileNotFoundError):
        return "missing file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, Image.DecompressionBombError) and (count := re.search(r"\((\d+) pixels", str(error))):
        return _too_large(int(count[1]))
    # The path stands beside the reason already; a buffer's address says nothing.
    text = " ".join(str(error).split()).replace(repr("" if isinstance(file, io.BytesIO) else str(file)), "it")
    return "no image in a format known here" if unknown or not text else text


def _too_large(count: int) -> str:
    return f"Image size of {count / 1e6:.0f} megapixels; at most {LARGEST // 10**6} are read: make it smaller first"


def refuse_too_large(image: Image.Image) -> None:
    """Raise ValueError for an opened image with more than `LARGEST` pixels; Pillow does not check all formats."""
    if image.width * image.height > LARGEST:
        raise ValueError(_too_large(image.width * image.height))


def _read(file: str | Path | io.BytesIO, long_side: int | None) -> Photograph:
    if not isinstance(file, io.BytesIO) and os.path.getsize(file) == 0:
        raise OSError("the file is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of problems that are refused or repaired below
        try:
            image = open_image(file)
        except Image.UnidentifiedImageError:
            pixels, draft = _read_by_opencv(file), 1
        else:
            with image:
                pixels, draft = _decode(image, long_side)
    if min(pixels.shape[:2]) < 1:
        raise ValueError("an image without pixels")
    factor = _factor(pixels.shape[:2], long_side)
    if factor > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(factor))
    return Photograph(pixels, factor * draft)


def _factor(shape: tuple[int, int], long_side: int | None) -> int:
    return 1 if long_side is None else max(1, max(shape) // long_side)


def _decode(image: Image.Image, long_side: int | None) -> tuple[np.ndarray, int]:
    """Pixels, uint8 H×W×3, and the factor by which the decoder has reduced them."""
    refuse_too_large(image)
    draft = 1
    if image.format == "JPEG":
        # JPEG can be decoded at 1/2, 1/4 and 1/8 of its size, which saves most of the work.
        factor = _factor(image.size, long_side)
        draft = max(step for step in (1, 2, 4, 8) if step <= factor)
        longer = max(image.size)
        image.draft(image.mode, tuple(max(1, side // draft) for side in image.size))
        draft = round(longer / max(image.size))
    image.load()
    # Broken EXIF is ignored. In place, the pixels are turned even where the EXIF data cannot be written anew.
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return np.asarray(_to_rgb(image, image.info.get("icc_profile"))), draft


def _to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_bytes(np.asarray(image))).convert("RGB")
    if image.mode in ("PA", "LA", "La", "RGBa") or (image.mode in ("P", "L", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode == "P":
        image = image.convert("RGB")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    if alpha is not None:
        image = image.convert("RGB")
    if profile and (transform := _transform(profile, image.mode)):
        image = ImageCms.applyTransform(image, transform)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is None:
        return image
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=alpha)
    return white


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From an embedded profile's colours to sRGB; None where they are sRGB already, or the profile is unusable."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:  # littlecms raises several kinds where a profile is broken or of another colour space
        return None


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """Numbers of any type and scale to uint8, rounded; the module names the scales."""
    if values.dtype == np.uint8:
        return values
    scales = _SCALES if values.dtype.kind == "f" else _SCALES[-1:]
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("some pixels are not finite numbers")
    if values.min() < 0 or values.max() > scales[-1]:
        raise ValueError(f"pixels from {values.min():g} to {values.max():g}, which is on no known scale")
    white = next(scale for scale in scales if values.max() <= scale)
    return np.round(values * (255 / white)).astype(np.uint8)


def _read_by_opencv(file: str | Path | io.BytesIO) -> np.ndarray:
    content = file.getvalue() if isinstance(file, io.BytesIO) else Path(file).read_bytes()
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise Image.UnidentifiedImageError
    values = _to_bytes(values)
    if values.ndim == 2 or values.shape[2] == 1:
        return cv2.cvtColor(values, cv2.COLOR_GRAY2RGB)
    if values.shape[2] == 4:
        alpha = values[..., 3:].astype(np.float32) / 255
        values = np.round(values[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return cv2.cvtColor(values[..., :3], cv2.COLOR_BGR2RGB)
