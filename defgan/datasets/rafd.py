"""Radboud Faces Database (Langner et al., Cognition & Emotion, 2010).

The names of the files say what they show (https://rafd.socsci.ru.nl/FAQ.html):
`Rafd090_28_Caucasian_male_angry_frontal.jpg` is camera angle 090 (of 000, 045, 090, 135, 180; 090 is frontal), model
28, ethnicity, gender (male, female or kid), expression, and gaze (frontal, left, right). In whatever folders, or in a
zip, they say who is shown and what. `data.<role>.views` chooses the cameras and gazes (`defgan.datasets.views`).
"""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from defgan.datasets import folder
from defgan.datasets.scan import holds
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
    """Whether photographs with RaFD's names lie anywhere in the folder or zip, such as in StarGAN's `train/angry`."""
    return holds(path, r"(^|/)Rafd\d{3}_\d+_[^/]*_(frontal|left|right)\.\w+$")


def read(path: Path) -> Dataset:
    """Every photograph with RaFD's names; those of other cameras or gazes than the frontal ones have a view."""
    dataset = folder.read(path)
    kept = []
    for record in dataset.records:
        found = _NAME.fullmatch(PurePosixPath(record.source).stem)
        if found is None or found[5].lower() not in EXPRESSIONS:
            if record.reject:
                kept.append(record)
            else:
                dataset.skipped.add("not named like RaFD's photographs", record.source)
            continue
        camera, gaze = found[1], found[6].lower()
        view = "" if (camera, gaze) == (FRONTAL, "frontal") else f"camera {camera}, gaze {gaze}"
        expression = EXPRESSIONS[found[5].lower()]
        kept.append(replace(record, subject=f"rafd_{found[2]}", expression=expression, view=view))
    if not kept:
        raise UserError(f"{path}: no photographs such as Rafd090_01_Caucasian_female_angry_frontal.jpg here")
    return replace(dataset, records=kept)
