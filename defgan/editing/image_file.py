"""Photographs as files: reading upright pixels with their metadata, and writing edits with a note that says so."""

import importlib.metadata
import io
import os
import stat
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin
from PIL.JpegImagePlugin import get_sampling

from defgan.editing.avif import read_avif
from defgan.editing.exif import Exif, orientation, read_exif, with_note
from defgan.editing.tiff import encode_tiff
from defgan.errors import UserError
from defgan.files import atomic_file
from defgan.photographs import open_image, refuse_too_large, why_unreadable

FORMATS = MappingProxyType(
    {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
)
"""File formats that are written, by suffix; photographs in other formats are written as PNG."""
JPEG_QUALITY = 95
PRODUCT = f"DefGAN {importlib.metadata.version('defgan')}"
NOTE = "expression edited with DefGAN"
"""How the note of an edit begins."""
_SOFTWARE = ExifTags.Base.Software
SHOWN_FIRST = ("MPO", "HEIF")
"""Formats of which the first picture is the photograph, and others only belong to it."""
_MODES = {"CMYK": "CMYK colours, for print", "LAB": "Lab colours", "YCbCr": "YCbCr colours", "HSV": "HSV colours"}
_MODES |= {"I": "32 bits per channel", "F": "floating-point values"}
_PACKED = "BGR;16"  # Pillow's name for three channels in 16 bits
_WHITE = 65535
_HDR = {16: "PQ", 18: "HLG"}  # H.273's curves of HDR
_BAND = 256  # rows that are converted at a time
_JPEG_SEGMENT = 65533  # most bytes of a JPEG's EXIF
_JPEG_XMP = _JPEG_SEGMENT - 29
_MOST_DPI = 65535
_PNG_XMP = "XML:com.adobe.xmp"
_TURNED = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}
# What turns the stored pixels upright, by EXIF's orientation.


@dataclass(frozen=True)
class Photograph:
    """A photograph with everything of its file that an edited file keeps."""

    pixels: np.ndarray  # uint8 H×W×3, upright
    alpha: np.ndarray | None = None  # uint8 H×W
    grey: bool = False
    exif: Exif = field(default_factory=Exif)
    info: Mapping[str, Any] = field(default_factory=dict)  # icc_profile, dpi, xmp, as Pillow names them
    texts: Mapping[str, str] = field(default_factory=dict)  # of a PNG
    subsampling: int = 0  # of a JPEG's colours, in Pillow's numbers; 0: none
    lost: tuple[str, ...] = ()  # what of the file was not read, in words

    def with_pixels(self, pixels: np.ndarray) -> Image.Image:
        """An image of other pixels, uint8 H×W×3, in this photograph's mode."""
        image = Image.fromarray(pixels)
        if self.grey:
            image = image.convert("L")
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image


@dataclass(frozen=True)
class Encoded:
    """The content of an edited file, and what of the photograph's metadata it has no place for, in words."""

    content: bytes
    lost: tuple[str, ...] = ()


def _arrays(image: Image.Image, mode: str) -> np.ndarray:
    """The pixels of a loaded image in a mode, uint8 H×W×C. As a whole Pillow would convert and copy them thrice."""
    pixels = np.empty((image.height, image.width, len(mode)), np.uint8)
    for top in range(0, image.height, _BAND):
        band = image.crop((0, top, image.width, min(top + _BAND, image.height)))
        if band.mode == "La":  # Pillow has no direct way
            band = band.convert("LA")
        pixels[top : top + _BAND] = np.asarray(band.convert(mode)).reshape(-1, *pixels.shape[1:])
    return pixels


def _known_info(image: Image.Image) -> dict[str, Any]:
    """Colour profile, resolution and XMP, where they are what they should be."""
    info = {key: image.info[key] for key in ("icc_profile", "xmp") if isinstance(image.info.get(key), bytes)}
    dpi = image.info.get("dpi")
    try:
        if dpi and all(1 <= float(value) <= _MOST_DPI for value in dpi) and len(dpi) == 2:
            info["dpi"] = tuple(float(value) for value in dpi)
    except (TypeError, ValueError, ArithmeticError):  # broken: it is no property of the picture
        pass
    return info


