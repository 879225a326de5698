"""Frames per second of a clip, and what they take: `python -m benchmarks.clips`, in a process of its own.

The weights are by chance and of the size that is shipped, as in `benchmarks.edits`.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import torch
import typer
from PIL import Image

from benchmarks.edits import CROP, make_editor
from defgan.demo.examples import examples
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.face_finder import FaceFinder
from defgan.editing.image_file import from_image
from defgan.editing.targets import make_target
from defgan.editing.video.clip import Clip, ClipFrame, fresh_clip
from defgan.editing.video.edit import TrackEdit, edit_video
from defgan.editing.video.face_tracker import FaceTracker
from defgan.editing.video.timeline import steady

SIZE, SECONDS, RATE = (640, 480), 4, 25
BAR_RATE = 6.0
"""Frames per second that two cores should edit."""
PARTS = {
    "convert": ((ClipFrame, "pixels"), (ClipFrame, "edited")),
    "track": ((FaceTracker, "add"),),
    "AUs": ((FaceFinder, "estimate_aus"),),
    "networks": ((Editor, "generate_all"),),
    "compose": ((TrackEdit, "face"), (TrackEdit, "render")),
}
"""Functions whose CPU seconds are a part of the work, without those of the others that they call."""


def make_clip(path: Path, size: tuple[int, int], frames: int) -> None:
    """A rendered face as high as the frame; the camera moves to and fro and has grain."""
    width, height = size
    rng, place = np.random.default_rng(0), (width - height) / 2
    with Image.open(examples()[0]) as image:
        face = np.asarray(image.convert("RGB").resize((height, height), Image.Resampling.BICUBIC))
    with fresh_clip(path, size, RATE, "a benchmark's clip") as write:
        for number in range(frames):
            turn = 2 * np.pi * number / RATE
            matrix = np.array([[1, 0, place * (1 + 0.4 * np.sin(0.3 * turn))], [0, 1, height / 60 * np.sin(turn / 2)]])
            moved = cv2.warpAffine(face, matrix, size, borderMode=cv2.BORDER_REPLICATE)
            grain = rng.normal(0, 1.2, moved.shape)
            write((moved + grain).round().clip(0, 255).astype(np.uint8), number / RATE)


@contextmanager
def metered(parts: dict[str, tuple[tuple[type, str], ...]]) -> Iterator[Counter]:
    """CPU seconds of each part while the context lasts; a thread's own are counted, not those that it starts."""
    seconds, local = Counter(), threading.local()

    def meter(part: str, function: Callable) -> Callable:
        @wraps(function)
        def measured(*arguments, **options):
            outer, local.inner = getattr(local, "inner", 0.0), 0.0
            started = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                spent = time.thread_time() - started
                seconds[part] += spent - local.inner
                local.inner = outer + spent

        return measured

    with ExitStack() as stack:
        for part, functions in parts.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, meter(part, getattr(owner, name))))
        yield seconds


@contextmanager
def one_core() -> Iterator[None]:
    """Networks and pictures are computed by the threads that call for them."""
    torch_threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv_threads)


def measure(quick: bool = False) -> dict[str, object]:
    """Frames per second, CPU seconds per frame, these as a share of a photograph's, and the parts' shares of them.

    A photograph is a frame that is found, edited and not encoded. Decoding is measured alone. What is left is encoding.
    """
    size, frames = ((160, 120), 6) if quick else (SIZE, SECONDS * RATE)
    editor, target = make_editor(DEFAULT, FaceFinder(CROP), quick), make_target("surprise")
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder, "clip.mp4"), Path(folder, "edited.mp4")
        make_clip(path, size, frames)
        opened = from_image(Image.fromarray(next(Clip(path).frames()).pixels()))
        for _ in range(2):  # the first is slower: memory is fetched, kernels are chosen
            began = time.process_time()
            editor.apply(opened, editor.find(opened.pixels), target)
            photograph = time.process_time() - began
        began, started = time.process_time(), time.perf_counter()
        edit_video(editor, path, output, steady(target))
        rate, per_frame = frames / (time.perf_counter() - started), (time.process_time() - began) / frames
        began = time.process_time()
        for _ in range(2):  # as often as an edit reads the file
            for _ in Clip(path).frames():
                pass
        decode = time.process_time() - began
        with one_core(), metered(PARTS) as seconds:
            began = time.process_time()
            edit_video(editor, path, output, steady(target))
            total = time.process_time() - began
    seconds = {"decode": decode, **{part: seconds[part] for part in PARTS}}
    shares = {part: spent / total for part, spent in seconds.items()} | {"encode": 1 - sum(seconds.values()) / total}
    ratio = per_frame / photograph
    return {"frames_per_s": rate, "cpu_s_per_frame": per_frame, "of_a_photograph": ratio, "shares": shares}


def measure_clip(quick: bool) -> dict[str, object]:
    """`measure` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.clips"] + (["--quick"] if quick else [])
    finished = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def clip_row(entry: dict) -> dict[str, str]:
    """The row of the table."""
    return {
        "frames/s": f"{entry['frames_per_s']:.1f}",
        "CPU-s per frame": f"{entry['cpu_s_per_frame']:.3f}",
        "of a photograph's": f"{entry['of_a_photograph']:.0%}",
        **{part: f"{share:.0%}" for part, share in entry["shares"].items()},
    }


def main(quick: bool = False) -> None:
    print(json.dumps(measure(quick)))


if __name__ == "__main__":
    typer.run(main)
