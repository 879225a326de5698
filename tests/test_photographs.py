"""Images of every kind come out upright, in 8 bits, in the colours that they show."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from defgan import photographs
from defgan.photographs import UnreadableImageError, read_photograph

COLOURS = np.random.default_rng(0).integers(30, 226, (4, 6, 3), np.uint8)
PICTURE = Image.fromarray(COLOURS).resize((60, 40), Image.Resampling.NEAREST)
PIXELS = np.asarray(PICTURE)


def difference(file, expected=PIXELS) -> float:
    found = read_photograph(file)
    assert found.pixels.dtype == np.uint8 and found.pixels.shape == expected.shape and found.factor == 1
    return np.abs(found.pixels.astype(int) - expected).mean()


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.png", {}, 0),
        ("a.bmp", {}, 0),
        ("a.tif", {"compression": "tiff_lzw"}, 0),
        ("a.ppm", {}, 0),
        ("a.tga", {}, 0),
        ("a.webp", {"lossless": True}, 0),
        ("a.jpg", {"quality": 95, "subsampling": 0}, 3),
        ("a.jp2", {}, 0),
        ("a.avif", {"quality": 95, "subsampling": "4:4:4"}, 3),
    ],
)
def test_formats(tmp_path, name, options, tolerance):
    PICTURE.save(tmp_path / name, **options)
    assert difference(tmp_path / name) <= tolerance


def test_heic(tmp_path, monkeypatch):
    pytest.importorskip("pillow_heif")
    PICTURE.save(tmp_path / "a.heic", quality=95, chroma=444)
    assert difference(tmp_path / "a.heic") <= 3
    monkeypatch.setattr(photographs, "HEIF", False)
    monkeypatch.setattr(Image, "open", lambda file: (_ for _ in ()).throw(Image.UnidentifiedImageError))
    with pytest.raises(UnreadableImageError, match="HEIC needs the package pillow-heif"):
        read_photograph(tmp_path / "a.heic")


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "PA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_modes_show_the_same_picture(tmp_path, mode):
    grey = PICTURE.convert("L")
    if mode == "I;16":
        image, expected = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), grey
    elif mode == "I":
        image, expected = Image.fromarray(np.asarray(grey).astype(np.int32) * 257), grey
    elif mode == "F":
        image, expected = Image.fromarray(np.asarray(grey).astype(np.float32) / 255), grey
    elif mode in ("L", "LA"):
        image, expected = grey.convert(mode), grey
    elif mode == "1":
        image = expected = PICTURE.convert("1")
    elif mode == "PA":
        image = expected = PICTURE.convert("P", palette=Image.Palette.ADAPTIVE)
        image = image.convert("PA")
    elif mode == "P":
        image = expected = PICTURE.convert("P", palette=Image.Palette.ADAPTIVE)
    else:
        image, expected = PICTURE.convert(mode), PICTURE
    path = tmp_path / ("a.jpg" if mode == "YCbCr" else "a.png" if mode in ("LA", "P", "I;16", "1", "L") else "a.tif")
    if mode == "PA":
        path = tmp_path / "a.png"
        image = image.convert("RGBA")
    image.save(path, **({"quality": 95, "subsampling": 0} if mode == "YCbCr" else {}))
    assert difference(path, np.asarray(expected.convert("RGB"))) <= (3 if mode == "YCbCr" else 1)


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_dark_16_bit_stays_dark_in_either_byte_order(tmp_path, byte_order):
    """What is black to 8 bits must not be stretched to white."""
    values = np.full((8, 8), 200, f"{byte_order}u2")
    content = b"P5 8 8 65535\n" + values.astype(">u2").tobytes()
    (tmp_path / "a.pgm").write_bytes(content)
    assert read_photograph(tmp_path / "a.pgm").pixels.max() <= 1
    assert photographs._to_bytes(values).max() == 1
    assert photographs._to_bytes(np.full((2, 2), 65535, f"{byte_order}u2")).min() == 255


def test_transparent_parts_are_white(tmp_path):
    image = PICTURE.convert("RGBA")
    image.putalpha(Image.fromarray(np.where(np.arange(60) < 30, 0, 255).astype(np.uint8)[None].repeat(40, 0)))
    image.save(tmp_path / "a.png")
    found = read_photograph(tmp_path / "a.png").pixels
    assert (found[:, :30] == 255).all()
    np.testing.assert_array_equal(found[:, 30:], PIXELS[:, 30:])
    # A palette with a transparent colour.
    image.quantize(16).save(tmp_path / "b.gif", transparency=0)
    assert read_photograph(tmp_path / "b.gif").pixels.shape == PIXELS.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    """The stored picture is turned so that following EXIF's orientation brings it back."""
    stored = {
        1: PIXELS, 2: PIXELS[:, ::-1], 3: PIXELS[::-1, ::-1], 4: PIXELS[::-1], 5: PIXELS.transpose(1, 0, 2),
        6: np.rot90(PIXELS), 7: np.rot90(PIXELS, 2).transpose(1, 0, 2), 8: np.rot90(PIXELS, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert difference(tmp_path / "a.png") == 0


def wide_gamut() -> bytes:
    """An RGB profile whose red and green are swapped against sRGB's, in essence: colours visibly differ."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    content = bytearray(profile.tobytes())
    tags = {}
    for entry in range(int.from_bytes(content[128:132], "big")):
        place = 132 + 12 * entry
        tags[bytes(content[place : place + 4])] = place
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    content[red + 4 : red + 12], content[green + 4 : green + 12] = (
        content[green + 4 : green + 12],
        content[red + 4 : red + 12],
    )
    return bytes(content).replace(b"s\0R\0G\0B", b"t\0e\0s\0t").replace(b"sRGB", b"test")


def test_colour_profiles_are_followed_and_broken_ones_left_aside(tmp_path):
    PICTURE.save(tmp_path / "swapped.png", icc_profile=wide_gamut())
    assert difference(tmp_path / "swapped.png", PIXELS[..., [1, 0, 2]]) <= 2
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    PICTURE.save(tmp_path / "srgb.png", icc_profile=srgb)
    assert difference(tmp_path / "srgb.png") == 0
    PICTURE.save(tmp_path / "broken.png", icc_profile=b"no profile")
    assert difference(tmp_path / "broken.png") == 0
    PICTURE.convert("L").save(tmp_path / "grey.png", icc_profile=srgb)  # of another colour space
    assert difference(tmp_path / "grey.png", np.asarray(PICTURE.convert("L").convert("RGB"))) == 0


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_the_first_frame_of_an_animation(tmp_path, name):
    red, blue = (Image.new("RGB", (32, 24), colour) for colour in ("red", "blue"))
    red.save(tmp_path / name, save_all=True, append_images=[blue], **({"lossless": True} if "webp" in name else {}))
    assert (read_photograph(tmp_path / name).pixels == (255, 0, 0)).all()


@pytest.mark.parametrize(("name", "factor"), [("a.jpg", 4), ("a.png", 7), ("a.tif", 7)])
def test_large_photographs_are_reduced_by_a_whole_factor(tmp_path, name, factor):
    large = PICTURE.resize((1800, 1200), Image.Resampling.BICUBIC)
    large.save(tmp_path / name)
    found = read_photograph(tmp_path / name, long_side=256)
    assert found.factor == factor and 256 <= max(found.pixels.shape) < 512
    assert found.pixels.shape[:2] == tuple(-(-side // found.factor) for side in (1200, 1800))
    again = large.reduce(found.factor)
    assert np.abs(found.pixels.astype(int) - np.asarray(again)).mean() < 2
    assert read_photograph(tmp_path / name).factor == 1


def test_a_hundred_megapixels_are_read_small(tmp_path):
    Image.new("RGB", (12500, 8000), (200, 100, 50)).save(tmp_path / "a.jpg", quality=30)
    found = read_photograph(tmp_path / "a.jpg", long_side=512)
    assert 512 <= max(found.pixels.shape) < 1024
    assert np.abs(found.pixels.astype(int) - (200, 100, 50)).max() <= 3


def test_what_only_opencv_reads(tmp_path):
    values = PIXELS[..., ::-1].astype(np.float32) / 255
    cv2.imwrite(str(tmp_path / "a.tif"), values)  # three channels of floats
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(tmp_path / "a.tif")
    assert difference(tmp_path / "a.tif") == 0


def test_archives_are_read_from_memory():
    content = io.BytesIO()
    PICTURE.save(content, "PNG")
    content.seek(0)
    assert difference(content) == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 4), np.nan, np.float32), "not finite"),
        (np.full((4, 4), 1e9, np.float32), "no known scale"),
        (np.full((4, 4), -3.0, np.float32), "no known scale"),
    ],
)
def test_numbers_that_are_no_image(tmp_path, values, message):
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableImageError, match=message):
        read_photograph(tmp_path / "a.tif")