def _is_deep(image: Image.Image) -> bool:
    """Whether the file has 16 bits per channel; Pillow may read 8 of them."""
    for *_, about in getattr(image, "tile", []):
        parts = about if isinstance(about, tuple) else (about,)
        if any(isinstance(part, str) and ";16" in part and part != _PACKED for part in parts):
            return True
        if image.format == "PPM" and any(isinstance(part, int) and part > 255 for part in parts):  # the value of white
            return True
    return ";16" in image.mode


def _depth(image: Image.Image) -> tuple[int, int]:
    """Bits per channel in the file, and H.273's number of the curve from values to brightness; 2: not said."""
    if _is_deep(image):
        return 16, 2
    if image.format == "HEIF":
        curve = (image.info.get("nclx_profile") or {}).get("transfer_characteristics", 2)
        return image.info.get("bit_depth", 8), int(curve)
    if image.format == "AVIF" and image.fp:
        return read_avif(image.fp)
    return _jpeg2000_bits(image), 2


def _jpeg2000_bits(image: Image.Image) -> int:
    if image.format == "JPEG2000" and image.fp:
        place = image.fp.tell()
        image.fp.seek(0)
        _, found, header = image.fp.read(256).partition(b"ihdr")  # height, width, channels, bits - 1
        image.fp.seek(place)
        return (header[10] & 127) + 1 if found and len(header) > 10 else 8
    return 8


