"""What is measured: the edits of one method, the reference set, and uint8 images as batches of tensors.

An edits directory holds `edits.parquet` (the plan's rows) and arrays aligned with it: `final.npy` and, for DefGAN,
`deformed.npy`, `mask.npy`, `texture.npy` and `offsets.npy`. The arrays stay on disk until they are touched.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from defgan.errors import UserError

REFERENCE = Path("data/reference")
COUNTED_SET = "expressions"
"""The edits that count in metrics; those made for the grids and the sweeps are only shown."""
TRUTH = "truth"
"""What the true images are called where they are measured as if a method had made them."""


@dataclass(frozen=True)
class Edits:
    """The edits of one method; the optional arrays are None where the method has no such thing."""

    frame: pd.DataFrame  # the plan: one row per edit
    final: np.ndarray  # I_y, uint8 M×H×W×3
    deformed: np.ndarray | None  # I*_y, uint8 M×H×W×3
    mask: np.ndarray | None  # ℳ, uint8 M×H×W, 255 = hallucinated
    offsets: np.ndarray | None  # 𝒢 − Id, float16 M×H×W×2, pixels at 128 px


def _aligned(path: Path, rows: int) -> np.ndarray | None:
    if not path.is_file():
        return None
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if len(array) != rows:
        raise UserError(f"{path}: {len(array)} entries for {rows} edits; delete {path.parent} and run `dvc repro`")
    return array


def read_edits(directory: str | Path) -> Edits:
    """Read the edits of one method; raises UserError where they are missing or not of one length."""
    directory = Path(directory)
    for name in ("edits.parquet", "final.npy"):
        if not (directory / name).is_file():
            raise UserError(f"{directory}: no {name} here; `dvc repro evaluate@{directory.name}` makes the edits first")
    frame = pd.read_parquet(directory / "edits.parquet")
    names = ("final", "deformed", "mask", "offsets")
    return Edits(frame, **{name: _aligned(directory / f"{name}.npy", len(frame)) for name in names})


@dataclass(frozen=True)
class Truth:
    """The true images and motion of the planned edits; of real photographs they cannot be known."""

    images: np.ndarray  # uint8 M×H×W×3, black where not known
    known: np.ndarray  # bool (M,)
    # Backward flow from the input, in crop pixels, NaN where no skin is seen in both: float16 M×H×W×2. None: not known.
    motion: np.ndarray | None = None


def read_truth(directory: str | Path, plan: pd.DataFrame) -> Truth:
    """Read the true images of a plan; raises UserError where they are missing or not of the plan's length."""
    directory = Path(directory)
    for name in ("truth.json", "true.npy"):
        if not (directory / name).is_file():
            raise UserError(f"{directory}: no {name} here; run `dvc repro -f truth` first")
    roles = json.loads((directory / "truth.json").read_text())["known"]
    images, motion = (_aligned(directory / f"{name}.npy", len(plan)) for name in ("true", "motion"))
    return Truth(images, plan["role"].isin(roles).to_numpy(), motion)


def read_reference() -> tuple[np.ndarray, dict]:
    """Features of the real faces, float32 N×D, and what they are of; raises UserError where they are missing."""
    for name in ("reference.json", "features.npy"):
        if not (REFERENCE / name).is_file():
            raise UserError(f"{REFERENCE}: no {name} here; run `dvc repro reference` first")
    features = np.load(REFERENCE / "features.npy", allow_pickle=False)
    return features, json.loads((REFERENCE / "reference.json").read_text(encoding="utf-8"))


def subsample(count: int, limit: int, seed: int) -> np.ndarray:
    """Indices of at most `limit` of `count` items, ascending, drawn without replacement by `seed`."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 0xFD]).choice(count, limit, replace=False))
