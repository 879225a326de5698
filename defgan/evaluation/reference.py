"""The reference set: features of real faces, against which the Fréchet and the kernel distance are measured."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from defgan.errors import MissingInputError
from defgan.files import existing


@dataclass(frozen=True)
class ReferenceFacts:
    """What the features of the reference set were made of."""

    reference: str  # the role of the faces
    reference_images: int  # faces used
    reference_available: int  # faces of the role
    features: str  # the network: a name of `frechet.DISTANCE_NAMES`


def write_reference(directory: Path, features: np.ndarray, facts: ReferenceFacts) -> None:
    """Write features, float32 N×D, and their facts to a directory."""
    np.save(directory / "features.npy", features)
    (directory / "reference.json").write_text(json.dumps(asdict(facts), indent=2) + "\n", encoding="utf-8")


def read_reference(directory: str | Path, network: str) -> tuple[np.ndarray, ReferenceFacts]:
    """Features, float32 N×D, and their facts; raises MissingInputError unless they are there and of this network."""
    directory = Path(directory)
    facts = ReferenceFacts(**json.loads(existing(directory / "reference.json").read_text(encoding="utf-8")))
    if facts.features != network:
        raise MissingInputError(f"{directory}: features of {facts.features}, not of {network}")
    return np.load(existing(directory / "features.npy"), allow_pickle=False), facts


def subsample(count: int, limit: int, seed: int) -> np.ndarray:
    """Indices of at most `limit` of `count` items, ascending, drawn without replacement."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 0xFD]).choice(count, limit, replace=False))
