"""A quick look at photographs before they are prepared: which can be opened, and how large they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from defgan.photographs import UnreadableImageError, read_photograph
from defgan.records import Record
from defgan.spacing import spread

LOOKED_AT = 200
"""How many photographs are opened at most, evenly spaced."""


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
        try:
            read = read_photograph(record.open(), 512)
        except (UnreadableImageError, OSError, KeyError) as error:
            reason = f"unreadable image: {error}" if isinstance(error, UnreadableImageError) else "missing file"
            look.unreadable[reason] += 1
            look.examples.setdefault(reason, record.source)
        else:
            look.readable += 1
            sides.append(min(photograph_size(record) or (side * read.factor for side in read.pixels.shape[:2])))
    if sides:
        look.sizes = min(sides), int(np.median(sides)), max(sides)
    return look
