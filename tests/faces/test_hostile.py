"""Whatever lies in a folder of photographs ends as a row or as a reject with a reason, and nothing else happens."""

import os
import struct
import warnings
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan import alignment
from defgan.alignment import POINT_COLUMNS
from defgan.corpus.roles import make_role
from defgan.corpus.scenes import crew
from defgan.datasets import read_dataset
from defgan.datasets.scan import printable
from defgan.errors import UserError
from defgan.faces.shards import prepare_faces
from defgan.faces.table import read_faces
from defgan.facs import AU_NAMES
from defgan.params import Source

POINTS = alignment.template(80) + 8.0
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)).resize((96, 96))


def encoded(kind: str, picture: Image.Image = PICTURE, **options) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says that it is so large, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def make_hostile(directory: Path) -> dict[str, str]:
    """Write the set; the sources, and for each `row`, or the beginning of the reason for which it is refused."""
    directory.mkdir()
    expected: dict[str, str] = {}

    def put(name: str, content: bytes, outcome: str) -> None:
        path = os.path.join(os.fsencode(directory), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        expected[name] = outcome

    jpeg, png = encoded("JPEG", quality=90), encoded("PNG")
    for share in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9):
        put(f"cut_{share}.jpg", jpeg[: int(len(jpeg) * share)], "unreadable image: ")
        put(f"cut_{share}.png", png[: int(len(png) * share)], "unreadable image: ")
    put("text.jpg", b"not an image", "unreadable image: no image in a format known here")
    put("zeros.png", bytes(4096), "unreadable image: no image in a format known here")
    put("noise.webp", np.random.default_rng(1).bytes(4096), "unreadable image: ")
    put("html.jpg", b"<!DOCTYPE html><title>404</title>", "unreadable image: no image in a format known here")
    put("png_by_another_name.jpg", png, "row")
    put("webp_by_another_name.PNG", encoded("WEBP"), "row")
    put("bomb.png", png_header(60_000, 60_000), "unreadable image: Image size")
    put("bomb_of_a_side.png", png_header(2**31 - 1, 1), "unreadable image: ")
    put("empty_canvas.png", png_header(0, 0), "unreadable image: ")
    put("flipped_bit.png", png[:200] + bytes([png[200] ^ 255]) + png[201:], "unreadable image: ")
    put("exif_of_nonsense.jpg", jpeg[:2] + b"\xff\xe1\x00\x10Exif\0\0garbage!" + jpeg[2:], "row")
    exif = Image.Exif()
    exif[0x0112] = 77
    put("exif_of_no_orientation.png", encoded("PNG", exif=exif), "row")
    put("broken_profile.png", encoded("PNG", icc_profile=b"garbage"), "row")
    put("dot.png", encoded("PNG", Image.new("RGB", (1, 1))), "points outside the photograph")
    put("line.png", encoded("PNG", Image.new("RGB", (20_000, 1))), "row")
    put("tall.png", encoded("PNG", Image.new("RGB", (1, 20_000))), "row")
    put("nan.tif", encoded("TIFF", Image.fromarray(np.full((96, 96), np.nan, np.float32))), "unreadable image: some")
    put("float.tif", encoded("TIFF", Image.fromarray(np.full((96, 96), 0.5, np.float32))), "row")
    put("deep.tif", encoded("TIFF", Image.fromarray(np.full((96, 96), 4000, np.uint16))), "row")
    put("grey.png", encoded("PNG", PICTURE.convert("L")), "row")
    put("two_colours.png", encoded("PNG", PICTURE.convert("1")), "row")
    put("palette.gif", encoded("GIF"), "row")
    put("transparent.png", encoded("PNG", PICTURE.convert("RGBA")), "row")
    put("cmyk.jpg", encoded("JPEG", PICTURE.convert("CMYK")), "row")
    put("moving.gif", encoded("GIF", save_all=True, append_images=[PICTURE.rotate(90)]), "row")
    put("new\nline.png", png, "row")
    put("🙂 smile.png", png, "row")
    put("b..png", png, "row")
    put("a..b/x.png", png, "row")
    put("one/same.png", png, "row")
    put("two/same.png", png, "row")
    put('quote"s, comma; semicolon.png', png, "row")
    put("[brackets]*?.png", png, "row")
    put("%s%n{0}.png", png, "row")
    put("caf\udce9.png", png, "row")  # Latin-1 bytes: no UTF-8
    put("x" * 250 + ".png", png, "row")
    os.symlink("loop.png", directory / "loop.png")
    expected["loop.png"] = "unreadable image: too many levels of symbolic links"
    os.symlink("nowhere.png", directory / "dangling.png")
    expected["dangling.png"] = "missing file"
    os.symlink(directory, directory / "one" / "again")
    expected["one/again/"] = "a link to a folder that contains it"
    os.mkfifo(directory / "pipe.png")
    expected["pipe.png"] = "unreadable image: not a file"
    os.symlink("/dev/zero", directory / "endless.png")
    expected["endless.png"] = "unreadable image: not a file"
    put("forbidden.png", png, "row" if os.geteuid() == 0 else "unreadable image: permission denied")
    (directory / "forbidden.png").chmod(0)
    (directory / "folder.png").mkdir()
    return expected


