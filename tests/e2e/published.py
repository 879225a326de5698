"""The paper's four data sets in their published layouts, of rendered faces, with OpenFace's CSV files."""

from pathlib import Path

import pandas as pd
from PIL import Image

from defgan.corpus.roles import Studio, make_role
from defgan.corpus.scenes import crew
from defgan.datasets.mug import EXPRESSIONS as MUG_WORDS
from defgan.datasets.rafd import EXPRESSIONS as RAFD_WORDS
from defgan.facs import AU_NAMES

PEOPLE = {"train": 10, "wild": 10, "mug": 4, "rafd": 8}
TAKE = 4
"""Frames of a take of MUG; the middle two are candidates for its peak."""


def published_names(role: str, row: int, subject: int, expression: str) -> list[str]:
    """Where a photograph lies in its data set; a still of MUG becomes the frames of a take."""
    if role == "train":
        return [f"images/N_0000000001/N_0000000001_{row:05d}.jpg"]
    if role == "wild":
        return [f"CelebA-HQ-img/{row}.jpg"]
    if role == "mug":
        word = {own: word for word, own in MUG_WORDS.items()}[expression]
        return [f"{subject + 1:03d}/{word}/take000/img_{frame:04d}.jpg" for frame in range(TAKE)]
    word = {own: word for word, own in RAFD_WORDS.items()}[expression]
    return [f"Rafd090_{subject + 1:02d}_Caucasian_female_{word}_frontal.jpg"]


def write_openface(path: Path, aus: pd.Series) -> None:
    """What `FaceLandmarkImg -aus` writes of a photograph with one face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"face": 0, "confidence": 0.98} | {f"{name}_r": 5 * float(aus[name]) for name in AU_NAMES}
    pd.DataFrame([row]).to_csv(path, index=False)


def publish(source: Path, directory: Path, role: str) -> None:
    """One role of the corpus as the published data set of that role, and the AUs as OpenFace writes them."""
    for row, face in pd.read_parquet(source / "annotations.parquet").reset_index(drop=True).iterrows():
        for name in published_names(role, int(row), int(face["subject"].split("_")[1]), face["expression"]):
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(source / face["path"]) as image:
                image.convert("RGB").save(path, quality=95)
            write_openface((directory / "openface" / name).with_suffix(".csv"), face)
    if role == "wild":
        lines = [f"{row}  {row}  {row + 1:06d}.jpg" for row in range(PEOPLE[role])]
        (directory / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(["idx orig_idx orig_file", *lines]) + "\n")
        people = [f"{row + 1:06d}.jpg {row}" for row in range(PEOPLE[role])]
        (directory / "identity_CelebA.txt").write_text("\n".join(people) + "\n")


def make_published(directory: Path, scratch: Path) -> None:
    """All four data sets below a directory, under the names of the paper's preset."""
    studio = Studio()
    names = {"train": "emotionet", "wild": "celeba_hq", "mug": "mug", "rafd": "rafd"}
    with crew(studio.head, 1) as run:
        for role, people in PEOPLE.items():
            make_role(scratch / role, role, studio, run, people, 1, seed=0, size=128, supersample=2)
            publish(scratch / role, directory / names[role], role)
