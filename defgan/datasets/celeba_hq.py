"""CelebA-HQ (Karras et al., ICLR 2018), the paper's faces in the wild: a folder of photographs, or the published zip.

The usual distribution is CelebAMask-HQ's (Lee et al., CVPR 2020; https://github.com/switchablenorms/CelebAMask-HQ):
`CelebA-HQ-img/0.jpg` … `29999.jpg`, 1024×1024, beside masks, which are no photographs, and
`CelebA-HQ-to-CelebA-mapping.txt` (columns `idx orig_idx orig_file`). That of StarGAN v2 (Choi et al., CVPR 2020) has
`train/male/051340.jpg`: six digits are CelebA's own file name. CelebA's `identity_CelebA.txt` (`000001.jpg 2880`) names
the people. Where these texts lie at the top of the folder, beside it or in the zip, they give the subjects; else each
photograph counts as a person of its own.
"""

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

from defgan.datasets import folder
from defgan.datasets.scan import holds, is_zip
from defgan.errors import UserError
from defgan.records import Dataset

MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
IDENTITIES = "identity_CelebA.txt"
PHOTOGRAPHS = "CelebA-HQ-img"
CELEBA_DIGITS = 6
_STARGAN_V2 = r"(^|/)(train|val)/(male|female)/\d{6}\.jpg$"


def recognises(path: Path) -> bool:
    """Whether a folder or zip has photographs in `CelebA-HQ-img`, or in StarGAN v2's folders; or is of that name."""
    if is_zip(path):
        return holds(path, rf"(^|/){PHOTOGRAPHS}/") or holds(path, _STARGAN_V2)
    if path.name == PHOTOGRAPHS or (path / PHOTOGRAPHS).is_dir():
        return True
    # Only where its folders are there is it worth the while to look through all files.
    return any((path / split / "male").is_dir() for split in ("train", "val")) and holds(path, _STARGAN_V2)


def read(path: Path) -> Dataset:
    """Every photograph of the folder or zip."""
    dataset = folder.read(path)
    people = _people(*(_read_text(path, name) for name in (MAPPING, IDENTITIES)))
    records = []
    for record in dataset.records:
        number = PurePosixPath(record.source).stem
        known = people.get(number if len(number) == CELEBA_DIGITS else number.lstrip("0") or "0")
        records.append(replace(record, subject=known or f"celeba_hq_{number}"))
    return replace(dataset, records=records)


def _read_text(path: Path, name: str) -> str:
    """A text at the top of a folder, beside it, or anywhere in a zip; "" where there is none."""
    if is_zip(path):
        try:
            with zipfile.ZipFile(path) as archive:
                member = next((each for each in archive.namelist() if each.split("/")[-1] == name), "")
                return archive.read(member).decode(errors="replace") if member else ""
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            raise UserError(f"{path}: {name} in it cannot be read: {error}; download the zip again") from None
    for place in (path / name, path.parent / name):
        if place.is_file():
            return place.read_text(encoding="utf-8", errors="replace")
    return ""


def _people(mapping: str, identities: str) -> dict[str, str]:
    """CelebA-HQ's number, and CelebA's of six digits, to CelebA's person; empty where a text is missing."""
    person = dict(line.split()[:2] for line in identities.splitlines() if len(line.split()) >= 2)
    found = {name.removesuffix(".jpg"): f"celeba_{number}" for name, number in person.items()}
    for line in mapping.splitlines():
        fields = line.split()
        if len(fields) >= 3 and fields[0].isdigit() and fields[2] in person:
            found[fields[0]] = f"celeba_{person[fields[2]]}"
    return found
