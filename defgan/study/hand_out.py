"""Writes what participants get, and apart from it the answer key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from defgan.errors import UserError
from defgan.evaluation.edits import Edits, read_edits
from defgan.faces.table import read_faces, read_inputs
from defgan.files import atomic_directory
from defgan.study.bundle import FORM, write_bundle
from defgan.study.design import METHODS, STUDY, compared_images, rated_images

if TYPE_CHECKING:
    from defgan.params import UserStudyParams


@dataclass(frozen=True)
class HandOut:
    """A stage's bundle as it was written."""

    stage: int
    bundle: str  # its id
    form: Path
    key: pd.DataFrame


def read_consent(path: str) -> str:
    """The text of the form's first page; raises UserError where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"user_study.consent: {path} cannot be read as UTF-8 text ({error}); docs/consent.txt is a template"
        ) from None


def _read_methods(directory: Path) -> dict[str, Edits]:
    """The edits of the methods that participants judge, of one and the same plan."""
    edits = {name: read_edits(directory / name) for name in METHODS}
    first, *others = (own.frame for own in edits.values())
    if not all(first.equals(frame) for frame in others):
        raise UserError(f"{directory}: the edits of {', '.join(METHODS)} are not of one plan; make all of them again")
    return edits


def _pixels(key: pd.DataFrame, edits: dict[str, Edits], prepared: Path) -> dict[str, np.ndarray]:
    """The image of every name in a key, uint8 H×W×3."""
    plan = edits[METHODS[0]].frame
    inputs = read_inputs(plan.iloc[key["edit"]].reset_index(drop=True), prepared).pixels
    return {
        shown.image: edits[shown.method].final[shown.edit] if shown.method else pixels
        for shown, pixels in zip(key.itertuples(), inputs, strict=True)
    }


def hand_out(
    options: UserStudyParams, consent: str, edits: Path, prepared: Path, bundles: Path, keys: Path
) -> list[HandOut]:
    """Write both stages' bundles and their keys, and return what was written.

    Args:
        options: the params `user_study`.
        consent: the text of the form's first page.
        edits: folder of the methods' edits.
        prepared: folder of the prepared roles.
        bundles: where the folders stage1 and stage2 go, which participants get.
        keys: where the answer keys go, which participants must not get.

    Raises:
        UserError: the edits are not of one plan, or the wild faces are too few.
    """
    methods = _read_methods(edits)
    plan = methods[METHODS[0]].frame
    by_stage = {1: rated_images(plan, options), 2: compared_images(plan, read_faces(prepared / "wild"), options)}
    written = []
    with atomic_directory(bundles) as for_participants, atomic_directory(keys) as answers:
        for stage, key in by_stage.items():
            pixels = _pixels(key, methods, prepared)
            folder = for_participants / f"stage{stage}"
            bundle = write_bundle(folder, stage, key, pixels, consent, options.post_to)
            key.to_csv(answers / f"stage{stage}.csv", index=False)
            written.append(HandOut(stage, bundle, bundles / f"stage{stage}" / FORM, key))
        content = {"bundles": {own.bundle: own.stage for own in written}}
        (answers / STUDY).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return written
