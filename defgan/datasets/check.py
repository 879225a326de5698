"""A quick look at photographs before they are prepared: which can be opened, and how large they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from defgan.datasets.opening import read_record
from defgan.records import Record
from defgan.spacing import spread

LOOKED_AT = 200
"""How many photographs are opened at most, evenly spaced."""
FEW_SUBJECTS = 20
MANY_PHOTOGRAPHS = 50
"""Fewer subjects than this with more photographs each than this are few for many."""


@dataclass
class Look:
    """What was found in some photographs."""

    looked_at: int = 0
    readable: int = 0
    unreadable: Counter = field(default_factory=Counter)  # by reason
    examples: dict[str, str] = field(default_factory=dict)  # a source for each reason
    sizes: tuple[int, int, int] | None = None  # of the shorter sides: smallest, median, largest, pixels


def photograph_size(record: Record) -> tuple[int, int] | None:
    """Width and height as stored, by the file's header; None where Pillow finds none."""
    try:
        with Image.open(record.open()) as image:
            return image.size
    except Exception:  # whatever is wrong with the file, reading it gives the reason
        return None


def look_at(records: Sequence[Record]) -> Look:
    """Decode some of the photographs, evenly spaced."""
    look, sides = Look(), []
    for record in records:
        if record.reject:
            look.examples.setdefault(record.reject, record.source)
    for index in spread(len(records), LOOKED_AT):
        record = records[index]
        if record.reject:
            continue
        look.looked_at += 1
        read = read_record(record, 512)
        if isinstance(read, str):
            look.unreadable[read] += 1
            look.examples.setdefault(read, record.source)
        else:
            look.readable += 1
            sides.append(min(photograph_size(record) or (side * read.factor for side in read.pixels.shape[:2])))
    if sides:
        look.sizes = min(sides), int(np.median(sides)), max(sides)
    return look


def few_subjects(records: Sequence[Record]) -> str:
    """A warning where few subjects have many photographs, perhaps since folders are no people; "" elsewhere."""
    counts = Counter(record.subject for record in records)
    if not counts or len(counts) >= FEW_SUBJECTS or len(records) <= MANY_PHOTOGRAPHS * len(counts):
        return ""
    largest = ", ".join(f"{name} ({count})" for name, count in counts.most_common(3))
    return (
        f"{len(records)} photographs of only {len(counts)} subjects, such as {largest}; if these are no people, add"
        " annotations.csv with the columns path and subject"
    )
