"""CelebA-HQ (Karras et al., ICLR 2018), the paper's faces in the wild: a folder of photographs, or the published zip.

The usual distribution is CelebAMask-HQ's (Lee et al., CVPR 2020; https://github.com/switchablenorms/CelebAMask-HQ):
`CelebA-HQ-img/0.jpg` … `29999.jpg`, 1024×1024, beside masks (`CelebAMask-HQ-mask-anno`), which are no photographs, and
`CelebA-HQ-to-CelebA-mapping.txt` (columns `idx orig_idx orig_file`). CelebA's own `identity_CelebA.txt`
(`000001.jpg 2880`) names the people. Where both texts lie at the top of the folder or of the zip, they give the
subjects; else each photograph counts as a person of its own.
"""

import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from defgan.datasets import folder
from defgan.datasets.scan import is_photograph
from defgan.errors import UserError
from defgan.records import Dataset, Record, Skipped

MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
IDENTITIES = "identity_CelebA.txt"
MASKS = "CelebAMask-HQ-mask-anno"
PHOTOGRAPHS = "CelebA-HQ-img"


def recognises(path: Path) -> bool:
    """Whether this is a zip, or a folder with `CelebA-HQ-img` in it or of that name."""
    return path.suffix.lower() == ".zip" or (path / PHOTOGRAPHS).is_dir() or path.name == PHOTOGRAPHS


def read(path: Path) -> Dataset:
    """Every photograph of the folder or zip."""
    if path.suffix.lower() == ".zip":
        dataset, texts = _read_zip(path)
    else:
        dataset = folder.read(path)
        texts = {name: _read_text(path, name) for name in (MAPPING, IDENTITIES)}
    people = _people(texts[MAPPING], texts[IDENTITIES])
    kept = []
    for record in dataset.records:
        if MASKS in record.source.split("/"):
            dataset.skipped.add("a mask, no photograph", record.source)
        else:
            number = PurePosixPath(record.source).stem
            kept.append(replace(record, subject=people.get(number, f"celeba_hq_{number}")))
    if not kept:
        raise UserError(f"{path}: only masks are here, no photographs; give the folder CelebA-HQ-img")
    return replace(dataset, records=kept)


def _read_zip(path: Path) -> tuple[Dataset, dict[str, str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            texts = {
                wanted: next((archive.read(name).decode() for name in names if name.split("/")[-1] == wanted), "")
                for wanted in (MAPPING, IDENTITIES)
            }
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as a zip: {' '.join(str(error).split())}; download it again") from None
    records, skipped = [], Skipped()
    for name in sorted(names):
        if is_photograph(name) and "__MACOSX" not in name:
            records.append(Record(name, str(path), "", member=name))
        else:
            skipped.add(f"no photograph by its name ({PurePosixPath(name).suffix or 'no suffix'})", name)
    if not records:
        raise UserError(f"{path}: no photographs in this zip")
    return Dataset(records, has_points=False, has_aus=False, skipped=skipped), texts


def _read_text(directory: Path, name: str) -> str:
    for path in (directory / name, directory.parent / name):
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _people(mapping: str, identities: str) -> dict[str, str]:
    """CelebA-HQ's number to CelebA's person; empty where a text is missing."""
    person = dict(line.split()[:2] for line in identities.splitlines() if len(line.split()) >= 2)
    found = {}
    for line in mapping.splitlines():
        fields = line.split()
        if len(fields) >= 3 and fields[0].isdigit() and fields[2] in person:
            found[fields[0]] = f"celeba_{person[fields[2]]}"
    return found
