"""Photographs that are damaged at random are read, and written again, or refused in words."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from defgan.editing.image_file import NOTE, encode, is_edit, open_photograph
from defgan.errors import UserError
from defgan.photographs import UnreadableImageError, read_photograph

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")


def whole(**options) -> bytes:
    """A small JPEG with the EXIF of a camera, a profile and XMP."""
    exif = Image.Exif()
    base, gps = ExifTags.Base, ExifTags.GPS
    exif[base.Make], exif[base.Model], exif[base.Orientation] = "A camera", "of glass", 6
    exif[base.XResolution], exif[base.DateTime], exif[base.Copyright] = 72.0, "2026:01:01 00:00:00", "Me"
    own = exif.get_ifd(ExifTags.IFD.Exif)
    own |= {base.ExposureTime: 0.01, base.FNumber: 2.8, base.ISOSpeedRatings: 200, base.ExifVersion: b"0232"}
    own |= {base.UserComment: b"ASCII\0\0\0summer", base.MakerNote: bytes(range(200)), base.LensSpecification: (24, 70)}
    own |= {base.SubjectLocation: (1, 2), base.ExposureBiasValue: -0.3}
    where = {gps.GPSLatitudeRef: "N", gps.GPSLatitude: (48.0, 8.0, 30.5), gps.GPSVersionID: b"\2\3\0\0"}
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(where)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)).resize((32, 24))
    picture.save(buffer, "JPEG", exif=exif, icc_profile=profile, xmp=b"<x:xmpmeta/>", dpi=(72, 72), **options)
    return buffer.getvalue()


def damaged(content: bytes, start: int, stop: int, rng: np.random.Generator, resize: bool) -> bytes:
    """The content with a few changes between two places: bits, runs of bytes, and perhaps its length."""
    piece = bytearray(content[start:stop])
    for _ in range(rng.integers(1, 6)):
        place, run = int(rng.integers(len(piece))), int(rng.integers(1, 9))
        match int(rng.integers(5 if resize else 3)):
            case 0:
                piece[place] ^= 1 << int(rng.integers(8))
            case 1:
                piece[place] = int(rng.choice([0, 1, 2, 127, 128, 255]))
            case 2:
                piece[place : place + run] = rng.bytes(len(piece[place : place + run]))
            case 3 if len(piece) > 4 * run:
                del piece[place : place + run]
            case 4:
                piece[place:place] = rng.bytes(run)
    tail = content[stop:] if not resize or rng.random() < 0.8 else b""
    return content[:start] + bytes(piece) + tail


@pytest.mark.parametrize("what", ["exif", "jpeg"])
@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.long)])
def test_random_damage(tmp_path, what, count):
    """The long test looks at ten times as many files: a fault that so few do not show is a rare one."""
    rng = np.random.default_rng(22)
    plain = whole(progressive=True), whole(), whole(subsampling=0)
    outcomes = {"edited": 0, "refused": 0, "left out": 0}
    path, written = tmp_path / "a.jpg", tmp_path / "b"
    for number in range(count):
        content = plain[number % len(plain)]
        if what == "exif":
            start = content.index(b"Exif\0\0") + 6
            stop = start - 8 + int.from_bytes(content[start - 8 : start - 6], "big")
            # Most of what is read lies at the beginning.
            stop = start + 120 if number % 2 else stop
        else:
            start, stop = 2, len(content)
            start = content.index(b"\xff\xdb") if number % 2 else start
        path.write_bytes(damaged(content, start, stop, rng, resize=what == "jpeg"))
        if number % 3 == 0:
            try:
                read_photograph(path)
            except UnreadableImageError as error:
                assert "\n" not in str(error)
        try:
            photograph = open_photograph(path)
        except UserError as error:
            assert str(error) and "\n" not in str(error)
            outcomes["refused"] += 1
            continue
        # A damaged header can promise a side that WebP does not hold: 16,383 pixels.
        file_format = FORMATS[number % len(FORMATS)] if max(photograph.pixels.shape) < 2**14 else "PNG"
        encoded = encode(photograph, photograph.pixels, file_format, NOTE)
        written.write_bytes(encoded.content)
        assert is_edit(written)
        if number % 5 == 0:
            again = open_photograph(written)
            assert again.pixels.shape == photograph.pixels.shape and not again.exif.broken
            # What could be read is written again.
            assert photograph.exif.entries.keys() <= again.exif.entries.keys()
        outcomes["edited"] += 1
        outcomes["left out"] += bool(encoded.lost)
    assert sum(outcomes.values()) - outcomes["left out"] == count
    # Neither is for nothing.
    assert outcomes["edited"] > count / 15 and outcomes["left out"] + outcomes["refused"] > count / 30, outcomes
