import numpy as np
import pandas as pd
import pytest

from defgan import methods
from defgan.faces.table import COLUMNS, Faces
from defgan.facs import AU_NAMES, RAFD_EXPRESSIONS
from defgan.methods.gan import Learner
from defgan.params import AugmentParams, load_params
from defgan.training.runtime import Runtime

SIZE = 32
NO_CHANGE = AugmentParams(start=0, turn=0, zoom=0, shift=0, color=0, jpeg_quality=0)


def make_faces(count: int = 20) -> Faces:
    """Noise with labels, the first four faces held out; the same at every call."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({column: [""] * count for column in COLUMNS})
    frame["image_id"] = [f"face{i}" for i in range(count)]
    frame["subject"] = [f"subject{i // 2}" for i in range(count)]
    frame["split"] = ["val" if i < 4 else "train" for i in range(count)]
    frame["row"] = np.arange(count)
    frame["expression"] = [RAFD_EXPRESSIONS[i % 8] for i in range(count)]
    frame[list(AU_NAMES)] = rng.random((count, len(AU_NAMES)), dtype=np.float32)
    return Faces(frame, rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8))


def tiny_params(**training):
    """The default params, of a size that trains in seconds."""
    params = load_params()
    tiny = {
        "batches": 60,
        "batch_size": 4,
        "channels": 4,
        "critic_channels": 4,
        "residual_blocks": 1,
        "au_warmup_steps": 5,
        "sheet_every": 20,
        "checkpoint_seconds": 1e-9,
        "schedule": params.training.schedule.model_copy(update={"start": 0.5}),
    }
    return params.model_copy(
        update={"image_size": SIZE, "training": params.training.model_copy(update=tiny | training)}
    )


def make_learner(name: str, embed=None, **coefficients) -> Learner:
    """A method's learner in fp32, with a plain discriminator and an embedder of the test's, and without a response."""
    params = tiny_params(
        precision="32-true", instance_noise=0.0, critic_color_change=0.0, critic_blur=False, expression_changes=False
    )
    learner = methods.get(name).learner(params, Runtime(params.training))
    learner.coefficients = learner.coefficients.model_copy(update=coefficients)
    learner.embed = embed
    return learner


@pytest.fixture
def faces():
    return make_faces()


@pytest.fixture
def params():
    return tiny_params()
