"""How fast training, preparation and editing are, and what they take: `python -m benchmarks` (or: make bench).

Speeds are ratios against something measured in the same run on the same device: a plain fp32 loop, the best rate of
large convolutions and matrix products, the smallest data set.
"""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.clips import BAR_RATE, SIZE, clip_row, measure_clip
from benchmarks.cost import device_name
from benchmarks.data import COUNTS, data_row, linear_growth
from benchmarks.edits import BAR_GB, BAR_S, CHANGE_BAR_S, edit_row, measure_edits
from benchmarks.kernels import kernel_rows
from benchmarks.machine import best_rates
from benchmarks.memory import measure_peak, memory_row
from benchmarks.prepare import prepare_figures, prepare_rows
from benchmarks.sizes import Size, sized, tiny
from benchmarks.throughput import ROUNDS, ceiling_row, compare, throughput_row
from defgan.files import atomic_file
from defgan.params import load_params

console = Console()


class Model(StrEnum):
    defgan = "defgan"
    ganimation = "ganimation"


OUTPUT = Path("reports/benchmarks/bench.json")
PRECISIONS = ("32-true", "bf16-mixed")


def show(title: str, rows: list[dict[str, str]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in rows[0]:
        table.add_column(heading, justify="left" if heading in ("model", "size", "type", "operation") else "right")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


def bench(
    sizes: Annotated[list[Size] | None, typer.Option("--size", help="Repeat for several; without it all.")] = None,
    models: Annotated[list[Model] | None, typer.Option("--model", help="Repeat for several; without it all.")] = None,
    batch: Annotated[int | None, typer.Option(help="At full size; without it 25 on a GPU, 4 on a CPU.")] = None,
    critic_steps: Annotated[int | None, typer.Option(help="Per generator step; without it as in params.yaml.")] = None,
    seconds: Annotated[float, typer.Option(help="For each model and size, at least three rounds.")] = 20.0,
    memory: Annotated[
        bool | None, typer.Option(help="Peak memory at the paper's scale, minutes on a CPU; without it on a GPU only.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Everything tiny, one round: for tests.")] = False,
    output: Annotated[Path, typer.Option(help="Where all numbers go, as JSON.")] = OUTPUT,
) -> None:
    """Measure training and editing on this machine; prints tables and writes all numbers to a JSON file."""
    params, gpu, started = load_params(), torch.cuda.is_available(), time.monotonic()
    sizes, models = sizes or list(Size), models or list(Model)
    batch = batch or (25 if gpu else 4)
    memory = gpu if memory is None else memory
    console.print(f"Device: {device_name()}", highlight=False)
    with console.status("the machine's best rates …") as status:
        rates = best_rates(quick)
        compared = []
        for size in sizes:
            for model in models:
                status.update(f"throughput: {model} at {size} size …")
                own = tiny(params) if quick else sized(params, size, batch, critic_steps)
                compared.append(compare(model, size, own, rates, seconds, (1, 1) if quick else ROUNDS))
        show("Training, whole iterations, against a plain fp32 loop", [throughput_row(entry) for entry in compared])
        best = [
            {"type": name, "TFLOP/s": f"{found['flops_per_s'] / 1e12:.3g}", "operation": found["operation"]}
            for name, found in rates.items()
        ]
        show("The machine's best rates", best)
        show("Share of the best rates", [ceiling_row(entry) for entry in compared])
        for entry in compared:
            show(f"Where an iteration's time goes: {entry['model']}, {entry['size']}", kernel_rows(entry))

        peaks = []
        if memory:
            for model in models:
                for precision in PRECISIONS[:1] if quick else PRECISIONS:
                    status.update(f"peak memory: {model}, {precision} …")
                    peaks.append(measure_peak(model, precision, quick))
            show("Peak memory at the paper's scale", [memory_row(entry) for entry in peaks])

        status.update("the data path …")
        # The fastest training is the one that waits most for its data.
        fastest = max((entry for entry in compared), key=lambda entry: entry["images_per_s"])
        counts = (100, 200) if quick else COUNTS
        grown = linear_growth(fastest["image_size"], fastest["batch_size"], fastest["images_per_s"], counts)
        title = f"Batches without training; share of the fastest training above ({fastest['model']}, {fastest['size']})"
        show(title, [data_row(entry) for entry in grown])

        status.update("edits of photographs …")
        edits = measure_edits(quick)
        title = f"Edits of photographs on the CPU; of 24 megapixels at most {BAR_S:g} s and {BAR_GB:g} GB"
        show(title, [edit_row(entry) for entry in edits["edits"]])
        console.print(f"A change on the page: {edits['change_s']:.2f} s, at most {CHANGE_BAR_S:g}", highlight=False)
        status.update("a clip …")
        clip = measure_clip(quick)
        title = f"A clip of {SIZE[0]}×{SIZE[1]} on the CPU; two cores should edit {BAR_RATE:g} frames/s"
        show(title, [clip_row(clip)])
        status.update("photographs to faces …")
        prepared = prepare_figures(params.prepare, quick)
        show("Photographs to faces: detection, alignment, AUs", prepare_rows(prepared))
    results = {
        "device": device_name(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "quick": quick,
        "best_rates": rates,
        "throughput": compared,
        "memory": peaks,
        "data": grown,
        "edits": edits,
        "clip": clip,
        "prepare": prepared,
    }
    with atomic_file(output) as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(f"{output}: all numbers, after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(bench)
