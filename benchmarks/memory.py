"""Peak memory of a training at the paper's scale, in a process of its own: `python -m benchmarks.memory defgan`."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.cost import embedder_at_hand, settled, synthetic_faces, trial
from benchmarks.sizes import Size, sized, tiny
from defgan.params import load_params
from defgan.presets import preview

PAPER = Path("presets/paper.yaml")
BAR_GB = 12.0
"""What a training at the paper's scale may take."""


def peak(
    name: Annotated[str, typer.Argument(help="defgan | ganimation")],
    precision: Annotated[str, typer.Option(help="32-true | bf16-mixed")] = "32-true",
    quick: Annotated[bool, typer.Option(help="A tiny size, for tests.")] = False,
) -> None:
    """Run a few iterations of NAME under presets/paper.yaml and print the peak as JSON, in GB."""
    # More critic steps per generator step take longer and no more memory.
    params = sized(tiny(load_params()) if quick else preview(PAPER), Size.default, critic_steps=1)
    params, _ = embedder_at_hand(settled(name, params))
    changes = {"precision": precision, "au_warmup_steps": 0}
    params = params.model_copy(update={"training": params.training.model_copy(update=changes)})
    batch_size = params.training.batch_size
    with TemporaryDirectory() as state:
        trainer = trial(name, params, synthetic_faces(4 * batch_size, params.image_size), Path(state))
        # The first makes the optimisers' moments, the second runs beside them; a graph's memory is its own.
        for _ in range(2 + trainer.runtime.slow_calls):
            trainer.advance()
        memory_gb = trainer.timings.close()["memory_gb"]
    entry = {"model": name, "batch_size": batch_size, "precision": precision, "memory_gb": memory_gb}
    print(json.dumps(entry))


def measure_peak(name: str, precision: str, quick: bool) -> dict[str, object]:
    """`peak` in a fresh process, whose memory is all this training's."""
    command = [sys.executable, "-m", "benchmarks.memory", name, "--precision", precision]
    command += ["--quick"] if quick else []
    finished = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def memory_row(entry: dict) -> dict[str, str]:
    return {
        "model": entry["model"],
        "batch": str(entry["batch_size"]),
        "precision": entry["precision"],
        "peak, GB": f"{entry['memory_gb']:.2f}",
        f"of {BAR_GB:g} GB": f"{entry['memory_gb'] / BAR_GB:.0%}",
    }


if __name__ == "__main__":
    typer.run(peak)
