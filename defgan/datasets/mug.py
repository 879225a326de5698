"""MUG facial expression database (Aifanti, Papachristou and Delopoulos, WIAMIS 2010; https://mug.ee.auth.gr/fed).

The layout is the one that public code for the data set expects. The posed part, `subjects3`, has one folder per
subject, expression and take: `001/anger/take000/img_0000.jpg`. Some subjects' folders are nested twice
(`020/020/anger/…`). Takes with `nsg` in their name are marked as not good by the database and left out. A take is a
sequence of 50 to 160 frames: from the neutral face over onset, apex and offset back to neutral.

Of each take one frame is kept, the peak. The apex lies in the middle half of the frames. At most `CANDIDATES` of these,
evenly spaced, are read; the one with the largest sum of AU intensities is the peak (of a neutral take, the one with the
smallest). The other candidates are rejected.
"""

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from defgan.datasets import folder
from defgan.datasets.scan import holds
from defgan.errors import UserError
from defgan.records import Dataset, Record
from defgan.spacing import spread

CANDIDATES = 9
EXPRESSIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprise",
}
"""MUG's names of folders to ours."""


def recognises(path: Path) -> bool:
    """Whether the folder or zip has takes of happiness."""
    return holds(path, r"[^/]/happiness/take[^/]*/[^/]+\.jpg$")


def read(path: Path) -> Dataset:
    """The candidates for the peak of every take of a folder or zip."""
    dataset = folder.read(path)
    skipped = dataset.skipped
    takes: dict[str, list[Record]] = defaultdict(list)
    refused = []
    for record in dataset.records:
        take = os.path.dirname(record.source)
        *subject, expression, name = ["", "", *take.split("/")]
        if record.reject:
            refused.append(record)
        elif expression not in EXPRESSIONS or not subject[-1]:
            skipped.add("not in a folder subject/expression/take", record.source)
        elif "nsg" in name:
            skipped.add("a take that the database marks as not good (nsg)", record.source)
        else:
            fields = {"subject": f"mug_{subject[-1]}", "expression": EXPRESSIONS[expression], "take": take}
            takes[take].append(replace(record, **fields))
    kept = []
    for frames in takes.values():
        middle = frames[len(frames) // 4 : len(frames) - len(frames) // 4]
        candidates = {middle[index].source for index in spread(len(middle), CANDIDATES)}
        for frame in frames:
            if frame.source in candidates:
                kept.append(frame)
            else:
                skipped.add("a frame of a take that is no candidate for its peak", frame.source)
    if not kept:
        raise UserError(f"{path}: no frames such as 001/anger/take000/img_0000.jpg; give MUG's folder subjects3")
    return replace(dataset, records=sorted(kept + refused, key=lambda record: record.source))
