"""A made-up run up to the edits, for the stages that measure and show: blobs for faces, shifted blobs for edits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from defgan.alignment import POINT_COLUMNS, template
from defgan.faces.table import BOX_COLUMNS, CROP_COLUMNS, read_inputs
from defgan.facs import AU_NAMES, EXPRESSIONS, au_vector, preset
from tests.prepared import write_faces

ROOT = Path(__file__).parents[2]


def blobs(count: int, size: int, seed: int) -> np.ndarray:
    """Smooth coloured pictures, uint8 N×size×size×3."""
    rng = np.random.default_rng([seed, count])
    y, x = np.mgrid[0:size, 0:size] / size
    images = np.zeros((count, size, size, 3))
    for _ in range(4):
        cx, cy, width = rng.uniform(0.2, 0.8, (3, count, 1, 1))
        bump = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.1 * width))
        images += bump[..., None] * rng.uniform(0, 160, (count, 1, 1, 3))
    return images.clip(0, 255).astype(np.uint8)


RAFD = ("neutral", *EXPRESSIONS)
"""What each person of the made-up rafd role shows, in this order."""


def write_role(directory: Path, role: str, pixels: np.ndarray) -> None:
    """A prepared role with the given pixels and no other content; one neutral person each, in rafd seven pictures."""
    count = len(pixels)
    frame = pd.DataFrame({name: np.zeros(count) for name in (*BOX_COLUMNS, *POINT_COLUMNS, *CROP_COLUMNS, *AU_NAMES)})
    names = [f"{role}{i:03d}" for i in range(count)]
    frame = frame.assign(image_id=names, source=names, subject=names, role=role, expression="neutral")
    frame = frame.assign(au_source="made", split="test", row=np.arange(count))
    # The pictures are their own crops, with eyes and nose where the template has them.
    frame[list(POINT_COLUMNS)] = template(pixels.shape[1]).ravel()
    frame[list(CROP_COLUMNS)] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    if role == "rafd":
        people = [f"rafd{i // len(RAFD):03d}" for i in range(count)]
        frame = frame.assign(subject=people, expression=np.resize(RAFD, count))
    write_faces(directory, frame, pixels)


def make_plan(
    faces: int, grid_faces: int = 2, alphas: tuple[float, ...] = (0.0, 0.5, 1.0), rafd_faces: int = 1
) -> pd.DataFrame:
    """Every face × six expressions, some faces for the grids, one for the sweeps, some of rafd."""
    wanted = [("expressions", row, name, 1.0) for row in range(faces) for name in EXPRESSIONS]
    wanted += [("grid", row, name, 1.0) for row in range(grid_faces) for name in EXPRESSIONS]
    wanted += [("sweep", 0, "disgust", alpha) for alpha in alphas]
    wanted += [("rafd", person * len(RAFD), name, 1.0) for person in range(rafd_faces) for name in EXPRESSIONS]
    wanted += [("au", 0, name, alpha) for name in AU_NAMES for alpha in alphas]
    wanted += [("slider", 0, name, alpha) for name in EXPRESSIONS for alpha in alphas]
    plan = pd.DataFrame(wanted, columns=["set", "row", "expression", "alpha"]).assign(instance="person")
    plan["role"] = np.where(plan["set"] == "rafd", "rafd", "wild")
    plan = plan.assign(edit=np.arange(len(plan)), image_id=plan["role"] + plan["row"].map("{:03d}".format))
    plan["subject"] = plan["image_id"].where(plan["role"] == "wild", "rafd" + (plan["row"] // 7).map("{:03d}".format))
    peaks = {name: au_vector({name: 1.0}) for name in AU_NAMES} | {name: preset(name) for name in EXPRESSIONS}
    aus = np.stack([alpha * peaks[name] for name, alpha in zip(plan["expression"], plan["alpha"], strict=True)])
    return plan.assign(**dict(zip(AU_NAMES, aus.T, strict=True)))


def write_edits(directory: Path, plan: pd.DataFrame, **arrays: np.ndarray) -> None:
    """An edits directory."""
    directory.mkdir(parents=True)
    plan.to_parquet(directory / "edits.parquet", index=False)
    for name, array in arrays.items():
        np.save(directory / f"{name}.npy", array)


def write_reference(directory: Path, count: int) -> None:
    """Made-up features of real faces."""
    directory.mkdir(parents=True)
    features = np.random.default_rng(0).uniform(0, 1, (count, 1280)).astype(np.float32)
    np.save(directory / "features.npy", features)
    facts = {"reference": "train", "reference_images": count, "reference_available": count}
    (directory / "reference.json").write_text(json.dumps(facts | {"features": "efficientnet-lite0"}))


def make_workspace(path: Path, faces: int = 6, size: int = 32, truth: bool = True, **plan_options) -> None:
    """Everything that `evaluate`, `compare` and `figures` read, up to the edits of four methods."""
    shutil.copy(ROOT / "params.yaml", path)
    prepared = path / "data/prepared"
    for seed, (role, count) in enumerate({"wild": faces, "train": 12, "rafd": 2 * len(RAFD)}.items(), start=1):
        write_role(prepared / role, role, blobs(count, size, seed))
    plan = make_plan(faces, **plan_options)
    inputs = read_inputs(plan, prepared).pixels
    true = np.roll(inputs, 2, axis=1)
    half_way = np.roll(inputs, 1, axis=1)
    (path / "data/truth").mkdir()
    (path / "data/truth/truth.json").write_text(json.dumps({"known": ["wild", "rafd"] if truth else []}))
    np.save(path / "data/truth/true.npy", true if truth else np.zeros_like(true))
    # Rolled down by 2 px: a pixel of the true image stood 2 px above. Skin is the middle of the picture.
    motion = np.full((*inputs.shape[:3], 2), np.nan, np.float16)
    motion[:, size // 4 : -size // 4, size // 4 : -size // 4] = (0, -2)
    np.save(path / "data/truth/motion.npy", motion if truth else np.full_like(motion, np.nan))
    plan.to_parquet(path / "data/plan.parquet", index=False)
    write_reference(path / "data/reference", count=12)
    write_edits(path / "edits/copy", plan, final=inputs)
    mask = np.full(inputs.shape[:3], 51, np.uint8)
    write_edits(path / "edits/ganimation", plan, final=np.roll(inputs, -1, axis=1), mask=mask)
    write_edits(path / "edits/stargan", plan, final=np.roll(inputs, -2, axis=1))
    offsets = np.zeros((*inputs.shape[:3], 2), np.float16)
    offsets[..., 1] = -1.5
    write_edits(path / "edits/defgan", plan, final=true, deformed=half_way, mask=np.zeros_like(mask), offsets=offsets)
    write_edits(path / "edits/ganimation_supervised", plan, final=half_way, mask=mask)
    own = {"final": true, "deformed": np.roll(inputs, 3, axis=1), "offsets": np.full_like(offsets, 0.5)}
    write_edits(path / "edits/defgan_supervised", plan, mask=np.zeros_like(mask), **own)
    (path / "metrics/methods").mkdir(parents=True)
    (path / "models").mkdir()
    shutil.copy(ROOT / "defgan/weights/defgan.json", path / "models/defgan.json")
    logged = {
        "ganimation_supervised": ("final",),
        "defgan_supervised": ("final", "motion"),
        "defgan": ("exp_comp", "cyc"),
        "ganimation": ("exp", "cyc"),
        "stargan": ("cls", "rec"),
    }
    for name, terms in logged.items():
        curves = pd.DataFrame({"step": np.arange(10, 110, 10)})
        for i, term in enumerate((*terms, "loss_g")):
            curves[term] = (i + 1) * np.exp(-curves["step"] / 30)
        curves.to_csv(path / f"metrics/train_{name}.csv", index=False)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    """The current directory is a made-up run with ground truth."""
    make_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
