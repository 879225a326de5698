"""Prepares a whole role in shards: made in parallel, kept when finished, put together at the end.

Each finished shard is a directory of a Parquet table and its pixels, named by a hash of its photographs, their
annotations, the recipe and the code. A run after a kill makes only the missing ones. Memory holds only the records
(about half a kilobyte each) and the shards in progress.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from rich.progress import Progress

from defgan.errors import UserError
from defgan.faces.preparation import Recipe, Shard, check_annotations, reject_all
from defgan.faces.processes import CrashError, Engine, local_engine, run_apart
from defgan.faces.table import COLUMNS, VIEW, read_pixels
from defgan.facs import AU_NAMES
from defgan.files import alone, atomic_directory
from defgan.pixels import tile
from defgan.records import Dataset, Record
from defgan.spacing import spread

if TYPE_CHECKING:
    from defgan.params import PrepareParams, Source

SHARD = 256
"""Photographs in a shard: some seconds of work."""
ROW_GROUP = 16_384
"""Rows written to the faces table at a time."""
LEAST_HELD_OUT = MappingProxyType({"train": 1, "rafd": 3})
"""The roles that methods learn from; how many subjects of each are held out at least: Fig. 17 shows three of rafd."""
_CODE = Path(__file__).parents[1]
_CODE_OF_SHARDS = (
    *("faces", "datasets", "alignment.py", "annotation_tables.py", "facs.py", "photographs.py", "records.py"),
)
"""The files and folders of defgan that decide a shard, beside its photographs and params."""


@dataclass(frozen=True)
class Summary:
    """Counts of a prepared role."""

    faces: int
    subjects: int
    inputs: int
    rejects: Counter  # by reason, without the details
    seconds: dict[str, float]  # processor time of each step, for the shards that this run made
    held_out: Counter  # faces by held-out subject


def prepare_faces(
    dataset: Dataset, role: str, source: Source, image_size: int, options: PrepareParams, seed: int,
    directory: Path, state: Path,
) -> Summary:  # fmt: skip
    """Write the prepared role of a data set to `directory`, whole or not at all; shards are kept in `state` meanwhile.

    Every record ends as a row or as a reject. Raises UserError where the annotations lack what `source` takes from
    them, and where no face is left.
    """
    check_annotations(source.path, dataset.has_points, dataset.has_aus, role, source)
    recipe = Recipe(role, source, image_size, options)
    with alone(state):
        return _prepare(dataset, recipe, seed, directory, state)


def _prepare(dataset: Dataset, recipe: Recipe, seed: int, directory: Path, state: Path) -> Summary:
    options = recipe.options
    shards = list(cut(dataset.records))
    code = _code_digest()
    keys = [_shard_key(dataset.records[start:stop], recipe, code) for start, stop in shards]
    parts = [state / f"{index:06d}-{key}" for index, key in enumerate(keys)]
    missing = [index for index, part in enumerate(parts) if not part.is_dir()]
    seconds: Counter = Counter()
    if missing:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = min(len(missing), cores if options.workers == "auto" else options.workers)
        tasks = ((index, dataset.records[slice(*shards[index])]) for index in missing)
        with Progress(transient=True) as progress:
            done = len(dataset.records) - sum(stop - start for start, stop in (shards[index] for index in missing))
            bar = progress.add_task(f"Faces of {recipe.role}", total=len(dataset.records), completed=done)
            for index, shard in _engine(options.engine)(tasks, recipe, workers):
                records = dataset.records[slice(*shards[index])]
                shard = shard or isolate(records, recipe, run_apart)
                _write_part(parts[index], shard)
                seconds.update(shard.seconds)
                progress.advance(bar, len(records))
    summary = _assemble(parts, recipe, seed, directory, len(dataset.records), seconds)
    for part in parts:
        shutil.rmtree(part)
    return summary


def cut(records: Sequence[Record], size: int = SHARD) -> Iterator[tuple[int, int]]:
    """Ranges of about `size` records, in order; the frames of one take stay together."""
    start = 0
    while start < len(records):
        stop = min(start + size, len(records))
        while stop < len(records) and records[stop].take and records[stop].take == records[stop - 1].take:
            stop += 1
        yield start, stop
        start = stop


def _engine(name: str) -> Engine:
    if name == "ray":
        from defgan.faces.cluster import ray_engine

        return ray_engine
    return local_engine


def isolate(records: Sequence[Record], recipe: Recipe, run: Callable[[Sequence[Record], Recipe], Shard]) -> Shard:
    """The shard of records of which one may kill the process: that one is found by halving, and rejected."""
    try:
        return run(records, recipe)
    except CrashError:
        pass
    ranges = list(cut(records, -(-len(records) // 2)))
    if len(ranges) == 1:
        return reject_all(records, "unreadable image: the process that read it died", recipe)
    halves = [isolate(records[start:stop], recipe, run) for start, stop in ranges]
    return Shard(
        frame=pd.concat([half.frame for half in halves if len(half.frame)] or [halves[0].frame], ignore_index=True),
        pixels=np.concatenate([half.pixels for half in halves]),
        rejects=pd.concat([half.rejects for half in halves], ignore_index=True),
        inputs=sum(half.inputs for half in halves),
        seconds=dict(sum((Counter(half.seconds) for half in halves), Counter())),
    )


def _code_digest() -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    files = {path for name in _CODE_OF_SHARDS for path in (_CODE / name, *(_CODE / name).rglob("*.*"))}
    for path in sorted(path for path in files if path.suffix in (".py", ".json")):
        digest.update(path.read_bytes())
    return digest.digest()


def _shard_key(records: Sequence[Record], recipe: Recipe, code: bytes) -> str:
    """A hash of everything that decides a shard; of a photograph, its size and time of change."""
    options = recipe.options.model_dump(exclude={"engine", "workers", "val_share"})
    digest = hashlib.blake2b(code, digest_size=8)
    digest.update(json.dumps([recipe.role, recipe.source.model_dump(), recipe.image_size, options]).encode())
    for record in records:
        try:
            status = os.stat(record.file)
            state = f"{status.st_size}/{status.st_mtime_ns}"
        except (OSError, ValueError):  # no such file, or no file can have this name
            state = "-"
        texts = (record.source, record.file, record.member, state, record.subject, record.expression, record.take)
        texts += (record.view, record.twin)
        digest.update("\0".join((*texts, record.reject)).encode("utf-8", "surrogateescape"))
        for values in (record.points, record.aus):
            digest.update(b"-" if values is None else values.tobytes())
    return digest.hexdigest()


def _write_part(directory: Path, shard: Shard) -> None:
    with atomic_directory(directory) as temporary:
        frame = shard.frame.astype(dict.fromkeys(AU_NAMES, np.float32)) if len(shard.frame) else shard.frame
        frame.to_parquet(temporary / "faces.parquet", index=False)
        np.save(temporary / "pixels.npy", shard.pixels)
        shard.rejects.to_parquet(temporary / "rejects.parquet", index=False)
        (temporary / "inputs.json").write_text(json.dumps(shard.inputs), encoding="utf-8")


def held_out(
    subjects: set[str], seed: int, share: float, least: int = 1, never: frozenset[str] = frozenset()
) -> set[str]:  # fmt: skip
    """The subjects whose hash falls into the share are held out, so that added subjects change no other's side.

    If the share is positive, at least `least` are held out, those of the smallest hashes, but no more than half; none
    of those in `never`.
    """

    def place(subject: str) -> float:
        digest = hashlib.blake2b(f"{seed}/{subject}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    least = min(least, len(subjects) // 2) if share > 0 else 0
    order = sorted(subjects - never, key=place)
    return {subject for i, subject in enumerate(order) if i < least or place(subject) < share}


def _assemble(
    parts: list[Path], recipe: Recipe, seed: int, directory: Path, photographs: int, seconds: Counter
) -> Summary:
    """Put the parts together as one prepared role; split and row depend on the whole."""
    role, options = recipe.role, recipe.options
    inputs = sum(json.loads((part / "inputs.json").read_text(encoding="utf-8")) for part in parts)
    counts = [pq.read_metadata(part / "faces.parquet").num_rows for part in parts]
    rejects = pd.concat([pd.read_parquet(part / "rejects.parquet") for part in parts], ignore_index=True)
    reasons = Counter(reason.split(":")[0] for reason in rejects["reason"])
    if not sum(counts):
        first = rejects.iloc[0]
        raise UserError(
            f"{recipe.source.path}: all {photographs} photographs were rejected"
            f" ({', '.join(f'{count} × {reason}' for reason, count in reasons.most_common())});"
            f" first {first['source']}: {first['reason']}; see `prepare` and `data.{role}` in params.yaml"
        )
    filled = [(part, count) for part, count in zip(parts, counts, strict=True) if count]
    subjects: Counter = Counter()
    for part, _ in filled:
        subjects.update(pd.read_parquet(part / "faces.parquet", columns=["subject"])["subject"])
    learnt = role in LEAST_HELD_OUT
    # Whoever has most of the faces is learnt from, or there would be little to learn from.
    most = frozenset(subject for subject, count in subjects.items() if 2 * count > subjects.total())
    validation = held_out({*subjects}, seed, options.val_share, LEAST_HELD_OUT[role], most) if learnt else set()
    with atomic_directory(directory) as temporary:
        columns = [*COLUMNS, *([VIEW] if recipe.source.views != "frontal" else [])]
        rows = _write_table(temporary / "faces.parquet", filled, columns, learnt, validation)
        _write_pixels(temporary / "pixels.npy", filled, rows, recipe.image_size)
        rejects[["source", "reason"]].to_parquet(temporary / "rejects.parquet", index=False)
        assert rows + len(rejects) == inputs >= photographs, "a photograph was lost"
        sheet = contact_sheet(read_pixels(temporary))
        Image.fromarray(sheet).save(temporary / "contact_sheet.png")
    held = Counter({subject: subjects[subject] for subject in validation})
    return Summary(rows, len(subjects), inputs, reasons, dict(seconds), held)


def _write_table(
    path: Path, filled: list[tuple[Path, int]], columns: list[str], learnt: bool, validation: set[str]
) -> int:  # fmt: skip
    writer, waiting, rows = None, [], 0
    try:
        for number, (part, count) in enumerate(filled):
            frame = pd.read_parquet(part / "faces.parquet")
            sides = ["val" if subject in validation else "train" for subject in frame["subject"]]
            frame["split"] = sides if learnt else "test"
            frame["row"] = np.arange(rows, rows + count)
            rows += count
            waiting.append(frame[columns])
            if number == len(filled) - 1 or sum(map(len, waiting)) >= ROW_GROUP:
                table = pa.Table.from_pandas(pd.concat(waiting, ignore_index=True), preserve_index=False)
                writer = writer or pq.ParquetWriter(path, table.schema)
                writer.write_table(table)
                waiting = []
    finally:
        if writer is not None:
            writer.close()
    return rows


def _write_pixels(path: Path, filled: list[tuple[Path, int]], rows: int, image_size: int) -> None:
    """One .npy file, written part by part: pages of a memory map would count as memory of this process."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (rows, image_size, image_size, 3)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part, _ in filled:
            np.load(part / "pixels.npy", allow_pickle=False).tofile(file)


def contact_sheet(pixels: np.ndarray, columns: int = 12, rows: int = 8) -> np.ndarray:
    """Up to columns × rows crops, evenly spaced among N×H×W×3 uint8, as one image; free places are white."""
    chosen = pixels[spread(len(pixels), columns * rows)]
    return tile(chosen, min(columns, len(chosen)))
