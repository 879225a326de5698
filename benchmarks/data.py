"""Whether the cost of an epoch of batches grows linearly with the images, and its share of the training time."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.cost import seconds
from benchmarks.machine import device
from defgan.facs import N_AUS
from defgan.params import AugmentParams
from defgan.training.data import Batches

COUNTS = (1_000, 10_000, 100_000)
BLOCK = 4096
NO_CHANGE = AugmentParams(start=0, turn=0, zoom=0, shift=0, color=0, jpeg_quality=0)


def write_pixels(path: Path, count: int, image_size: int) -> None:
    """Noise as a prepared role stores its pixels, uint8 N×H×W×3."""
    rng = np.random.default_rng(0)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, image_size, image_size, 3))
    for start in range(0, count, BLOCK):
        block = pixels[start : start + BLOCK]
        block[:] = np.frombuffer(rng.bytes(block.size), np.uint8).reshape(block.shape)
    pixels.flush()


def epoch_cost(count: int, image_size: int, batch_size: int, directory: Path) -> dict[str, float]:
    """Seconds to open `count` images, and of an epoch of batches without any training."""
    path = directory / f"{count}.npy"
    write_pixels(path, count, image_size)
    conditions = np.random.default_rng(1).random((count, N_AUS), np.float32)
    started = time.perf_counter()
    pixels, rows = np.load(path, mmap_mode="r"), np.arange(count)
    batches = Batches(pixels, rows, conditions, batch_size, 0, 0.1, NO_CHANGE, device())
    opened = time.perf_counter() - started

    def epoch() -> None:
        for index in range(batches.per_epoch):
            batches[index]

    epoch_s = seconds(epoch)
    path.unlink()
    seen = batches.per_epoch * batch_size
    return {"images": count, "open_s": opened, "epoch_s": epoch_s, "us_per_image": 1e6 * epoch_s / seen}


def linear_growth(
    image_size: int, batch_size: int, images_per_s: float, counts: tuple[int, ...] = COUNTS
) -> list[dict[str, float]]:
    """The cost for each number of images, next to the fewest; its share of a training of so many images/s."""
    with TemporaryDirectory() as directory:
        entries = [epoch_cost(count, image_size, batch_size, Path(directory)) for count in counts]
    for entry in entries:
        entry["growth"] = entry["us_per_image"] / entries[0]["us_per_image"]
        entry["share_of_training"] = entry["us_per_image"] * 1e-6 * images_per_s
    return entries


def data_row(entry: dict) -> dict[str, str]:
    return {
        "images": f"{entry['images']:,}",
        "to open, s": f"{entry['open_s']:.3f}",
        "an epoch, s": f"{entry['epoch_s']:.3g}",
        "µs per image": f"{entry['us_per_image']:.1f}",
        "against the fewest": f"{entry['growth']:.2f}×",
        "of the training time": f"{entry['share_of_training']:.2%}",
    }
