"""Photographs come out as they went in, but for the face and the note."""

import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, features
from PIL.JpegImagePlugin import get_sampling

from defgan import photographs
from defgan.editing.avif import read_avif
from defgan.editing.image_file import (
    FORMATS,
    PRODUCT,
    encode,
    encode_picture,
    from_image,
    is_edit,
    open_photograph,
    write_files,
)
from defgan.errors import UserError

NOTE = "expression edited with DefGAN; AU12 1.00"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels(height=40, width=60):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def camera_exif(orientation=1):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0summer"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return exif


def saved(path, image, **options):
    image.save(path, **options)
    return path


def reopened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("suffix", FORMATS)
def test_metadata_goes_along_and_the_note_is_in_it(tmp_path, suffix):
    image = Image.fromarray(pixels())
    path = saved(tmp_path / f"a{suffix}", image, exif=camera_exif().tobytes(), icc_profile=PROFILE)
    assert not is_edit(path)
    photograph = open_photograph(path)
    written = tmp_path / f"b{suffix}"
    write_files({written: encode(photograph, photograph.pixels, FORMATS[suffix], NOTE).content})
    edited = Image.open(written)
    assert edited.format == FORMATS[suffix]
    assert edited.info["icc_profile"] == PROFILE
    exif = edited.getexif()
    assert exif[ExifTags.Base.Make] == "A camera"
    assert exif[ExifTags.Base.Software] == PRODUCT
    own = exif.get_ifd(ExifTags.IFD.Exif)
    assert own[ExifTags.Base.UserComment] == b"ASCII\0\0\0summer; " + NOTE.encode()
    assert own[ExifTags.Base.ISOSpeedRatings] == 200
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert is_edit(written)
    if suffix not in (".jpg", ".jpeg"):
        np.testing.assert_array_equal(np.asarray(edited.convert("RGB")), photograph.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_photographs_are_upright_and_stay_so(tmp_path, orientation):
    path = saved(tmp_path / "a.png", Image.fromarray(pixels()), exif=camera_exif(orientation))
    photograph = open_photograph(path)
    shape = (60, 40) if orientation > 4 else (40, 60)
    assert photograph.pixels.shape[:2] == shape
    edited = reopened(encode(photograph, photograph.pixels, "PNG", NOTE).content)
    assert edited.getexif().get(ExifTags.Base.Orientation, 1) == 1
    again = from_image(edited)
    np.testing.assert_array_equal(again.pixels, photograph.pixels)


def test_transparency_stays():
    alpha = np.random.default_rng(1).integers(0, 256, (40, 60), np.uint8)
    image = Image.fromarray(np.dstack([pixels(), alpha]))
    photograph = from_image(image)
    np.testing.assert_array_equal(photograph.pixels, pixels())
    edited = reopened(encode(photograph, photograph.pixels, "PNG", NOTE).content)
    np.testing.assert_array_equal(np.asarray(edited), np.asarray(image))
    with pytest.raises(UserError, match="transparent, which JPEG cannot store"):
        encode(photograph, photograph.pixels, "JPEG", NOTE)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1"])
def test_grey_stays_grey_and_palettes_become_colours(mode):
    image = Image.fromarray(pixels()).convert(mode)
    photograph = from_image(image)
    edited = reopened(encode(photograph, photograph.pixels, "PNG", NOTE).content)
    assert edited.mode == {"1": "L", "P": "RGB"}.get(mode, mode)
    np.testing.assert_array_equal(np.asarray(edited.convert("RGBA")), np.asarray(image.convert("RGBA")))


def test_a_jpeg_keeps_its_subsampling(tmp_path):
    for subsampling in (0, 1, 2):
        path = saved(tmp_path / "a.jpg", Image.fromarray(pixels()), subsampling=subsampling, quality=80)
        photograph = open_photograph(path)
        edited = reopened(encode(photograph, photograph.pixels, "JPEG", NOTE).content)
        assert get_sampling(edited) == subsampling
        assert np.abs(np.asarray(edited).astype(int) - photograph.pixels).mean() < 25


def test_texts_of_a_png_stay():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Me")
    texts.add_text("Comment", "winter")
    buffer = io.BytesIO()
    Image.fromarray(pixels()).save(buffer, "PNG", pnginfo=texts)
    photograph = from_image(reopened(buffer.getvalue()))
    edited = reopened(encode(photograph, photograph.pixels, "PNG", NOTE).content)
    assert edited.text == {"Author": "Me", "Comment": f"winter; {NOTE}", "Software": PRODUCT}


def test_a_comment_in_other_letters_stays():
    exif = Image.Exif()
    exif.endian = "<"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"UNICODE\0" + "лето".encode("utf-16-le")
    image = Image.fromarray(pixels())
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    photograph = from_image(reopened(buffer.getvalue()))
    edited = reopened(encode(photograph, photograph.pixels, "JPEG", NOTE).content).getexif()
    comment = edited.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
    order = "utf-16-le" if edited.endian == "<" else "utf-16-be"
    assert comment.startswith(b"UNICODE\0")
    assert comment[8:].decode(order) == f"лето; {NOTE}"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("CMYK", (9, 9)), "CMYK colours"),
        (Image.new("I", (9, 9)), "32 bits per channel"),
        (Image.new("F", (9, 9)), "floating-point values"),
    ],
)
def test_what_would_lose_is_refused(image, message):
    with pytest.raises(UserError, match=message):
        from_image(image)


