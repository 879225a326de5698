"""Whatever is given to `defgan edit` ends as edited or as named with a reason, and no other file changes."""

import io
import os
import re
import resource
import struct
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin, features

from defgan import photographs
from defgan.cli import main
from defgan.editing.editor import Editor
from defgan.editing.image_file import is_edit
from defgan.errors import one_line
from tests.faces.test_hostile import png_header, snapshot

EDITED = "edited"
BROKEN = "not a readable image"
SIDE = 144


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.copy().save(buffer, kind, **options)  # a second save takes over options of the first
    return buffer.getvalue()


def raw_exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF of entries that Pillow would not write: tag, type, count and four bytes of value each."""
    body = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4) + bytes(64)


def exif_of(directory: int | None = None, **values) -> Image.Exif:
    exif = Image.Exif()
    target = exif if directory is None else exif.get_ifd(directory)
    for name, value in values.items():
        target[getattr(ExifTags.Base, name)] = value
    return exif


def cv2_encoded(suffix: str, values: np.ndarray) -> bytes:
    return cv2.imencode(suffix, values)[1].tobytes()


def cases(face: Image.Image) -> dict[str, tuple[bytes, str]]:
    """Files by name, with what becomes of them: `EDITED`, or the beginning of the reason."""
    pixels = np.asarray(face)
    grey, clear = face.convert("L"), face.convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(np.arange(SIDE) < 9, 0, 255).astype(np.uint8)[None].repeat(SIDE, 0)))
    palette = face.quantize(128)
    jpeg, png = encoded(face, "JPEG", quality=92), encoded(face, "PNG")
    deep = pixels.astype(np.uint16) * 257
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "Ωμέγα " * 500)
    texts.add_text("k" * 79, "x")
    own = ExifTags.IFD.Exif
    turned_away = raw_exif((274, 3, 1, b"\x08\0\0\0"), (0x8769, 4, 1, b"\xff\0\0\0"))

    def two_pictures(kind: str) -> bytes:
        return encoded(face, kind, save_all=True, append_images=[face.rotate(20)])

    def noted(exif: Image.Exif | bytes, picture: Image.Image = face) -> bytes:
        return encoded(picture, "JPEG", exif=exif)

    found = {
        # Formats and modes.
        "progressive.jpg": (encoded(face, "JPEG", progressive=True, subsampling=1), EDITED),
        "grey.jpeg": (encoded(grey, "JPEG"), EDITED),
        "UPPER.JPG": (jpeg, EDITED),
        "old.jfif": (jpeg, EDITED),
        "phone.jpg": (two_pictures("MPO"), EDITED),
        "print.jpg": (encoded(face.convert("CMYK"), "JPEG"), "CMYK colours"),
        "lzw.tif": (encoded(face, "TIFF", compression="tiff_lzw"), EDITED),
        "deflate.tif": (encoded(face, "TIFF", compression="tiff_adobe_deflate"), EDITED),
        "packbits.tiff": (encoded(face, "TIFF", compression="packbits"), EDITED),
        "jpeg.tif": (encoded(face, "TIFF", compression="jpeg"), EDITED),
        "grey.tif": (encoded(grey, "TIFF", compression="tiff_lzw"), EDITED),
        "clear.tif": (encoded(clear, "TIFF"), EDITED),
        "palette.tif": (encoded(palette, "TIFF"), EDITED),
        "big.tif": (encoded(face, "TIFF", big_tiff=True), EDITED),
        "exif.tif": (encoded(face, "TIFF", exif=exif_of(own, ISOSpeedRatings=100)), EDITED),
        "turned.tif": (encoded(face.rotate(90), "TIFF", exif=exif_of(Orientation=6)), EDITED),
        "pages.tif": (two_pictures("TIFF"), "2 pictures in one file"),
        "print.tif": (encoded(face.convert("CMYK"), "TIFF"), "CMYK colours"),
        "lab.tif": (encoded(face.convert("LAB"), "TIFF"), "Lab colours"),
        "float.tif": (encoded(grey.convert("F"), "TIFF"), "floating-point values"),
        "long.tif": (encoded(grey.convert("I"), "TIFF"), "32 bits per channel"),
        "deep.tif": (cv2_encoded(".tif", deep), EDITED),
        "deep_grey.tif": (encoded(Image.fromarray(deep[..., 0]), "TIFF"), EDITED),
        "float_colours.tif": (cv2_encoded(".tif", deep.astype(np.float32)), f"{BROKEN}: a TIFF of a kind"),
        "deep.png": (cv2_encoded(".png", deep), EDITED),
        "deep_grey.png": (encoded(Image.fromarray(deep[..., 0]), "PNG"), EDITED),
        "deep.pgm": (encoded(Image.fromarray(deep[..., 0]), "PPM"), EDITED),
        "deep.ppm": (cv2_encoded(".ppm", deep), EDITED),
        "grey.png": (encoded(grey, "PNG"), EDITED),
        "grey_clear.png": (encoded(clear.convert("LA"), "PNG"), EDITED),
        "clear.png": (encoded(clear, "PNG"), EDITED),
        "palette.png": (encoded(palette, "PNG"), EDITED),
        "palette_clear.png": (encoded(palette, "PNG", transparency=3), EDITED),
        "one_clear_colour.png": (encoded(face, "PNG", transparency=(1, 2, 3)), EDITED),
        "moving.png": (two_pictures("PNG"), EDITED),
        "texts.png": (encoded(face, "PNG", pnginfo=texts), EDITED),
        "still.gif": (encoded(palette, "GIF"), EDITED),
        "moving.gif": (two_pictures("GIF"), EDITED),
        "lossy.webp": (encoded(face, "WEBP", quality=90), EDITED),
        "clear.webp": (encoded(clear, "WEBP", lossless=True), EDITED),
        "moving.webp": (two_pictures("WEBP"), EDITED),
        "a.bmp": (encoded(face, "BMP"), EDITED),
        "a.tga": (encoded(face, "TGA"), EDITED),
        "a.ppm": (encoded(face, "PPM"), EDITED),
        "a.jp2": (encoded(face, "JPEG2000"), EDITED),
        "deep.jp2": (cv2_encoded(".jp2", deep), EDITED),
        "png_by_another_name.jpg": (png, EDITED),
        "clear_by_another_name.jpg": (encoded(clear, "PNG"), "the photograph is transparent"),
        "jpeg_by_another_name.tif": (jpeg, EDITED),
        "script.jpg": (encoded(face, "EPS"), f"{BROKEN}: no image in a format known here"),
        # No photographs, and no faces.
        "empty.jpg": (b"", "the file is empty"),
        "text.jpg": (b"not an image", BROKEN),
        "page.png": (b"<!DOCTYPE html><title>404</title>", BROKEN),
        "zeros.png": (bytes(4096), BROKEN),
        "noise.webp": (np.random.default_rng(1).bytes(4096), BROKEN),
        "bomb.png": (png_header(60_000, 60_000), "Image size of 3600 megapixels; at most 250"),
        "large.png": (png_header(18_000, 18_000), "Image size of 324 megapixels; at most 250"),
        "empty_canvas.png": (png_header(0, 0), BROKEN),
        "nothing_in_it.png": (png_header(200, 200), BROKEN),
        "dot.png": (encoded(Image.new("RGB", (1, 1)), "PNG"), "the photograph has 1×1 pixels"),
        "line.png": (encoded(Image.new("RGB", (20_000, 1)), "PNG"), "the photograph has 20000×1 pixels"),
        "wall.png": (encoded(Image.new("RGB", (99, 99), "grey"), "PNG"), "no face found"),
        # Metadata.
        "broken_exif.jpg": (jpeg[:2] + b"\xff\xe1\x00\x10Exif\0\0garbage!" + jpeg[2:], EDITED),
        "no_orientation.png": (encoded(face, "PNG", exif=exif_of(Orientation=77)), EDITED),
        "large_note.jpg": (noted(exif_of(own, MakerNote=bytes(65_300))), EDITED),
        "large_comment.jpg": (noted(exif_of(own, UserComment=b"ASCII\0\0\0" + b"x" * 65_450)), EDITED),
        "huge_exif.png": (encoded(face, "PNG", exif=exif_of(own, MakerNote=bytes(300_000))), EDITED),
        "nan.jpg": (noted(raw_exif((0x9999, 12, 1, struct.pack("<I", 30)))), EDITED),
        "division.jpg": (noted(raw_exif((282, 5, 1, struct.pack("<I", 30)))), EDITED),
        "long8.jpg": (noted(raw_exif((0x9999, 16, 1, struct.pack("<I", 8)))), EDITED),
        "outside.jpg": (noted(raw_exif((0x8769, 4, 1, b"\xff\xff\xff\x7f"))), EDITED),
        "itself.jpg": (noted(raw_exif((0x8769, 4, 1, struct.pack("<I", 8)))), EDITED),
        "unknown_type.jpg": (noted(raw_exif((271, 99, 1, b"abcd"))), EDITED),
        "many.jpg": (noted(raw_exif((271, 2, 2**31, b"abcd"))), EDITED),
        "turned.jpg": (noted(turned_away, face.rotate(-90)), EDITED),
        "accents.jpg": (noted(exif_of(None, Artist="Müller".encode())), EDITED),
        "profile.png": (encoded(face, "PNG", icc_profile=b"garbage"), EDITED),
        "large_profile.jpg": (encoded(face, "JPEG", icc_profile=bytes(200_000)), EDITED),
        "xmp.webp": (encoded(face, "WEBP", xmp=b"<x>" + b" " * 90_000 + b"</x>"), EDITED),
        "resolution.png": (encoded(face, "PNG", dpi=(1e7, 1e7)), EDITED),
        # Names.
        "new\nline.png": (png, EDITED),
        "🙂 smile.png": (png, EDITED),
        "Jos\udce9.jpg": (jpeg, EDITED),  # Latin-1: no UTF-8
        "dots..png": (png, EDITED),
        "-option.png": (png, EDITED),
        "[brackets]*?.png": (png, EDITED),
        "%s [red]{0}.png": (png, EDITED),
        "n" * 240 + ".png": (png, EDITED),
        "n" * 246 + ".jpg": (jpeg, "the name of its edit would have 256 bytes"),
        # Outputs.
        "taken.png": (png, "exists already"),
        "same.bmp": (encoded(face, "BMP"), EDITED),
        "same.gif": (encoded(palette, "GIF"), EDITED),
        "Cases.bmp": (encoded(face, "BMP"), EDITED),
        "cases.gif": (encoded(palette, "GIF"), EDITED),
        "one/img.jpg": (jpeg, EDITED),
        "two/img.jpg": (jpeg, EDITED),
        "knot.bmp": (encoded(face, "BMP"), "would be one file"),
        "knot.gif": (encoded(palette, "GIF"), EDITED),
        "knot.bmp.png": (png, "would be one file"),
    }  # fmt: skip
    for share in (0.02, 0.3, 0.7, 0.98):
        for suffix, content in (("jpg", jpeg), ("png", png)):
            found[f"cut_{share}.{suffix}"] = content[: int(len(content) * share)], BROKEN
    if features.check("avif"):
        found["a.avif"] = encoded(face, "AVIF"), EDITED
    if photographs.HEIF:
        found["a.heic"] = encoded(face, "HEIF"), EDITED
        found["heic_by_another_name.jpg"] = encoded(face, "HEIF"), EDITED
    return found


def special(directory: Path) -> dict[str, str]:
    """What is no plain file."""
    os.symlink("loop.png", directory / "loop.png")
    os.symlink("nowhere.png", directory / "dangling.png")
    os.symlink(directory, directory / "one" / "again")
    os.mkfifo(directory / "pipe.png")
    os.symlink("/dev/zero", directory / "endless.png")
    (directory / "folder.png").mkdir()
    loops = "not a readable image: too many levels of symbolic links"
    kinds = {"loop.png": loops, "dangling.png": "no such file", "pipe.png": "not a file", "endless.png": "not a file"}
    return {**kinds, "one/again": "a link to a folder that contains it"}


@pytest.fixture(scope="module")
def edit(weights, find) -> Callable:
    """Runs `defgan edit …` with models of the smallest size; returns the exit code, stdout and stderr."""
    editor = Editor.load("defgan_supervised", weights, find)

    def call(*words):
        out, problems = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(problems):
            patch.setattr(Editor, "load", lambda *_, **__: editor)
            patch.setattr(sys, "argv", ["defgan", "edit", *map(str, words)])
            with pytest.raises(SystemExit) as end:
                main()
        return end.value.code, out.getvalue(), problems.getvalue()

    return call


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, edit, face_file):
    """The files, what becomes of them, and one run over all."""
    root = tmp_path_factory.mktemp("hostile")
    directory, out = root / "photos", root / "out"
    with Image.open(face_file) as image:
        face = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    expected = {}
    with warnings.catch_warnings(action="ignore"):
        written = cases(face)
    for name, (content, outcome) in written.items():
        path = os.path.join(os.fsencode(directory), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        expected[name] = outcome
    expected |= special(directory)
    (directory / "notes.txt").write_text("no photograph")
    (directory / ".hidden").mkdir()
    out.mkdir()
    (out / "taken.happy.png").write_bytes(b"mine")
    before = snapshot(root)
    code, printed, problems = edit(directory, "-e", "happy", "-o", out)
    after = snapshot(root)
    return SimpleNamespace(**locals())


def test_everything_is_edited_or_refused_by_name(corpus):
    assert len(corpus.expected) >= 90 and corpus.code == 1
    assert "Traceback" not in corpus.problems and "an error in DefGAN" not in corpus.problems
    reasons = {}
    for line in corpus.problems.splitlines():
        if found := re.fullmatch(rf"edit: {re.escape(str(corpus.directory))}/(.*?): (.*)", line):
            reasons[found[1]] = found[2]
    edited = dict(re.findall(r"^(.*\.happy\.\w+): happy(.*), [\d.]+ s$", corpus.printed, re.M))
    refused = {one_line(name) for name, outcome in corpus.expected.items() if outcome != EDITED}
    assert reasons.keys() == refused
    for name, outcome in corpus.expected.items():
        if outcome != EDITED:
            assert outcome in reasons[one_line(name)], name
    assert len(edited) + len(reasons) == len(corpus.expected)
    assert f"{len(edited)} of {len(corpus.expected)} photographs edited" in corpus.printed
    assert "1 skipped, no photograph by its name (.txt): notes.txt" in corpus.printed
    # What an edit has no place for is named.
    lost = {Path(path).name.split(".")[0]: text for path, text in edited.items() if "left out" in text}
    assert "MakerNote in its EXIF (too large for JPEG)" in lost["large_note"]
    assert {"broken_exif", "large_note", "large_comment"} <= lost.keys()
    # The rule is one for all formats.
    deep = {path: text for path, text in edited.items() if Path(path).name.startswith("deep")}
    assert len(deep) == 7 and all("left out: 8 of 16 bits per channel" in text for text in deep.values())
    assert not lost.keys() & {"grey", "phone", "accents", "exif", "huge_exif"}


def test_nothing_else_changes(corpus):
    """Every edit is a file of its own, in its own folder, of its own size; no other file is new or different."""
    assert (corpus.out / "taken.happy.png").read_bytes() == b"mine"
    new = {os.fsdecode(path) for path in corpus.after.keys() - corpus.before.keys()}
    folders = {path for path in new if os.path.isdir(path)}
    assert folders == {str(corpus.out / "one"), str(corpus.out / "two")}
    assert all(corpus.after[path] == corpus.before[path] for path in corpus.before if not os.path.isdir(path))
    edits = new - folders
    assert len(edits) == sum(outcome == EDITED for outcome in corpus.expected.values())
    assert all(path.startswith(str(corpus.out)) for path in edits)
    names = {os.path.relpath(path, corpus.out) for path in edits}
    assert {"one/img.happy.jpg", "two/img.happy.jpg", "same.bmp.happy.png", "same.gif.happy.png"} <= names
    assert {"Cases.bmp.happy.png", "cases.gif.happy.png", "knot.gif.happy.png"} <= names
    assert {"UPPER.happy.JPG", "lzw.happy.tif", "old.happy.png", "n" * 240 + ".happy.png"} <= names
    for path in edits:
        assert is_edit(path)
        with Image.open(path) as image:
            assert image.size == (SIDE, SIDE), path
            image.load()
    with Image.open(corpus.out / "accents.happy.jpg") as image:
        assert image.getexif()[ExifTags.Base.Artist].encode("latin-1") == "Müller".encode()
    with Image.open(corpus.out / "lzw.happy.tif") as image:
        assert image.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment].startswith(b"ASCII")


def test_a_second_run_skips_the_edits_of_the_first(corpus, edit):
    code, printed, _ = edit(corpus.out / "one", corpus.out / "t*o" / "*", "-e", "happy")
    assert code == 0 and "2 skipped, an edit already; name it by itself to edit it again, such as" in printed
    assert "0 of 0 photographs edited" in printed


def test_a_missing_file_ends_no_batch(corpus, edit, tmp_path):
    good = corpus.directory / "grey.png"
    code, printed, problems = edit(tmp_path / "none.jpg", good, good, "-e", "sad", "-o", tmp_path / "out")
    assert code == 1 and "1 of 2 photographs edited" in printed and "none.jpg: no such file" in problems


def test_a_disk_that_is_full_ends_in_one_line_and_leaves_nothing(corpus, edit, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        code, _, problems = edit(corpus.directory / "a.bmp", "-e", "sad", "--save-parts", "-o", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 1 and problems.endswith("cannot be written (File too large)\n") and problems.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_heic_without_the_extra_is_named_with_the_remedy(corpus, edit, tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "HEIF", False)

    def opened(file, *_):
        raise Image.UnidentifiedImageError

    monkeypatch.setattr(Image, "open", opened)
    photo = tmp_path / "IMG_1.HEIC"
    photo.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    for given in (photo, tmp_path):
        code, _, problems = edit(given, "-e", "happy")
        assert code == 1
        assert f"edit: {photo}: not a readable image: HEIC needs the package pillow-heif; install it" in problems
        assert "--extra heic" in problems
