import numpy as np
import pandas as pd
import pytest

from defgan import methods
from defgan.faces.table import COLUMNS, Faces
from defgan.facs import AU_NAMES, RAFD_EXPRESSIONS
from defgan.methods.base import PAIRS
from defgan.methods.gan import Learner
from defgan.pairs import Pairs
from defgan.params import AugmentParams, load_params
from defgan.training.material import FacesMaterial, Material, PairsMaterial
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


def make_pairs(scenes: int = 8) -> Pairs:
    """Noise under noise of AUs, moved down by a pixel at 128 px, the last two scenes held out."""
    rng = np.random.default_rng(0)
    order = np.array([[0, 1], [1, 0], [1, 2], [0, 2]])
    flows = np.zeros((scenes, len(order), SIZE // 4, SIZE // 4, 2), np.int8)
    flows[..., 1] = -8
    flows[:, :, :2] = -128
    held_out = np.arange(scenes) >= scenes - 2
    images = rng.integers(0, 256, (scenes, 3, SIZE, SIZE, 3), dtype=np.uint8)
    aus = rng.random((scenes, 3, len(AU_NAMES)), dtype=np.float32)
    return Pairs(images, aus, flows, order, held_out, rng.random(scenes, dtype=np.float32))


def material(name: str, faces: Faces) -> Material:
    """What a method learns from: the faces, or made-up pairs."""
    method = methods.get(name)
    return PairsMaterial(make_pairs()) if method.role == PAIRS else FacesMaterial(faces, method)


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
    supervised = params.supervised.model_copy(update={"batches": 30, "critic_start": 0.5, "grid_stride": 2})
    return params.model_copy(
        update={
            "image_size": SIZE,
            "training": params.training.model_copy(update=tiny | training),
            "supervised": supervised,
        }
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
