"""Radboud Faces Database (Langner et al., Cognition & Emotion, 2010).

The names of the files say what they show (https://rafd.socsci.ru.nl/FAQ.html):
`Rafd090_28_Caucasian_male_angry_frontal.jpg` is camera angle 090 (of 000, 045, 090, 135, 180; 090 is frontal), model
28, ethnicity, gender (male, female or kid), expression, and gaze (frontal, left, right). All eight expressions by the
frontal camera with the frontal gaze are read; other photographs are left out.
"""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from defgan.datasets import folder
from defgan.errors import UserError
from defgan.records import Dataset

_NAME = re.compile(r"Rafd(\d{3})_(\d+)_(\w+)_(\w+)_([a-z]+)_(frontal|left|right)", re.IGNORECASE)
EXPRESSIONS = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprised": "surprise",
}
"""RaFD's names of expressions to ours."""
FRONTAL = "090"


def recognises(path: Path) -> bool:
    """Whether photographs with RaFD's names lie in the folder or one below."""
    return any(next(path.glob(pattern), None) is not None for pattern in ("Rafd*.jpg", "*/Rafd*.jpg"))


def read(directory: Path) -> Dataset:
    """Every photograph by the frontal camera with the frontal gaze."""
    dataset = folder.read(directory)
    skipped = dataset.skipped
    kept = []
    for record in dataset.records:
        found = _NAME.fullmatch(PurePosixPath(record.source).stem)
        if record.reject:
            kept.append(record)
        elif found is None or found[5].lower() not in EXPRESSIONS:
            skipped.add("not named like RaFD's photographs", record.source)
        elif found[1] != FRONTAL:
            skipped.add(f"another camera than the frontal one ({found[1]})", record.source)
        elif found[6].lower() != "frontal":
            skipped.add(f"another gaze than the frontal one ({found[6].lower()})", record.source)
        else:
            expression = EXPRESSIONS[found[5].lower()]
            kept.append(replace(record, subject=f"rafd_{found[2]}", expression=expression))
    if not kept:
        raise UserError(
            f"{directory}: no photographs such as Rafd090_01_Caucasian_female_angry_frontal.jpg here; the frontal"
            " camera (090) with the frontal gaze is needed"
        )
    return replace(dataset, records=kept)
