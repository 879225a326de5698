"""EXIF of edited photographs: what of the old can be written again, and the note that the photograph is altered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import ExifTags, Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

TOP = 0
"""Number of the main directory; the others have the tag that leads to them."""
_EXIF, _GPS = int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo)
_SOFTWARE, _ORIENTATION, _COMMENT = ExifTags.Base.Software, ExifTags.Base.Orientation, ExifTags.Base.UserComment
# Tags of a TIFF, and of a JPEG's thumbnail, that say how its pixels are stored; the orientation is undone on reading.
_OF_THE_FILE = frozenset(
    [
        *(*range(254, 260), 262, 263, 266, 273, 274, *range(277, 280), 284, 317, 320, *range(322, 326), 330, 338, 339),
        *(347, 512, 513, 514, 529, 530, 531, 532, 700, 34665, 34675, 34853),
    ]
)
_ASCII = 2
HEADS = {"<": b"II*\0\x08\0\0\0", ">": b"MM\0*\0\0\0\x08"}
"""How a TIFF begins whose first directory follows, by the order of bytes; EXIF is a TIFF without pixels."""

Entries = Mapping[tuple[int, int], Any]
"""Values by directory (`TOP`, Exif's, GPS's) and tag."""


@dataclass(frozen=True)
class Exif:
    """The part of a file's EXIF that an edited file keeps; every entry can be written."""

    entries: Entries = field(default_factory=dict)
    order: str = "<"  # of bytes, as Pillow writes it
    broken: tuple[str, ...] = ()  # names of the entries that cannot be kept


def _name(directory: int, tag: int) -> str:
    names = ExifTags.GPSTAGS if directory == _GPS else ExifTags.TAGS
    return names.get(tag, f"tag {tag}")


def _prepared(directory: int, tag: int, value: Any) -> Any:
    """A value as Pillow writes it without loss: it would replace the letters of a text that are not ASCII."""
    text = isinstance(value, str) and TiffTags.lookup(tag, directory or None).type in (None, _ASCII)
    return value.encode("latin-1") if text and not value.isascii() else value  # the file's own bytes


def _written(directory: int, tag: int, value: Any, order: str) -> bytes:
    """One entry as a directory of its own. Pillow raises nearly anything where a value is not of the tag's kind."""
    alone = ImageFileDirectory_v2(HEADS[order], group=directory or None)
    alone[tag] = value
    return alone.tobytes(8)


def _loaded(image: Image.Image) -> Image.Exif:
    exif, content = image.getexif(), image.info.get("exif")
    if not len(exif) and isinstance(content, bytes):
        Image.Exif().load(content)  # Pillow passes over what is broken when it opens a JPEG; this raises
    return exif


def read_exif(image: Image.Image) -> Exif:
    """The EXIF of an opened image. What is broken in it is left out and named; it never raises."""
    broken: list[str] = []

    def read(name: str, get: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return get()
        except Exception:  # Pillow raises nearly anything on broken content
            broken.append(name)
            return otherwise

    exif = read("all of it", lambda: _loaded(image), Image.Exif())
    order = exif.endian or "<"
    directories: dict[int, Mapping[int, Any]] = {
        TOP: exif,
        _EXIF: read("the directory Exif", lambda: exif.get_ifd(_EXIF), {}),
        _GPS: read("the directory GPSInfo", lambda: exif.get_ifd(_GPS), {}),
    }
    entries = {}
    for directory, values in directories.items():
        for tag in sorted(values):
            if (directory == TOP and tag in _OF_THE_FILE) or tag == ExifTags.IFD.Interop:
                continue

            def kept(directory: int = directory, tag: int = tag) -> Any:
                value = _prepared(directory, tag, directories[directory][tag])
                _written(directory, tag, value, order)
                return value

            value = read(_name(directory, tag), kept, None)
            if value is not None:
                entries[directory, tag] = value
    return Exif(entries, order, tuple(broken))


def orientation(image: Image.Image) -> int:
    """How the pixels of a loaded image lie, 1 to 8 as in EXIF; 1, upright, where it does not say."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # as above
        return 1
    return value if value in range(1, 9) else 1


def _joined(old: object, note: str, order: str) -> bytes:
    """The old UserComment followed by `note`."""
    old = old if isinstance(old, bytes) else b""
    code, content = old[:8], old[8:]
    utf16 = "utf-16-be" if order == ">" else "utf-16-le"
    before = content.decode(utf16 if code.startswith(b"UNICODE") else "ascii", "replace").strip("\0 ")
    text = f"{before}; {note}" if before else note
    if text.isascii():
        return b"ASCII\0\0\0" + text.encode("ascii")
    return b"UNICODE\0" + text.encode(utf16, "replace")


def _assembled(entries: Entries, order: str, product: str, note: str) -> Image.Exif:
    exif = Image.Exif()
    exif.endian = order
    for (directory, tag), value in entries.items():
        if directory == TOP:
            exif[tag] = value
        else:
            exif.get_ifd(directory)[tag] = value
    exif[_SOFTWARE] = product
    own = exif.get_ifd(_EXIF)
    own[_COMMENT] = _joined(own.get(_COMMENT), note, order)
    return exif


def with_note(exif: Exif, product: str, note: str, largest: int | None = None) -> tuple[Image.Exif, list[str]]:
    """The EXIF of an edited file, and the names of the entries that it has no place for, the largest first.

    `largest`: most bytes that it may have, written; None: any number.
    """
    entries, lost = dict(exif.entries), []
    result = _assembled(entries, exif.order, product, note)
    while largest is not None and entries and len(result.tobytes()) > largest:
        biggest = max(entries, key=lambda key: len(_written(*key, entries[key], exif.order)))
        lost.append(_name(*biggest))
        del entries[biggest]
        result = _assembled(entries, exif.order, product, note)
    return result, lost
