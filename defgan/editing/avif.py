"""What an AVIF file says of its pixels and Pillow does not: their bits, and whether their brightness is coded as HDR.

The boxes are those of ISO/IEC 14496-12 and 23008-12 (HEIF); `av1C` is in AV1's own binding to them, section 2.3.3.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_LARGEST = 1 << 24  # bytes of the box `meta` that are read; it holds no pixels
_AFTER_VERSION = slice(4, None)  # some boxes begin with a version


class AvifPixels(NamedTuple):
    """`transfer`: H.273's number of the curve from values to brightness; 2: not said."""

    bits: int = 8
    transfer: int = 2


def read_avif(file: BinaryIO) -> AvifPixels:
    """Of the photograph in a file, whose position stays; what the file does not say has its default.

    Encoders write the photograph's properties before those of its alpha channel or gain map.
    """
    place = file.tell()
    try:
        inside = _meta(file)[_AFTER_VERSION]
    finally:
        file.seek(place)
    for name in (b"iprp", b"ipco"):
        inside = next((content for kind, content in _boxes(inside) if kind == name), b"")
    bits, transfer = [], []
    for kind, content in _boxes(inside):
        if kind == b"av1C" and len(content) >= 4:
            bits.append(8 if not content[2] & 0x40 else 12 if content[2] & 0x20 else 10)
        elif kind == b"colr" and content[:4] == b"nclx" and len(content) >= 10:
            transfer.append(int.from_bytes(content[6:8], "big"))
    return AvifPixels(*bits[:1] or [8], *transfer[:1] or [2])


def _meta(file: BinaryIO) -> bytes:
    """The content of the first box `meta` at the top of a file; empty where there is none."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return b""
        size, kind, start = *struct.unpack(">I4s", head[:8]), 8
        if size == 1:
            size, start = int.from_bytes(head[8:]), 16
        if kind == b"meta":
            file.seek(place + start)
            return file.read(min(max(size - start, 0), _LARGEST))
        if size < start:  # 0: up to the end of the file
            return b""
        place += size


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes in another one."""
    while len(content) >= 8:
        size, kind = struct.unpack(">I4s", content[:8])
        if size < 8:
            return
        yield kind, content[8:size]
        content = content[size:]