def add_odd_kinds(directory: Path) -> dict[str, str]:
    """More files, those that decoders have modes for and people have names for; as `make_hostile`."""
    expected: dict[str, str] = {}

    def put(name: str, content: bytes, outcome: str = "row") -> None:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected[name] = outcome

    jpeg, png, unknown = encoded("JPEG"), encoded("PNG"), "unreadable image: no image in a format known here"
    deep = Image.fromarray(np.full((96, 96), 4000, np.uint16))
    put("progressive.jpg", encoded("JPEG", progressive=True))
    put("grey.jpg", encoded("JPEG", PICTURE.convert("L")))
    put("followed_by_more.jpg", jpeg + b"\0garbage" * 99)
    put("without_its_end.jpg", jpeg[:-2], "unreadable image: ")
    put("comments.jpg", jpeg[:2] + b"\xff\xfe\xff\xfe" + bytes(65532) + jpeg[2:])
    put("exif_without_an_end.jpg", jpeg[:2] + b"\xff\xe1\xff\xffExif\0\0" + jpeg[2:], "unreadable image: ")
    put("profile_of_grey.jpg", encoded("JPEG", PICTURE, icc_profile=b"\0" * 36 + b"acsp" + b"\0" * 90))
    for orientation in (0, 9, 65535):
        exif = Image.Exif()
        exif[0x0112] = orientation
        put(f"orientation_{orientation}.jpg", encoded("JPEG", exif=exif))
    put("two_pictures.mpo", encoded("MPO", save_all=True, append_images=[PICTURE]), "not read")
    put("two_pictures.jpg", encoded("MPO", save_all=True, append_images=[PICTURE]))
    put("deep.png", encoded("PNG", deep))
    put("palette.png", encoded("PNG", PICTURE.convert("P")))
    put("palette_with_holes.png", encoded("PNG", PICTURE.convert("P"), transparency=0))
    put("grey_with_alpha.png", encoded("PNG", PICTURE.convert("LA")))
    put("moving.png", encoded("PNG", save_all=True, append_images=[PICTURE.rotate(90)]))
    put("text_that_is_a_bomb.png", png[:33] + _text_chunk(1 << 26) + png[33:], "unreadable image: ")
    for compression in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        put(f"{compression}.tif", encoded("TIFF", compression=compression))
    put("pages.tif", encoded("TIFF", save_all=True, append_images=[PICTURE] * 3))
    put("lab.tif", encoded("TIFF", PICTURE.convert("LAB")))
    put("ycbcr.tif", encoded("TIFF", PICTURE.convert("YCbCr"), compression="jpeg"))
    put("cut.tif", encoded("TIFF")[:-500], "unreadable image: ")
    put("of_a_loop.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "unreadable image: ")
    put("moving.webp", encoded("WEBP", save_all=True, append_images=[PICTURE.rotate(90)]))
    put("lossless.webp", encoded("WEBP", lossless=True))
    put("plain.bmp", encoded("BMP"))
    put("plain.tga", encoded("TGA"))
    put("plain.jp2", encoded("JPEG2000"))
    put("plain.avif", encoded("AVIF"))
    put("letters.ppm", b"P3 96 96 255 " + b"9 " * 3 * 96 * 96)
    put("too_few.ppm", b"P6 96 96 255\n" + bytes(99), "unreadable image: ")
    put("negative.ppm", b"P6 -96 -96 255\n" + bytes(99), "unreadable image: ")
    put("endless_number.pgm", b"P5 " + b"9" * 5000 + b" 1 255\n", "unreadable image: ")
    put("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg' width='96' height='96'/>", unknown)
    put("document.jpg", b"%PDF-1.7\n%%EOF", unknown)
    put("archive.jpg", b"PK\x05\x06" + bytes(18), unknown)
    put("film.jpg", b"\0\0\0\x20ftypisom" + bytes(99), unknown)
    put("pointer.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", unknown)
    put("spaces .png", png)
    put(" before.png", png)
    put("-rf.png", png)
    put("tab\t.png", png)
    put("\u202ereversed.png", png)
    put("CON.png", png)
    put("double.png.jpg", jpeg)
    put("UPPER.JPEG", jpeg)
    put("no_suffix_but.jpeg.PNG", png)
    put("e\u0301.png", png)
    put("\u00e9.png", png)  # looks the same
    put("twin.png", png)
    put("twin.jpg", jpeg)
    put("/".join(["deep"] * 40) + "/a.png", png)
    put("train/male/1.png", png)
    put("\U0001f600" * 60 + ".png", png)
    for name in (".hidden.png", ".git/x.png", "openface/a.jpg", "a_aligned/face_det_000000.bmp", "__MACOSX/a.png"):
        put(name, png, "not read")
    put("notes.mov", b"film", "not read")
    return expected


def _text_chunk(size: int) -> bytes:
    content = b"zTXt" + b"key\0\0" + zlib.compress(bytes(size))
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def annotation(path: str, aus: float = 0.5, points=POINTS) -> dict:
    return {"path": path, **dict.fromkeys(AU_NAMES, aus), **dict(zip(POINT_COLUMNS, np.ravel(points), strict=True))}


def prepare(kind: str, path: Path, out: Path, options, points="annotations", action_units="annotations"):
    source = Source(path=str(path), layout=kind, points=points, action_units=action_units)
    prepare_faces(read_dataset(kind, path), "wild", source, 64, options, 0, out / "wild", out / "state")
    rejects = pd.read_parquet(out / "wild" / "rejects.parquet")
    return read_faces(out / "wild"), dict(rejects.to_numpy().tolist())


def snapshot(directory: Path) -> dict[str, tuple]:
    """Every path below a directory, with size and time of change."""
    return {
        path: (os.lstat(path).st_size, os.lstat(path).st_mtime)
        for root, folders, files in os.walk(os.fsencode(directory))
        for path in (os.path.join(root, name) for name in (*folders, *files))
    }


def test_every_hostile_file_is_a_row_or_a_reject(tmp_path, params):
    expected = make_hostile(tmp_path / "photos")
    kinds = add_odd_kinds(tmp_path / "photos")
    not_read = [name for name, outcome in kinds.items() if outcome == "not read"]
    expected |= {name: outcome for name, outcome in kinds.items() if name not in not_read}
    assert len(expected) >= 100
    rows = [annotation(printable(name)) for name in expected if not name.endswith("/")]
    # What only the table says.
    huge, together, nowhere = POINTS * 1e9, np.full((5, 2), 40.0), np.full((5, 2), np.inf)
    for name, points, outcome in (
        ("points_huge.png", huge, "points outside the photograph"),
        ("points_together.png", together, "unusable points"),
        ("points_nowhere.png", nowhere, "no points in the annotations"),
        ("points_outside.png", POINTS + 5000, "points outside the photograph"),
    ):
        PICTURE.save(tmp_path / "photos" / name)
        rows.append(annotation(name, points=points))
        expected[name] = outcome
    for name, aus in (("au_of_seven.png", 7.0), ("au_below.png", -1.0), ("au_infinite.png", np.inf)):
        PICTURE.save(tmp_path / "photos" / name)
        rows.append(annotation(name, aus))
        expected[name] = "AU"
    PICTURE.save(tmp_path / "outside.png")
    rows += [annotation(name) for name in ("../outside.png", str(tmp_path / "outside.png"), "gone.png", "one/../b.png")]
    for name in ("../outside.png", str(tmp_path / "outside.png"), "one/../b.png"):
        expected[name] = "outside the data set's folder"
    expected["gone.png"] = "missing file"
    rows.append(annotation("no\0name.png"))
    expected["no\0name.png"] = "unreadable image: embedded null"
    before_reading = read_dataset("folder", tmp_path / "photos").skipped
    assert before_reading.counts.total() == len(not_read)
    # A table whose names hold anything is Parquet: CSV is tried below.
    pd.DataFrame(rows).to_parquet(tmp_path / "photos" / "annotations.parquet")
    before = snapshot(tmp_path)
    faces, rejects = prepare("folder", tmp_path / "photos", tmp_path / "prepared", params.prepare)
    found = dict.fromkeys(faces.frame["source"], "row") | rejects
    assert len(found) == len(faces.frame) + len(rejects)
    assert found.keys() == {printable(name) for name in expected}
    wrong = {
        name: (outcome, found[printable(name)])
        for name, outcome in expected.items()
        if not found[printable(name)].startswith(outcome)
    }
    assert not wrong
    assert all("\n" not in reason and str(tmp_path) not in reason for reason in rejects.values())
    after = snapshot(tmp_path)
    assert {path for path in after if not path.startswith(os.fsencode(tmp_path / "prepared"))} == set(before)
    assert all(after[path] == state for path, state in before.items())
    assert {path.name for path in (tmp_path / "prepared" / "wild").iterdir()} == {
        *("faces.parquet", "pixels.npy", "rejects.parquet", "contact_sheet.png"),
    }


@pytest.fixture(scope="module")
def face(tmp_path_factory, studio) -> Image.Image:
    """A rendered person, 128×128."""
    directory = tmp_path_factory.mktemp("corpus") / "wild"
    with crew(studio.head, workers=1) as run:
        make_role(directory, "wild", studio, run, 1, 1, seed=3, size=128, supersample=1)
    [path] = (directory / "images").iterdir()
    return Image.open(path).convert("RGB")


def test_the_detector_meets_them_too(tmp_path, params, face):
    """No annotations: faces are looked for in all of them. Two of the photographs have some."""
    expected = make_hostile(tmp_path / "photos")
    face.save(tmp_path / "photos" / "face.png")
    two = Image.new("RGB", (256, 128))
    two.paste(face, (0, 0))
    two.paste(face.resize((96, 96)), (144, 16))
    two.save(tmp_path / "photos" / "two_faces.png")
    kinds = {"points": "mtcnn", "action_units": "blendshapes"}
    faces, rejects = prepare("folder", tmp_path / "photos", tmp_path / "prepared", params.prepare, **kinds)
    assert faces.frame["source"].tolist() == ["face.png", "two_faces.png"]
    assert faces.frame["box_x0"].iloc[1] < 64  # the larger one
    assert rejects.keys() == {printable(name) for name in expected}
    for name, outcome in expected.items():
        if outcome == "row":
            assert rejects[printable(name)] == "no face found", name

    every = params.prepare.model_copy(update={"faces": "all"})
    faces, again = prepare("folder", tmp_path / "photos", tmp_path / "all", every, **kinds)
    assert faces.frame["source"].tolist() == ["face.png", "two_faces.png", "two_faces.png"]
    assert faces.frame["image_id"].is_unique
    assert again == rejects


def test_a_hostile_zip(tmp_path, params, face):
    """What is broken in it, or leads out of it, is a reject; the face is found."""
    path, png = tmp_path / "all.zip", encoded("PNG")
    expected = {"set/face.png": "row"}
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        archive.writestr("set/face.png", encoded("PNG", face))
        for name, content, outcome in (
            ("../out.png", png, "outside the data set's folder"),
            ("/tmp/out.png", png, "outside the data set's folder"),
            ("set/../../out.png", png, "outside the data set's folder"),
            ("set\\windows.png", png, "no face found"),
            ("set/new\nline.png", png, "no face found"),
            ("set/empty.png", b"", "unreadable image: "),
            ("set/text.png", b"nothing", "unreadable image: no image in a format known here"),
            ("set/cut.png", png[:99], "unreadable image: "),
            ("set/changed.png", png + b"THE CHANGED BYTE", "unreadable image: in the zip: Bad CRC-32"),
            ("set/secret.png", png, "unreadable image: the zip asks for a password"),
            ("set/packed.png", png, "unreadable image: in the zip: "),
            ("set/huge.png", png, "unreadable image: 4026531840 bytes are too many for a photograph"),
            ("set/é.png", png, "no face found"),
            ("set/caf\udce9.png".encode("utf-8", "surrogateescape").decode("cp437"), png, "no face found"),
        ):
            archive.writestr(name, content)
            expected[name.replace("\\", "/")] = outcome
        archive.writestr("set/twice.png", png)
        archive.writestr("set/twice.png", png)
        expected["set/twice.png"] = "no face found"
        archive.writestr("set/inner.zip", path.read_bytes())
        archive.writestr("__MACOSX/set/._face.png", b"")
        for member in archive.infolist():
            if member.filename == "set/huge.png":
                member.file_size = 0xF0000000
            if member.filename == "set/secret.png":
                member.flag_bits |= 1
            if member.filename == "set/packed.png":
                member.compress_type = 99
    content = path.read_bytes()
    path.write_bytes(content.replace(b"THE CHANGED BYTE", b"the changed byte", 1))
    before = snapshot(tmp_path)
    kinds = {"points": "mtcnn", "action_units": "blendshapes"}
    faces, rejects = prepare("folder", path, tmp_path / "prepared", params.prepare, **kinds)
    found = dict.fromkeys(faces.frame["source"], "row") | rejects
    assert found.keys() == expected.keys()
    assert not {
        name: (outcome, found[name]) for name, outcome in expected.items() if not found[name].startswith(outcome)
    }
    skipped = read_dataset("folder", path).skipped.counts
    assert skipped["the same name again in the zip"] == skipped["no photograph by its name (.zip)"] == 1
    after = snapshot(tmp_path)
    assert all(after[place] == state for place, state in before.items())
    assert {place for place in after if not place.startswith(os.fsencode(tmp_path / "prepared"))} == set(before)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_tables_as_spreadsheets_write_them(tmp_path, params, separator, encoding):
    """Byte-order mark, semicolons with decimal commas, Windows' letters, names with commas and line ends."""
    photos = tmp_path / "photos"
    photos.mkdir()
    names = ["é, ü.png", "new\nline.png", "plain.png"]
    for name in names:
        PICTURE.save(photos / name)
    frame = pd.DataFrame([annotation(name, 0.25) for name in names])
    decimal = "," if separator == ";" else "."
    frame.to_csv(photos / "annotations.csv", sep=separator, decimal=decimal, encoding=encoding, index=False)
    faces, rejects = prepare("folder", photos, tmp_path / "prepared", params.prepare)
    assert sorted(faces.frame["source"]) == sorted(names) and not rejects
    assert (faces.aus == 0.25).all()
    np.testing.assert_allclose(faces.frame[list(POINT_COLUMNS)].to_numpy()[0], POINTS.ravel())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a table"),
        (b"\0\0\0\0", "no column `path`, nor .*; its columns are"),
        (b"path,AU01\na.png,0.5\n", "AU columns AU02, .* are missing"),
        (b"who,AU01\na.png,0.5\n", "no column `path`, nor .*; its columns are `who`, `AU01`"),
        (b"path,file\n,a.png\n", "row 1 names no photograph; fill in its `path`"),
        (b"path, path \na.png,a.png\n", "column `path` is there twice"),
        (b"\xff\xfep", "cannot be read as a table"),
        (b"path\na.png\na.png\n", "a.png has 2 rows"),
        (b'path,subject\n"a.png,x\n', "cannot be read as a table"),
        (("path," + ",".join(AU_NAMES) + "\na.png" + ",much" * 17 + "\n").encode(), "`much` is not a number"),
    ],
)
def test_a_table_that_is_none_is_one_line_before_anything_is_read(tmp_path, content, message):
    PICTURE.save(tmp_path / "a.png")
    (tmp_path / "annotations.csv").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_dataset("folder", tmp_path)
    assert "annotations.csv" in str(caught.value) and "\n" not in str(caught.value)
