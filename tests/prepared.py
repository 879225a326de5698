"""Writes prepared roles for tests."""

from pathlib import Path

import numpy as np
import pandas as pd

from defgan.faces.table import COLUMNS
from defgan.facs import AU_NAMES


def write_faces(directory: str | Path, frame: pd.DataFrame, pixels: np.ndarray) -> None:
    """A prepared role without rejects: `frame` with `COLUMNS`, `pixels` uint8 N×H×W×3."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    table = frame[list(COLUMNS)].astype(dict.fromkeys(AU_NAMES, np.float32))
    table.to_parquet(directory / "faces.parquet", index=False)
    np.save(directory / "pixels.npy", pixels)
    pd.DataFrame({"source": [], "reason": []}).to_parquet(directory / "rejects.parquet", index=False)
