"""Several data sets for one role, such as CelebA-HQ and a folder of web photographs.

Each folder and zip at the top is a data set of its own, in whatever layout it has. Links to folders count, too, so the
data sets may lie elsewhere. The name of the part comes first in the path of each photograph and in its subject.
"""

from dataclasses import replace
from pathlib import Path

from defgan.datasets import guess_layout, read_dataset
from defgan.datasets.scan import is_photograph, is_zip, why_no_input
from defgan.errors import UserError
from defgan.records import Dataset, Record, Skipped


def recognises(path: Path) -> bool:
    """Whether one of several parts is CelebA-HQ, which nobody mixes with people's folders."""
    if not path.is_dir():
        return False
    parts = _parts(path)
    return len(parts) > 1 and any(guess_layout(part) == "celeba_hq" for part in parts)


def read(directory: Path) -> Dataset:
    """The photographs of all parts. Raises UserError where there is no part, or one has no photographs."""
    if not directory.is_dir():
        raise UserError(f"{directory}: no such folder; put the data sets there, each a folder or a zip")
    parts = _parts(directory)
    if not parts:
        raise UserError(f"{directory}: no folder and no zip is here; put each data set there as one")
    read_parts = {part: read_dataset(guess_layout(part), part, "all") for part in parts}
    skipped, records = Skipped(), []
    for part, dataset in read_parts.items():
        records += [_of_part(part.name, record) for record in dataset.records]
        for reason, count in dataset.skipped.counts.items():
            skipped.counts[reason] += count
            skipped.examples.setdefault(reason, f"{part.name}/{dataset.skipped.examples[reason]}")
    for path in sorted(directory.iterdir()):
        if path.is_file() and is_photograph(path.name):
            skipped.add("beside the data sets, in none of them", path.name)
    return Dataset(
        sorted(records, key=lambda record: record.source),
        has_points=all(dataset.has_points for dataset in read_parts.values()),
        has_aus=all(dataset.has_aus for dataset in read_parts.values()),
        skipped=skipped,
    )


def _parts(directory: Path) -> list[Path]:
    found = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    return [path for path in found if is_zip(path) or (path.is_dir() and not why_no_input(path.name, ()))]


def _of_part(name: str, record: Record) -> Record:
    def within(text: str) -> str:
        return f"{name}/{text}" if text else ""

    return replace(
        record, source=within(record.source), subject=within(record.subject), take=within(record.take), twin=""
    )
