"""How fast photographs become faces, which step takes how much, and how memory grows: `python -m benchmarks.prepare`.

Times are processor time: on a machine that does other things too, the time on the wall says little. The speed of two
cores is twice that of one: processes share nothing.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from PIL import Image

from benchmarks.process import own_peak_bytes
from defgan import alignment
from defgan.alignment import POINT_COLUMNS
from defgan.datasets import read_dataset
from defgan.faces.preparation import Recipe, prepare_shard
from defgan.faces.processes import one_core
from defgan.faces.shards import prepare_faces
from defgan.facs import AU_NAMES
from defgan.params import PrepareParams, Source, load_params
from defgan.photographs import read_photograph
from defgan.records import Dataset, Record
from defgan.weight_files import weights_path

SIDE = 256
"""Side of the photographs, pixels."""
PHOTOGRAPHS = 192
PEOPLE = 24
CORES = 2
MILLION = 1_000_000
COUNTS = (20_000, 50_000)
"""Rows between which the growth of the memory is measured; more than are written at a time."""
LARGEST_GB = 3.0
"""What a million rows may take."""
OWN_CROP = 128
"""Side of the crops, pixels; the paper's."""


def rendered(directory: Path, people: int, photographs: int) -> Dataset:
    """JPEGs of people of the corpus: there are no photographs of real ones here."""
    from defgan.corpus.roles import Studio, make_role
    from defgan.corpus.scenes import crew

    studio = Studio()
    with crew(studio.head, workers=1) as run:
        make_role(directory / "corpus", "wild", studio, run, people, 1, seed=0, size=SIDE, supersample=1)
    sources = sorted((directory / "corpus/images").iterdir())
    (directory / "photos").mkdir()
    for number in range(photographs):
        with Image.open(sources[number % len(sources)]) as image:
            image.convert("RGB").save(directory / "photos" / f"{number:05d}.jpg", quality=90)
    return read_dataset("folder", directory / "photos")


def speed(dataset: Dataset, options: PrepareParams) -> dict[str, object]:
    """Photographs per second of processor time, from files to crops with AUs, and each step's share."""
    source = Source(path="", layout="folder", points="mtcnn", action_units="blendshapes")
    recipe = Recipe("wild", source, OWN_CROP, options)
    with one_core(recipe):
        prepare_shard(dataset.records[:8], recipe)  # networks loaded, first calls made
        started, wall = time.process_time(), time.perf_counter()
        shard = prepare_shard(dataset.records, recipe)
        spent, passed = time.process_time() - started, time.perf_counter() - wall
    steps = {step: seconds / spent for step, seconds in shard.seconds.items()}
    return {
        "photographs": len(dataset.records),
        "side": SIDE,
        "faces": len(shard.frame),
        "per_core_s": len(dataset.records) / spent,
        "per_s_on_the_wall": len(dataset.records) / passed,
        "two_cores_s": CORES * len(dataset.records) / spent,
        "shares": steps | {"rest": 1 - sum(steps.values())},
    }


def mediapipe_speed(dataset: Dataset) -> dict[str, object] | None:
    """The same of MediaPipe's own task, detection to blendshapes without a crop; None where it is not installed."""
    if importlib.util.find_spec("mediapipe") is None:
        return None
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(weights_path("face-landmarker"))), output_face_blendshapes=True
    )
    with vision.FaceLandmarker.create_from_options(options) as task:

        def read(record: Record) -> int:
            pixels = np.ascontiguousarray(read_photograph(record.open()).pixels)
            return len(task.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, pixels)).face_blendshapes)

        read(dataset.records[0])
        started = time.process_time()
        faces = sum(read(record) for record in dataset.records)
        spent = time.process_time() - started
    return {"faces": faces, "per_core_s": len(dataset.records) / spent}


def annotated(directory: Path, count: int) -> None:
    """One picture under so many names, with points and AUs."""
    (directory / "photos").mkdir()
    Image.new("RGB", (96, 96), (200, 150, 120)).save(directory / "one.png")
    names = [f"{number:07d}.png" for number in range(count)]
    for name in names:
        os.link(directory / "one.png", directory / "photos" / name)
    points = dict(zip(POINT_COLUMNS, (alignment.template(80) + 8.0).ravel(), strict=True))
    frame = pd.DataFrame({"path": names, **points, **dict.fromkeys(AU_NAMES, 0.5)})
    frame.to_parquet(directory / "photos/annotations.parquet")


def peak_bytes(directory: Path) -> int:
    """Most memory of this process while it prepares the photographs of `annotated`."""
    source = Source(path="", layout="folder", points="annotations", action_units="annotations")
    options = load_params().prepare.model_copy(update={"workers": 1})
    dataset = read_dataset("folder", directory / "photos")
    prepare_faces(dataset, "wild", source, 64, options, 0, directory / "made", directory / "state")
    return own_peak_bytes()


def memory_growth(counts: tuple[int, int] = COUNTS) -> dict[str, float]:
    """Bytes for each further row, and what a million rows take; each count in a process of its own."""
    peaks = []
    for count in counts:
        with TemporaryDirectory() as directory:
            annotated(Path(directory), count)
            command = [sys.executable, "-m", "benchmarks.prepare", directory]
            finished = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
        peaks.append(json.loads(finished.stdout.splitlines()[-1]))
    slope = (peaks[1] - peaks[0]) / (counts[1] - counts[0])
    return {
        "counts": counts,
        "peak_bytes": peaks,
        "bytes_per_row": slope,
        "million_gb": (peaks[1] + MILLION * slope) / 1e9,
    }


def prepare_figures(options: PrepareParams, quick: bool) -> dict[str, object]:
    """All of the above."""
    with TemporaryDirectory() as name:
        dataset = rendered(Path(name), 2 if quick else PEOPLE, 4 if quick else PHOTOGRAPHS)
        ours, task = speed(dataset, options), mediapipe_speed(dataset)
    return {"ours": ours, "mediapipe": task, "memory": memory_growth((20, 40) if quick else COUNTS)}


def prepare_rows(figures: dict) -> list[dict[str, str]]:
    """The figures as a table of two columns."""
    ours, task, memory = figures["ours"], figures["mediapipe"], figures["memory"]
    rows = {
        f"photographs/s, {ours['side']} px, two cores": f"{ours['two_cores_s']:.0f}",
        **{f"  {step}": f"{share:.0%}" for step, share in ours["shares"].items()},
        "on the wall, one process": f"{ours['per_s_on_the_wall']:.0f}",
        "MediaPipe's own task, photographs/s of a core": f"{task['per_core_s']:.0f}" if task else "not installed",
        "ours": f"{ours['per_core_s']:.0f}",
        "memory for a further row": f"{memory['bytes_per_row'] / 1e3:.2f} kB",
        f"a million rows, of {LARGEST_GB:g} GB": f"{memory['million_gb']:.2f} GB",
    }
    return [{"operation": name, "": value} for name, value in rows.items()]


def main(directory: Annotated[Path, typer.Argument(help="made by `annotated`")]) -> None:
    """Print the peak memory of preparing a directory, in bytes."""
    print(json.dumps(peak_bytes(directory)))


if __name__ == "__main__":
    typer.run(main)
