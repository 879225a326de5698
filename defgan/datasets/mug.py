"""MUG facial expression database (Aifanti, Papachristou and Delopoulos, WIAMIS 2010; https://mug.ee.auth.gr/fed).

The layout is the one that public code for the data set expects. The posed part, `subjects3`, has one folder per
subject, expression and take: `001/anger/take000/img_0000.jpg` (some subjects' folders are nested twice,
`020/020/anger/…`; takes whose name holds `nsg` are marked as not good by the database and left out). A take is a
sequence of 50 to 160 frames that goes from the neutral face over onset, apex and offset back to neutral.

The peak of a take. The frames of its middle half hold the apex; at most `CANDIDATES` of them, evenly spaced, are read,
and of those the one with the largest sum of AU intensities is kept (of a neutral take, the one with the smallest). The
others are refused as not the peak.
"""

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from defgan.datasets.folder import read_folder
from defgan.datasets.records import Dataset, Record
from defgan.errors import UserError

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
"""MUG's folder names to our names."""


def read_mug(directory: Path) -> Dataset:
    """The frames of every take among which its peak is looked for."""
    dataset = read_folder(directory)
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
        chosen = np.unique(np.linspace(0, len(middle) - 1, CANDIDATES).round().astype(int))
        candidates = {middle[index].source for index in chosen}
        for frame in frames:
            if frame.source in candidates:
                kept.append(frame)
            else:
                skipped.add("a frame away from the peak of its take, or between those looked at", frame.source)
    if not kept:
        raise UserError(f"{directory}: no frames as 001/anger/take000/img_0000.jpg here; MUG's subjects3 is wanted")
    return replace(dataset, records=sorted(kept + refused, key=lambda record: record.source))
