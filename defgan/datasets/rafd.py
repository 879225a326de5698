"""Radboud Faces Database (Langner et al., Cognition & Emotion, 2010).

File names say everything (https://rafd.socsci.ru.nl/FAQ.html): `Rafd090_28_Caucasian_male_angry_frontal.jpg` is camera
angle 090 (of 000, 045, 090, 135, 180; 090 is frontal), model 28, ethnicity, gender (male, female, or kid between the
two), expression, and gaze (frontal, left, right). The frontal camera with the frontal gaze is taken, all eight
expressions; the rest is left out.
"""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from defgan.datasets.folder import read_folder
from defgan.datasets.records import Dataset
from defgan.errors import UserError

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
"""RaFD's words to our names."""
FRONTAL = "090"


def read_rafd(directory: Path) -> Dataset:
    """Every photograph by the frontal camera with the frontal gaze."""
    dataset = read_folder(directory)
    skipped = dataset.skipped
    kept = []
    for record in dataset.records:
        found = _NAME.fullmatch(PurePosixPath(record.source).stem)
        if record.reject:
            kept.append(record)
        elif found is None or found[5].lower() not in EXPRESSIONS:
            skipped.add("not named as RaFD's photographs are", record.source)
        elif found[1] != FRONTAL:
            skipped.add(f"another camera than the frontal one ({found[1]})", record.source)
        elif found[6].lower() != "frontal":
            skipped.add(f"another gaze than the frontal one ({found[6].lower()})", record.source)
        else:
            expression = EXPRESSIONS[found[5].lower()]
            kept.append(replace(record, subject=f"rafd_{found[2]}", expression=expression))
    if not kept:
        raise UserError(
            f"{directory}: no photographs as Rafd090_01_Caucasian_female_angry_frontal.jpg here: the frontal camera"
            " (090) with the frontal gaze is wanted"
        )
    return replace(dataset, records=kept)
