"""Which of a data set's cameras and gazes are read, `data.<role>.views`. Only RaFD has several."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from defgan.records import Dataset

VIEWS: MappingProxyType[str, Callable[[str], bool]] = MappingProxyType(
    {
        "frontal": lambda view: not view,
        # 4,824 of RaFD's photographs, those of the StarGAN paper: 67 people, 8 expressions, 3 cameras, 3 gazes.
        "three_cameras": lambda view: not view or re.match("camera (045|090|135),", view) is not None,
        "all": lambda view: True,
    }
)
"""The values of `views`, and whether each reads a photograph of `Record.view`."""


def select(dataset: Dataset, views: str) -> Dataset:
    """The photographs of the wanted views; the others are skipped."""
    if all(VIEWS[views](record.view) for record in dataset.records):
        return dataset
    kept = []
    for record in dataset.records:
        if VIEWS[views](record.view):
            kept.append(record)
        else:
            dataset.skipped.add(f"another view: {record.view}", record.source)
    return replace(dataset, records=kept)
