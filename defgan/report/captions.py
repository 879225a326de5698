"""What stands below a figure, as captions.json beside the figures keeps it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

CAPTIONS = "captions.json"
"""The file beside the figures: their captions by name."""


@dataclass(frozen=True)
class Caption:
    """What stands below a figure; `substitutes` are what we use in place of the paper's means."""

    title: str
    shows: str
    data: str
    methods: tuple[str, ...]
    substitutes: tuple[str, ...]
    params: tuple[str, ...]


def as_text(captions: Mapping[str, Caption | Mapping]) -> str:
    """Captions by name, as JSON."""
    plain = {name: asdict(own) if isinstance(own, Caption) else own for name, own in sorted(captions.items())}
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def read_captions(folder: Path) -> dict[str, dict]:
    """The captions in a folder of figures, as plain values; none where there is no file."""
    path = folder / CAPTIONS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
