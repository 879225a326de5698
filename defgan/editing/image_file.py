"""Photographs as files: reading upright pixels with their metadata, and writing edits with a note that says so."""

import importlib.metadata
import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, PngImagePlugin, UnidentifiedImageError
from PIL.JpegImagePlugin import get_sampling

from defgan.errors import UserError
from defgan.files import atomic_file

with suppress(ImportError):  # the extra `heic`
    import pillow_heif

    pillow_heif.register_heif_opener()

FORMATS = MappingProxyType(
    {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
)
"""File formats that are written, by suffix; photographs in other formats are written as PNG."""
JPEG_QUALITY = 95
PRODUCT = f"DefGAN {importlib.metadata.version('defgan')}"
_TIFF_LOSSLESS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits")
_SOFTWARE, _COMMENT = ExifTags.Base.Software, ExifTags.Base.UserComment
_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# Tags of a TIFF, and of a JPEG's thumbnail, that say how its pixels are stored; the orientation is undone on reading.
_OF_THE_FILE = frozenset(
    [
        *(*range(254, 260), 262, 263, 266, 273, 274, *range(277, 280), 284, 317, 320, *range(322, 326), 338, 339),
        *(347, 512, 513, 514, 529, 530, 531, 532, 700, 34665, 34675, 34853),
    ]
)


@dataclass(frozen=True)
class Photograph:
    """A photograph with everything of its file that an edited file keeps."""

    pixels: np.ndarray  # uint8 H×W×3, upright
    alpha: np.ndarray | None = None  # uint8 H×W
    grey: bool = False
    exif: Image.Exif = field(default_factory=Image.Exif)  # as in the file; the pixels are upright already
    info: Mapping[str, Any] = field(default_factory=dict)  # icc_profile, dpi, xmp, as Pillow names them
    texts: Mapping[str, str] = field(default_factory=dict)  # of a PNG
    subsampling: int = 0  # of a JPEG's colours, in Pillow's numbers; 0: none
    compression: str = "tiff_adobe_deflate"  # of a TIFF

    def with_pixels(self, pixels: np.ndarray) -> Image.Image:
        """An image of other pixels, uint8 H×W×3, in this photograph's mode."""
        image = Image.fromarray(pixels).convert("L" if self.grey else "RGB")
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image


def from_image(image: Image.Image) -> Photograph:
    """An opened image as a photograph, turned upright by its EXIF orientation.

    Raises UserError for images that cannot be edited without loss: 16 bits per channel, CMYK, more than one picture.
    """
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # the first picture of a phone's MPO is the photo
        raise UserError(f"{image.n_frames} pictures in one file; save one of them as a file of its own")
    modes = [str(part) for tile in getattr(image, "tile", []) for part in np.atleast_1d(np.array(tile[3], object))]
    if image.mode in ("I", "F", "CMYK", "LAB", "YCbCr", "HSV") or any("16" in mode for mode in (image.mode, *modes)):
        raise UserError(f"mode {image.mode} is not 8 bits of RGB or grey; convert the photograph first")
    subsampling = max(get_sampling(image), 0) if image.format in ("JPEG", "MPO") else 0
    compression = image.info.get("compression") if image.format == "TIFF" else None
    # Read before any conversion, which loses a part of it.
    exif, texts = image.getexif(), dict(getattr(image, "text", {}))
    for ifd in _IFDS:
        exif.get_ifd(ifd)  # a TIFF's are read on demand, and its file is closed later
    image = ImageOps.exif_transpose(image)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    if has_alpha:
        image = image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
    return Photograph(
        pixels=np.asarray(image.convert("RGB")),
        alpha=np.asarray(image.getchannel("A")) if has_alpha else None,
        grey=image.mode in ("1", "L", "LA"),
        exif=exif,
        info={key: image.info[key] for key in ("icc_profile", "dpi", "xmp") if key in image.info},
        texts=texts,
        subsampling=subsampling,
        compression=compression if compression in _TIFF_LOSSLESS else "tiff_adobe_deflate",
    )


def open_photograph(path: str | Path) -> Photograph:
    """A photograph from a file; raises UserError, whose message leaves out the file's name, where it is none."""
    if not Path(path).is_file():
        raise UserError("no such file")
    try:
        with Image.open(path) as image:
            return from_image(image)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError("not a readable image: no format known here") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on broken content
        raise UserError(f"not a readable image: {' '.join(str(error).split()) or type(error).__name__}") from None


def is_edit(path: str | Path) -> bool:
    """Whether a file carries this project's note; False where it cannot be read."""
    try:
        with Image.open(path) as image:
            software = (image.getexif().get(_SOFTWARE, ""), image.info.get("Software", ""))
    except Exception:  # `open_photograph` will say what is wrong
        return False
    return any(str(text).startswith("DefGAN ") for text in software)


def _joined(old: object, note: str, order: str) -> bytes:
    """The old EXIF UserComment followed by `note`; `order` is Pillow's byte order of the EXIF."""
    old = old if isinstance(old, bytes) else b""
    code, content = old[:8], old[8:]
    utf16 = "utf-16-be" if order == ">" else "utf-16-le"
    before = content.decode(utf16 if code.startswith(b"UNICODE") else "ascii", "replace").strip("\0 ")
    text = f"{before}; {note}" if before else note
    if text.isascii():
        return b"ASCII\0\0\0" + text.encode("ascii")
    return b"UNICODE\0" + text.encode(utf16)


def _exif_with(note: str, exif: Image.Exif) -> Image.Exif:
    """The EXIF with this program's name and the note, without the tags of how the old file stored its pixels."""
    copy = Image.Exif()
    copy.endian = exif.endian or "<"
    for tag, value in exif.items():
        if tag not in _OF_THE_FILE:
            copy[tag] = value
    for ifd in _IFDS:
        if entries := {tag: value for tag, value in exif.get_ifd(ifd).items() if tag != ExifTags.IFD.Interop}:
            copy.get_ifd(ifd).update(entries)
    copy[_SOFTWARE] = PRODUCT
    own = copy.get_ifd(ExifTags.IFD.Exif)
    own[_COMMENT] = _joined(own.get(_COMMENT), note, copy.endian)
    return copy


def encode(photograph: Photograph, pixels: np.ndarray, file_format: str, note: str) -> bytes:
    """The content of a file with the edited pixels, uint8 H×W×3, the photograph's metadata and the note.

    PNG, TIFF and WebP are written without loss: outside the edit every bit of a pixel is kept. A JPEG is encoded anew
    at quality 95 with its old colour subsampling, which changes all pixels a little.

    Raises UserError for a photograph with transparency as JPEG.
    """
    image = photograph.with_pixels(pixels)
    if photograph.alpha is not None and file_format == "JPEG":
        raise UserError("the photograph is transparent, which JPEG cannot store; name an --output that ends in .png")
    options: dict[str, Any] = {"exif": _exif_with(note, photograph.exif).tobytes(), **photograph.info}
    if file_format == "JPEG":
        options |= {"quality": JPEG_QUALITY, "subsampling": photograph.subsampling}
    elif file_format == "PNG":
        texts = PngImagePlugin.PngInfo()
        comment = "; ".join(text for text in (photograph.texts.get("Comment"), note) if text)
        for key, text in {**photograph.texts, "Software": PRODUCT, "Comment": comment}.items():
            texts.add_text(key, text)
        # Level 6 of zlib takes three times as long for a few per cent.
        options |= {"pnginfo": texts, "compress_level": 3}
    elif file_format == "TIFF":
        options |= {"compression": photograph.compression}
    else:
        options |= {"lossless": True}
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def encode_picture(picture: Image.Image | np.ndarray, note: str) -> bytes:
    """The content of a PNG file with a picture made of edits, and the note."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Software", PRODUCT)
    texts.add_text("Comment", note)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=texts)
    return buffer.getvalue()


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file or none; raises UserError where it cannot be written."""
    try:
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