def test_files_that_are_no_photographs(tmp_path):
    frames = [Image.new("L", (9, 9), grey) for grey in (0, 90, 200)]
    film = saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    broken = tmp_path / "b.jpg"
    broken.write_bytes(b"no image")
    whole = saved(tmp_path / "c.jpg", Image.fromarray(pixels(300, 300))).read_bytes()
    cut = tmp_path / "d.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    for path, message in [
        (film, "3 pictures in one file"),
        (broken, "not a readable image"),
        (cut, "not a readable image"),
        (tmp_path / "none.jpg", "no such file"),
    ]:
        assert not is_edit(path)
        with pytest.raises(UserError, match=message):
            open_photograph(path)


def test_sixteen_bits_are_read_as_eight_and_this_is_said(tmp_path):
    import cv2

    ramp = np.linspace(0, 65535, 81).round().astype(np.uint16).reshape(9, 9)
    colours, wanted = np.stack([ramp, ramp.T, ramp[::-1]], axis=2), np.round(ramp / 257)
    for suffix in ("png", "tif", "ppm"):
        path = tmp_path / f"deep.{suffix}"
        cv2.imwrite(str(path), colours[..., ::-1])
        photograph = open_photograph(path)
        assert photograph.lost == ("8 of 16 bits per channel",) and not photograph.grey
        assert np.abs(photograph.pixels[..., 0] - wanted).max() <= 1
    for suffix in ("png", "tif", "pgm"):
        photograph = open_photograph(saved(tmp_path / f"grey.{suffix}", Image.fromarray(ramp)))
        assert photograph.lost == ("8 of 16 bits per channel",) and photograph.grey
        assert (photograph.pixels == wanted[..., None]).all()
    clear = open_photograph(saved(tmp_path / "clear.png", Image.fromarray(ramp), transparency=int(ramp[4, 4])))
    assert np.argwhere(clear.alpha == 0).tolist() == [[4, 4]]
    # 5, 6 and 5 bits: Pillow's name for these has a 16 too.
    packed = struct.pack("<2sIHHI", b"BM", 70, 0, 0, 66) + struct.pack(
        "<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0
    )
    (tmp_path / "packed.bmp").write_bytes(packed + struct.pack("<IIIHH", 0xF800, 0x7E0, 0x1F, 0xF800, 0x1F))
    photograph = open_photograph(tmp_path / "packed.bmp")
    assert photograph.lost == () and photograph.pixels.tolist() == [[[255, 0, 0], [0, 0, 255]]]


def avif(path, pixel_format: str, transfer: int):
    """A small photograph as AVIF, which Pillow writes with 8 bits alone."""
    import av

    with av.open(str(path), "w", format="avif") as output:
        stream = output.add_stream("libsvtav1", rate=1, options={"preset": "12"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixel_format
        stream.codec_context.color_trc = transfer
        frame = av.VideoFrame.from_ndarray(pixels(64, 64), "rgb24").reformat(format=pixel_format)
        frame.color_trc = transfer
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
def test_bits_and_hdr_of_an_avif_are_told(tmp_path):
    plain = open_photograph(avif(tmp_path / "plain.avif", "yuv420p", 1))
    assert plain.lost == () and plain.pixels.shape == (64, 64, 3)
    path = avif(tmp_path / "hdr.avif", "yuv420p10le", 16)
    deep = open_photograph(path)
    assert deep.lost == ("2 of 10 bits per channel", "the mark of HDR (PQ), without which it looks pale")
    content = path.read_bytes()
    place = content.index(b"av1C") + 6
    twelve = content[:place] + bytes([content[place] | 0x20]) + content[place + 1 :]
    assert read_avif(io.BytesIO(twelve)) == (12, 16)
    # The box may come after the pixels, whose size may have 64 bits; and nothing is sure in a broken file.
    late = content[: (size := int.from_bytes(content[:4], "big"))]
    late += struct.pack(">I4sQ", 1, b"mdat", 20) + b"face" + content[size:]
    assert read_avif(io.BytesIO(late)) == (10, 16)
    for broken in (
        b"",
        content[:size],
        content[:place],
        content[:size] + bytes(99),
        content[:size] + b"\0\0\0\x09meta",
    ):
        assert read_avif(io.BytesIO(broken)) in ((8, 2), (10, 2), (10, 16))


@pytest.mark.skipif(not photographs.HEIF, reason="needs the extra heic")
def test_bits_of_a_heic_are_told(tmp_path):
    import pillow_heif

    values = (pixels(64, 64).astype(np.uint16) * 257).tobytes()
    pillow_heif.from_bytes("RGB;16", (64, 64), values).save(tmp_path / "a.heic")
    assert open_photograph(tmp_path / "a.heic").lost == ("2 of 10 bits per channel",)


def test_pictures_carry_the_note():
    picture = reopened(encode_picture(pixels(), NOTE))
    assert picture.text == {"Software": PRODUCT, "Comment": NOTE}


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        write_files({tmp_path / "file" / "a.png": b"1"})
