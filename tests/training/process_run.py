"""Run by test_processes.py in processes of their own: `process_run.py NAME DIRECTORY PROCESSES`."""

import json
import sys
from pathlib import Path

from safetensors.torch import save_file

from defgan.training.trainer import Trainer
from tests.training.conftest import make_faces, material, tiny_params


def main(name: str, directory: Path, processes: int) -> None:
    # Noise, colours and blur are drawn by each process for its own images; without them, processes see what one would.
    params = tiny_params(
        batches=40,
        devices=processes,
        instance_noise=0.0,
        critic_color_change=0.0,
        critic_blur=False,
        precision="32-true",
    )
    # Coefficients of its own, of moderate gradients: how fast roundings grow is not to hang on the default's recipe.
    params = params.model_copy(update={"lambda_id": 1.0, "lambda_eye_g": 0.1, "lambda_eye_m": 300.0})
    rows = []

    def on_row(step, row):
        rows.append(row)
        print(step, flush=True)

    trainer = Trainer(name, params, material(name, make_faces()), directory, on_row, lambda path: None)
    trained = trainer.fit()
    if trainer.runtime.is_main:
        save_file({k: v.contiguous() for k, v in trained.model.state_dict().items()}, directory / "final.safetensors")
        (directory / "rows.json").write_text(json.dumps(trained.curves))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
