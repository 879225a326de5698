"""The user study's bundles for participants (sec. 4.4, App. E): `python -m stages.user_study`.

Reads the edits of both methods and the wild faces. Writes reports/user_study/stage1 and stage2 for participants, and
data/user_study, the answer key, which participants must not see.
"""

import re
from pathlib import Path

import typer

from defgan.study.hand_out import hand_out, read_consent
from stages.common import console, stage

BUNDLES = Path("reports/user_study")
KEYS = Path("data/user_study")


def user_study() -> None:
    """Write both stages' bundles and, apart from them, their answer keys."""
    with stage("user_study", "user_study") as (params, run):
        options = params.user_study
        consent = read_consent(options.consent)
        written = hand_out(options, consent, Path("edits"), Path("data/prepared"), BUNDLES, KEYS)
        run.log_metrics({f"stage{own.stage}": {"images": len(own.key)} for own in written})
        for own in written:
            console.print(
                f"user_study: stage {own.stage}, {own.key['question'].nunique()} questions, bundle {own.bundle}:"
                f" {own.form} ({own.form.stat().st_size / 1e6:.1f} MB)",
                highlight=False,
            )
        console.print(f"The answer key is in {KEYS}; keep it away from participants.", highlight=False)
        if blanks := re.findall(r"\[[^\]\n]*\]", consent):
            console.print(
                f"{options.consent} still has {len(blanks)} blanks in square brackets; fill them in first.",
                highlight=False,
                markup=False,
            )


def main() -> None:
    typer.run(user_study)


if __name__ == "__main__":
    main()
