"""From a folder of photographs, good and bad, to the faces table, and on to targets and plan."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from defgan import alignment
from defgan.alignment import POINT_COLUMNS
from defgan.datasets import read_dataset
from defgan.demo.examples import examples
from defgan.errors import UserError
from defgan.faces.shards import contact_sheet, held_out, prepare_faces
from defgan.faces.table import BOX_COLUMNS, read_faces, read_inputs
from defgan.facs import AU_NAMES, EXPRESSIONS, preset
from defgan.params import Source
from stages import plan, prepare, targets
from tests.conftest import ROOT, changed

SIZE = 96
POINTS = alignment.template(80) + 8.0


def picture(seed: int) -> Image.Image:
    """A smooth picture, another one for every seed."""
    colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(colours).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def annotate(directory, rows: list[dict]) -> None:
    pd.DataFrame(rows).to_csv(directory / "annotations.csv", index=False)


def row(path: str, aus: dict | None = None, points: np.ndarray | None = POINTS, **texts) -> dict:
    values = dict.fromkeys(AU_NAMES, 0.0) | (aus or {})
    flat = [None] * 10 if points is None else points.ravel()
    return {"path": path, **texts, **values, **dict(zip(POINT_COLUMNS, flat, strict=True))}


@pytest.fixture
def folder(tmp_path):
    """Two usable photographs and one of every kind that is not."""
    directory = tmp_path / "photos"
    (directory / "anna").mkdir(parents=True)
    for number, name in enumerate(["anna/a.png", "b.png", "pointless.png", "scale.png", "holes.png", "far.png"]):
        picture(number).save(directory / name)
    picture(9).save(directory / "cut.png")
    content = (directory / "cut.png").read_bytes()
    (directory / "cut.png").write_bytes(content[: len(content) // 2])
    (directory / "text.jpg").write_text("not an image")
    (directory / "empty.png").touch()
    picture(8).save(directory / "unlisted.png")
    annotate(
        directory,
        [
            row("anna/a.png", {"AU12": 0.75}, expression="happy"),
            row("b.png", {"AU12": 1.0}),
            row("pointless.png", points=None),
            row("scale.png", {"AU04": 3.2}),
            row("holes.png", {"AU45": None}),
            row("far.png", points=POINTS / 4),
            *(row(name) for name in ("cut.png", "text.jpg", "empty.png", "gone.png")),
        ],
    )
    return directory


def source(path, points: str = "annotations", action_units: str = "annotations") -> Source:
    return Source(path=str(path), layout="folder", points=points, action_units=action_units)


@dataclass(frozen=True)
class Prepared:
    frame: pd.DataFrame
    pixels: np.ndarray
    rejects: pd.DataFrame


def prepared(path, options, role: str = "train", size: int = 64, **kinds) -> Prepared:
    """What `prepare_faces` makes of a folder, in memory."""
    with TemporaryDirectory() as directory:
        out, state = Path(directory, "out"), Path(directory, "state")
        prepare_faces(read_dataset("folder", path), role, source(path, **kinds), size, options, 0, out, state)
        faces = read_faces(out)
        return Prepared(faces.frame, np.array(faces.pixels), pd.read_parquet(out / "rejects.parquet"))


def test_every_input_is_a_row_or_a_reject_with_its_reason(folder, params):
    result = prepared(folder, params.prepare)
    assert result.frame["source"].tolist() == ["anna/a.png", "b.png"]
    reasons = dict(result.rejects.to_numpy().tolist())
    assert reasons.keys() == {
        *("cut.png", "text.jpg", "empty.png", "gone.png", "unlisted.png", "pointless.png", "scale.png"),
        *("holes.png", "far.png"),
    }
    for name in ("cut.png", "text.jpg", "empty.png"):
        assert reasons[name].startswith("unreadable image: "), reasons[name]
    assert reasons["gone.png"].startswith("missing file")
    assert reasons["unlisted.png"] == reasons["pointless.png"] == "no points in the annotations"
    assert reasons["scale.png"] == "AU out of range: AU04 is 3.2, intensities are in [0, 1]"
    assert reasons["holes.png"] == "AUs missing: AU45"
    assert reasons["far.png"].startswith("face too small: 20 pixels")


def test_rows_carry_labels_transform_and_pixels(folder, params):
    result = prepared(folder, params.prepare)
    first = result.frame.iloc[0]
    assert (first["subject"], first["expression"], first["au_source"]) == ("anna", "happy", "annotations")
    assert first["AU12"] == 0.75
    assert result.frame["image_id"].is_unique
    transform = alignment.similarity_transform(POINTS, 64)
    photograph = np.asarray(Image.open(folder / "anna/a.png"))
    np.testing.assert_array_equal(result.pixels[0], alignment.crop(photograph, transform, 64))
    # The box is the crop's square: POINTS are the template in a square of 80 pixels from (8, 8) on.
    np.testing.assert_allclose(first[list(BOX_COLUMNS)].astype(float), [8, 8, 88, 88], atol=1e-6)


def test_upright_and_rgb(tmp_path, params):
    """A photograph stored lying down with an EXIF note, and one in grey, are what they show."""
    upright = picture(0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "lying.png", exif=exif)
    upright.save(tmp_path / "upright.png")
    upright.convert("L").save(tmp_path / "grey.png")
    annotate(tmp_path, [row(name) for name in ("grey.png", "lying.png", "upright.png")])
    grey, lying, standing = prepared(tmp_path, params.prepare).pixels
    np.testing.assert_array_equal(lying, standing)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_splits_are_by_subject(tmp_path, params):
    (tmp_path / "one").mkdir()
    names = [f"s{number:02d}/{shot}.png" for number in range(30) for shot in range(2)]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(0).save(tmp_path / name)
    annotate(tmp_path, [row(name) for name in names])
    options = params.prepare.model_copy(update={"val_share": 0.3})
    frame = prepared(tmp_path, options, size=32).frame
    sides = frame.groupby("subject")["split"].agg(set)
    assert all(len(side) == 1 for side in sides)
    assert set(frame["split"]) == {"train", "val"}
    for role in ("wild", "mug"):
        frame = prepared(tmp_path, options, role, 32).frame
        assert set(frame["split"]) == {"test"}
    # RaFD is learnt from as well, and enough of it is held out to be shown.
    few = options.model_copy(update={"val_share": 1e-9})
    frame = prepared(tmp_path, few, "rafd", 32).frame
    assert frame.groupby("split")["subject"].nunique().to_dict() == {"train": 27, "val": 3}


def test_held_out_subjects_are_stable_under_additions():
    some = {f"s{number}" for number in range(400)}
    more = some | {f"t{number}" for number in range(400)}
    assert held_out(some, 0, 0.1) == held_out(more, 0, 0.1) & some
    assert 20 < len(held_out(some, 0, 0.1)) < 60
    assert held_out(some, 1, 0.1) != held_out(some, 0, 0.1)
    assert held_out(some, 0, 0.0) == set()
    assert len(held_out({"a", "b"}, 0, 1e-9)) == 1
    assert held_out({"a"}, 0, 1e-9) == set()


@pytest.mark.parametrize(("subjects", "expected"), [(1, 0), (3, 1), (5, 2), (6, 3), (400, 3)])
def test_at_least_some_are_held_out_and_as_many_are_left(subjects, expected):
    names = {f"s{number}" for number in range(subjects)}
    assert len(held_out(names, 0, 1e-9, least=3)) == expected
    assert held_out(names, 0, 0.0, least=3) == set()
    # The least are the first to be held out by a growing share.
    assert held_out(names, 0, 1e-9, least=3) <= held_out(names, 0, 0.6, least=3)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"points": "mtcnn"}, r"photos: .* no action units; .* data\.wild\.action_units: blendshapes"),
        ({"action_units": "blendshapes"}, r"photos: .* no points; .* data\.wild\.points: mtcnn"),
    ],
)
def test_a_folder_without_labels_names_the_remedy(tmp_path, params, kinds, message):
    (tmp_path / "photos").mkdir()
    picture(0).save(tmp_path / "photos/a.png")
    with pytest.raises(UserError, match=message):
        prepared(tmp_path / "photos", params.prepare, role="wild", **kinds)


def test_a_folder_of_rejects_is_an_error(tmp_path, params):
    for number in range(2):
        picture(number).save(tmp_path / f"{number}.png")
    with pytest.raises(UserError, match=r"all 2 photographs were rejected \(2 × no face found\); first 0\.png"):
        prepared(tmp_path, params.prepare, points="mtcnn", action_units="blendshapes")


def test_photographs_without_any_annotation(shared, tmp_path, params):
    """People of the London set among things without a face: MTCNN and the blendshape networks read the people."""
    for name in ("001", "002"):
        for kind in ("neutral", "smiling"):
            (tmp_path / name).mkdir(exist_ok=True)
            shutil.copy(shared / f"faces/london/{kind}/{name}.jpg", tmp_path / name / f"{kind}.jpg")
    picture(0).save(tmp_path / "faceless.png")
    result = prepared(tmp_path, params.prepare, points="mtcnn", action_units="blendshapes")
    assert result.rejects.to_numpy().tolist() == [["faceless.png", "no face found"]]
    smiles = result.frame.set_index("source")["AU12"]
    for name in ("001", "002"):
        assert smiles[f"{name}/smiling.jpg"] > smiles[f"{name}/neutral.jpg"] + 0.2
    # Detected points are the eyes, nose and mouth in our order, and the crop has them near the template.
    points = result.frame[list(POINT_COLUMNS)].to_numpy().reshape(-1, 5, 2)
    transforms = result.frame.filter(like="crop_").to_numpy().reshape(-1, 2, 3)
    placed = np.stack([alignment.apply(*pair) for pair in zip(transforms, points, strict=True)])
    assert np.abs(placed - alignment.template(64))[:, :3].max() < 4
    assert (placed[:, 3:, 1] > placed[:, 2:3, 1] + 5).all()


def test_photographs_on_their_side_give_upright_crops(tmp_path, params):
    """A camera that wrote no note of how it was held."""
    with Image.open(examples()[0]) as image:
        person = image.convert("RGB")
    for quarters in range(4):
        Image.fromarray(np.rot90(np.asarray(person), quarters)).save(tmp_path / f"{quarters}.png")
    upright, *turned = prepared(tmp_path, params.prepare, points="mtcnn", action_units="blendshapes").pixels
    assert len(turned) == 3
    for crop in turned:
        assert np.abs(crop.astype(int) - upright).mean() < 1


def test_the_contact_sheet_shows_all_of_a_small_role_and_a_choice_of_a_large_one():
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    sheet = contact_sheet(pixels, columns=3, rows=2)
    assert sheet.shape == (8, 12, 3)
    assert sheet[::4, ::4, 0].tolist() == [[0, 1, 2], [3, 4, 255]]
    assert contact_sheet(pixels, columns=2, rows=1)[0, ::4, 0].tolist() == [0, 4]


def workspace(path, monkeypatch, **overrides) -> None:
    """The stages' current directory, with every role a small annotated folder."""
    roles = ("train", "wild", "mug", "rafd")
    for role in roles:
        directory = path / "photos" / role
        directory.mkdir(parents=True)
        rows = []
        for subject in range(3):
            for expression in (*EXPRESSIONS, "neutral"):
                name = f"{role}{subject}_{expression}.png"
                picture(len(rows)).save(directory / name)
                aus = dict(zip(AU_NAMES, preset(expression), strict=True))
                rows.append(row(name, aus, subject=f"{role}{subject}", expression=expression))
        annotate(directory, rows)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    sources = {f"data.{role}.path": f"photos/{role}" for role in roles}
    sources |= {f"data.{role}.layout": "folder" for role in roles}
    small = {"image_size": 32, "plan.instances": 2, "plan.grid_faces": 2, "plan.sweep_faces": 1, "plan.rafd_faces": 1}
    small |= {"plan.au_faces": 1, "plan.au_steps": 2, "plan.slider_faces": 1}
    (path / "params.yaml").write_text(yaml.safe_dump(changed(values, {**sources, **small, **overrides})))
    monkeypatch.chdir(path)


