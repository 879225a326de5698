"""Seconds and memory of an edit by the photograph's size, in a process of its own: `python -m benchmarks.edits`.

The networks are those of the shipped weights, but start by chance: what an edit costs does not depend on what it shows.
"""

import io
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
import typer
from PIL import Image

from benchmarks.process import own_peak_bytes
from defgan import methods, presets
from defgan.demo.examples import examples
from defgan.demo.view import open_face, show
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.face_finder import FaceFinder
from defgan.editing.image_file import encode, from_image
from defgan.editing.targets import make_target
from defgan.methods.model import create

MEGAPIXELS = (0.3, 2.0, 24.0)
SHIPPED = "presets/supervised.yaml"
"""The params behind the shipped weights."""
EDITORS = (DEFAULT, methods.get(DEFAULT).rival)
CROP = 128
BAR_S, BAR_GB, CHANGE_BAR_S = 3.0, 2.0, 0.3
"""What a photograph of 24 megapixels may take, and a change on the page."""
REPEATS = 3


def make_editor(name: str, find: FaceFinder, quick: bool) -> Editor:
    torch.manual_seed(0)
    small = {"channels": 4, "residual_blocks": 1} if quick else {}
    architecture = methods.get(name).architecture(presets.preview(SHIPPED))
    model = create(name, architecture | small | {"precision": "32-true"})
    return Editor(name, model.eval(), "0" * 64, find)


def photograph(megapixels: float) -> bytes:
    """A rendered face as high as a 3:2 photograph, JPEG: the face takes as much of it as it ever does."""
    height = int((megapixels * 1e6 * 2 / 3) ** 0.5)
    canvas = Image.new("RGB", (height * 3 // 2, height), (96, 96, 96))
    with Image.open(examples()[0]) as face:
        canvas.paste(face.resize((height, height), Image.Resampling.BICUBIC), (height // 4, 0))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def edit_times(editor: Editor, content: bytes) -> dict[str, float]:
    """Seconds of each step of one edit, from the file's content to that of the edited file."""
    marks = [time.perf_counter()]
    opened = from_image(Image.open(io.BytesIO(content)))
    marks.append(time.perf_counter())
    faces = editor.find(opened.pixels)
    marks.append(time.perf_counter())
    edited = editor.apply(opened, faces, make_target("surprise"))
    marks.append(time.perf_counter())
    encode(opened, edited.pixels, "JPEG", editor.note("benchmark"))
    marks.append(time.perf_counter())
    steps = dict(zip(("read_s", "find_s", "edit_s", "write_s"), np.diff(marks).tolist(), strict=True))
    return {**steps, "total_s": marks[-1] - marks[0]}


def measure(quick: bool = False) -> dict[str, object]:
    """Medians for each size, smallest first, with the process's peak memory up to then; and of a change on the page.

    The page shows the default model's edit before its rival's: that one counts.
    """
    find = FaceFinder(CROP)
    editors = {name: make_editor(name, find, quick) for name in EDITORS}
    entries = []
    for megapixels in MEGAPIXELS[:1] if quick else MEGAPIXELS:
        content = photograph(megapixels)
        edit_times(editors[DEFAULT], content)  # the first is slower: memory is fetched, kernels are chosen
        times = [edit_times(editors[DEFAULT], content) for _ in range(1 if quick else REPEATS)]
        entry = {key: statistics.median(each[key] for each in times) for key in times[0]}
        entries.append({"megapixels": megapixels, **entry, "memory_gb": own_peak_bytes() / 1e9})
    opened, first = open_face(examples()[0], editors), {DEFAULT: editors[DEFAULT]}
    changes = []
    for expression in ("happy", "anger", "surprise", "sad"):
        started = time.perf_counter()
        show(opened, first, make_target(expression).vector(opened.x))
        changes.append(time.perf_counter() - started)
    channels = presets.preview(SHIPPED).training.channels
    return {"crop": CROP, "channels": channels, "edits": entries, "change_s": statistics.median(changes[1:])}


def measure_edits(quick: bool) -> dict[str, object]:
    """`measure` in a fresh process, whose memory is the edits' own."""
    command = [sys.executable, "-m", "benchmarks.edits"] + (["--quick"] if quick else [])
    finished = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def edit_row(entry: dict) -> dict[str, str]:
    """A row of the table of sizes."""
    steps = ("read_s", "find_s", "edit_s", "write_s", "total_s")
    seconds = {key.removesuffix("_s") + ", s": f"{entry[key]:.2f}" for key in steps}
    return {"megapixels": f"{entry['megapixels']:g}", **seconds, "peak memory, GB": f"{entry['memory_gb']:.2f}"}


def main(quick: bool = False) -> None:
    print(json.dumps(measure(quick)))


if __name__ == "__main__":
    typer.run(main)
