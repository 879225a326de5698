"""The measurements of every method, as `evaluate` wrote them."""

import json
from typing import Any

import pandas as pd

from defgan.files import existing


def read_metrics(name: str) -> dict[str, Any]:
    """metrics/methods/NAME.json: the metrics of a method, or of the true images."""
    return json.loads(existing(f"metrics/methods/{name}.json").read_text(encoding="utf-8"))


def read_measurements(name: str) -> pd.DataFrame:
    """data/evaluation/NAME.parquet: one row per edit."""
    return pd.read_parquet(existing(f"data/evaluation/{name}.parquet"))
