"""Resume state: what it belongs to, and writing it whole."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from defgan.files import atomic_file


def run_key(name: str, settings: dict[str, Any], data: str) -> str:
    """A hash of everything that decides a training run: model, params and the digest of the data."""
    digest = hashlib.sha256(json.dumps([name, settings, data], sort_keys=True).encode())
    return f"{name}-{digest.hexdigest()[:16]}"


def save_state(path: Path, state: dict[str, Any]) -> None:
    with atomic_file(path) as temporary:
        # To an open file: of a full disk torch itself says "unexpected pos".
        with temporary.open("wb") as file:
            torch.save(state, file)


def load_state(path: Path) -> dict[str, Any] | None:
    """The state saved at `path`, or None where there is none; only tensors and plain values are read."""
    return torch.load(path, weights_only=True) if path.is_file() else None