def run(monkeypatch, module, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert not ended.value.code


def test_the_stages_from_photographs_to_the_plan(tmp_path, monkeypatch, capsys):
    workspace(tmp_path, monkeypatch)
    for role in ("train", "wild", "mug", "rafd"):
        run(monkeypatch, prepare, role)
    run(monkeypatch, targets)
    run(monkeypatch, plan)
    faces = read_faces("data/prepared/wild")
    assert faces.pixels.shape == (21, 32, 32, 3)
    assert (tmp_path / "data/prepared/wild/contact_sheet.png").is_file()
    table = pd.read_parquet("data/targets.parquet")
    assert len(table) == 2 * 3 * 7
    happy = table[(table["subject"] == "mug1") & (table["expression"] == "happy")]
    np.testing.assert_allclose(happy[list(AU_NAMES)].to_numpy()[0], preset("happy"), atol=1e-6)
    edits = pd.read_parquet("data/plan.parquet")
    assert edits["set"].value_counts().to_dict() == {
        **{"expressions": 21 * 6, "grid": 12, "sweep": 6, "rafd": 6},
        **{"au": 17 * 2, "slider": 6 * 2},
    }
    inputs = read_inputs(edits, "data/prepared").frame
    assert inputs[["role", "image_id"]].equals(edits[["role", "image_id"]])
    shown = inputs[edits["set"] == "rafd"]
    assert set(shown["split"]) == {"val"} and set(shown["expression"]) == {"neutral"}
    lines = capsys.readouterr().out
    assert "prepare@wild: 21 faces of 3 subjects, 0 rejected" in lines


def test_a_second_run_is_byte_identical(tmp_path, monkeypatch):
    workspace(tmp_path, monkeypatch)
    contents = []
    for _ in range(2):
        run(monkeypatch, prepare, "train")
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "data/prepared/train").iterdir()})
    assert contents[0] == contents[1]
    assert contents[0].keys() == {"faces.parquet", "pixels.npy", "rejects.parquet", "contact_sheet.png"}


def test_a_missing_folder_ends_in_one_line(tmp_path, monkeypatch, capsys):
    workspace(tmp_path, monkeypatch, **{"data.wild.path": "nowhere"})
    monkeypatch.setattr(sys, "argv", ["prepare", "wild"])
    with pytest.raises(SystemExit) as ended:
        prepare.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("prepare@wild: nowhere: no such folder")
    assert not (tmp_path / "data/prepared/wild").exists()