def _eight_bits(image: Image.Image) -> Image.Image:
    """A loaded grey image of 16 bits in 8 bits."""
    values = np.asarray(image)
    grey = Image.fromarray(np.round(values.clip(0, _WHITE) * (255 / _WHITE)).astype(np.uint8))
    if isinstance(clear := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def from_image(image: Image.Image) -> Photograph:
    """An opened image as a photograph in 8 bits per channel, turned upright by its EXIF orientation.

    Raises UserError for images whose colours an edit would change as a whole, such as CMYK, for those without a value
    of white (32 bits, floats), and for more than one picture.
    """
    refuse_too_large(image)
    if image.format not in SHOWN_FIRST and (count := getattr(image, "n_frames", 1)) > 1:
        raise UserError(f"{count} pictures in one file; save one of them as a file of its own")
    bits, curve = _depth(image)
    if image.mode in _MODES and bits != 16:
        raise UserError(f"{_MODES[image.mode]}; save a copy with 8 bits of RGB or grey first")
    subsampling = max(get_sampling(image), 0) if image.format in ("JPEG", "MPO") else 0
    # Read before the pixels, which lose a part of it.
    exif, texts = read_exif(image), dict(getattr(image, "text", {}))
    image.load()
    turn, info = _TURNED.get(orientation(image)), _known_info(image)
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    pixels = _arrays(image, "RGBA" if has_alpha else "RGB")
    if turn:
        pixels = np.ascontiguousarray(turn(pixels))
    lost = [f"{bits - 8} of {bits} bits per channel"] if bits > 8 else []
    lost += [f"the mark of HDR ({_HDR[curve]}), without which it looks pale"] if curve in _HDR else []
    return Photograph(
        pixels=np.ascontiguousarray(pixels[..., :3]),
        alpha=np.ascontiguousarray(pixels[..., 3]) if has_alpha else None,
        grey=image.mode in ("1", "L", "LA", "La"),
        exif=exif,
        info=info,
        texts=texts,
        subsampling=subsampling,
        lost=tuple(lost),
    )


def open_photograph(path: str | Path) -> Photograph:
    """A photograph from a file; raises UserError, whose message leaves out the file's name, where it is none."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # to read a pipe or a device could take for ever
            raise UserError("not a file")
        if status.st_size == 0:
            raise UserError("the file is empty")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is broken in the metadata is left out, and named
            with open_image(path) as image:
                return from_image(image)
    except (UserError, MemoryError):
        raise
    except FileNotFoundError:
        raise UserError("no such file") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on broken content
        raise UserError(f"not a readable image: {why_unreadable(path, error)}") from None


def is_edit(path: str | Path) -> bool:
    """Whether a file carries this project's note; False where it cannot be read."""
    try:
        if not Path(path).is_file():
            return False
        with warnings.catch_warnings(action="ignore"), open_image(path) as image:
            texts = (image.getexif().get(_SOFTWARE, ""), image.info.get("Software", ""), image.info.get("comment", ""))
    except Exception:  # `open_photograph` will say what is wrong
        return False
    texts = (text.decode("latin-1") if isinstance(text, bytes) else str(text) for text in texts)
    return any(text.startswith(("DefGAN ", NOTE)) for text in texts)


def encode(photograph: Photograph, pixels: np.ndarray, file_format: str, note: str) -> Encoded:
    """The content of a file with the edited pixels, uint8 H×W×3, the photograph's metadata and the note.

    PNG, TIFF and WebP are written without loss: outside the edit every bit of a pixel is kept. A JPEG is encoded anew
    at quality 95 with its old colour subsampling, which changes all pixels a little.

    Raises UserError for a photograph that the format cannot store, such as one with transparency as JPEG.
    """
    if photograph.alpha is not None and file_format == "JPEG":
        raise UserError("the photograph is transparent, which JPEG cannot store; name an --output that ends in .png")
    lost = [*photograph.lost, *(f"{name} in its EXIF (broken)" for name in photograph.exif.broken)]
    info = dict(photograph.info)
    if file_format == "JPEG" and len(info.get("xmp", b"")) > _JPEG_XMP:
        del info["xmp"]
        lost.append("XMP (too large for JPEG)")
    with warnings.catch_warnings(action="ignore"):  # entries that are read with a warning are written with one
        exif, names = with_note(photograph.exif, PRODUCT, note, _JPEG_SEGMENT if file_format == "JPEG" else None)
        lost += [f"{name} in its EXIF (too large for JPEG)" for name in names]
        if file_format == "TIFF":
            if photograph.grey or photograph.alpha is not None:
                image = photograph.with_pixels(pixels)
                pixels = _arrays(image, image.mode)
            content = encode_tiff(pixels, exif, info.get("icc_profile"), info.get("dpi"), info.get("xmp"))
        else:
            content = _saved(photograph, pixels, file_format, note, {"exif": exif.tobytes(), **info})
    return Encoded(content, tuple(lost))


def _saved(
    photograph: Photograph, pixels: np.ndarray, file_format: str, note: str, metadata: Mapping[str, Any]
) -> bytes:
    image, buffer, options = photograph.with_pixels(pixels), io.BytesIO(), dict(metadata)
    if file_format == "JPEG":
        options |= {"quality": JPEG_QUALITY, "subsampling": photograph.subsampling}
    elif file_format == "PNG":
        # Level 6 of zlib takes three times as long for a few per cent.
        options |= {"pnginfo": _texts(photograph.texts, note, metadata.get("xmp")), "compress_level": 3}
    else:
        options |= {"lossless": True}
    try:
        image.save(buffer, file_format, **options)
    except (OSError, ValueError, OverflowError) as error:
        size = f"{image.width}×{image.height} pixels"
        raise UserError(f"{size} cannot be written as {file_format} ({error}); use a name that ends in .png") from None
    return buffer.getvalue()


def _texts(texts: Mapping[str, str], note: str, xmp: bytes | None) -> PngImagePlugin.PngInfo:
    """The texts of a PNG: its own, this program's name and the note."""
    comment = "; ".join(text for text in (texts.get("Comment"), note) if text)
    info = PngImagePlugin.PngInfo()
    for key, text in {**texts, "Software": PRODUCT, "Comment": comment}.items():
        info.add_text(key, text)
    if xmp and _PNG_XMP not in texts:
        info.add_itxt(_PNG_XMP, xmp.decode("utf-8", "replace"))
    return info


def encode_picture(picture: Image.Image | np.ndarray, note: str, file_format: str = "PNG") -> bytes:
    """The content of a file with a picture made of edits, and the note."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    plain = Photograph(np.asarray(image.convert("RGB")))
    return encode(plain, plain.pixels, file_format, note).content


def write_files(contents: Mapping[Path, bytes], overwrite: bool = False) -> None:
    """Write all of some files or none of them; raises UserError where one cannot be written, or is there already."""
    for path in contents:
        refuse_existing(path, overwrite)
    try:
        with ExitStack() as stack:
            for path, content in contents.items():
                stack.enter_context(atomic_file(path)).write_bytes(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise UserError where a file that shall be written is there already, and must not be replaced."""
    if os.path.isdir(path):
        raise UserError(f"{path} is a folder")
    if not overwrite and os.path.lexists(path):
        raise UserError(f"{path} exists already; --overwrite replaces it, --output names another file")
