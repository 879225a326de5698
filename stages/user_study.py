"""The user study, ready to be handed out (sec. 4.4, App. E): `python -m stages.user_study`.

Reads the edits of both methods and the wild faces; writes reports/user_study/stage1 and stage2, for participants, and
data/user_study, the answer key, which must not reach them.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import typer

from defgan.errors import UserError
from defgan.evaluation.images import Edits, read_edits
from defgan.faces.table import read_faces, read_inputs
from defgan.files import atomic_directory
from defgan.study.bundle import FORM, write_bundle
from defgan.study.design import METHODS, compared_images, rated_images
from stages.common import console, stage

BUNDLES = Path("reports/user_study")
KEYS = Path("data/user_study")


def read_consent(path: str) -> str:
    """The text of the first page."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"user_study.consent: {path} cannot be read as UTF-8 text ({error}); docs/consent.txt is a template"
        ) from None


def read_pixels(key: pd.DataFrame, methods: dict[str, Edits]) -> dict[str, np.ndarray]:
    """The image of every name in a key, uint8 H×W×3."""
    plan = methods[METHODS[0]].frame
    inputs = read_inputs(plan.iloc[key["edit"]].reset_index(drop=True), "data/prepared").pixels
    return {
        shown.image: methods[shown.method].final[shown.edit] if shown.method else pixels
        for shown, pixels in zip(key.itertuples(), inputs, strict=True)
    }


def read_methods() -> dict[str, Edits]:
    """The edits of the methods that participants judge, of one and the same plan."""
    methods = {name: read_edits(f"edits/{name}") for name in METHODS}
    first, *others = (edits.frame for edits in methods.values())
    if not all(first.equals(frame) for frame in others):
        raise UserError("edits: the methods edited different faces; run `dvc repro user_study`, which edits again")
    return methods


def user_study() -> None:
    """Write both stages' bundles and, apart from them, their answer keys."""
    with stage("user_study", "user_study") as (params, run):
        options = params.user_study
        consent = read_consent(options.consent)
        methods = read_methods()
        plan, wild = methods[METHODS[0]].frame, read_faces("data/prepared/wild")
        keys = {1: rated_images(plan, options), 2: compared_images(plan, wild, options)}
        with atomic_directory(BUNDLES) as bundles, atomic_directory(KEYS) as answers:
            ids = {}
            for number, key in keys.items():
                pixels = read_pixels(key, methods)
                ids[write_bundle(bundles / f"stage{number}", number, key, pixels, consent, options.post_to)] = number
                key.to_csv(answers / f"stage{number}.csv", index=False)
            (answers / "study.json").write_text(json.dumps({"bundles": ids}, indent=2) + "\n", encoding="utf-8")
        run.log_metrics({f"stage{number}": {"images": len(key)} for number, key in keys.items()})
        for bundle, number in ids.items():
            size = (BUNDLES / f"stage{number}" / FORM).stat().st_size / 1e6
            console.print(
                f"user_study: stage {number}, {keys[number]['question'].nunique()} questions, bundle {bundle}:"
                f" {BUNDLES}/stage{number}/{FORM} ({size:.1f} MB)",
                highlight=False,
            )
        console.print(f"The answer key is in {KEYS}; keep it away from participants.", highlight=False)
        if blanks := re.findall(r"\[[^\]\n]*\]", consent):
            console.print(
                f"{options.consent} still has {len(blanks)} blanks in square brackets, to be filled in first.",
                highlight=False,
                markup=False,
            )


def main() -> None:
    typer.run(user_study)


if __name__ == "__main__":
    main()
