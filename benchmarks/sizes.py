"""The sizes of training that are measured."""

from enum import StrEnum

from defgan.params import Params


class Size(StrEnum):
    default = "default"  # of params.yaml
    full = "full"  # the paper's networks and images


FULL = {"channels": 64, "critic_channels": 64}
TINY = {"channels": 4, "critic_channels": 4, "residual_blocks": 1, "batch_size": 2}


def sized(params: Params, size: Size, batch_size: int = 25, critic_steps: int | None = None) -> Params:
    """`params` at a size; `batch_size` is that of the full one, `critic_steps` (None: as they are) of every model's."""
    steps = {} if critic_steps is None else {"critic_steps": critic_steps}
    ganimation = params.ganimation.model_copy(update=steps)
    params = params.model_copy(update={**steps, "ganimation": ganimation})
    return params if size is Size.default else _resized(params, 128, {**FULL, "batch_size": batch_size})


def tiny(params: Params) -> Params:
    """`params` at a size at which everything takes seconds, for tests."""
    return _resized(params, 32, TINY)


def _resized(params: Params, image_size: int, training: dict[str, int]) -> Params:
    training = params.training.model_copy(update=training)
    return params.model_copy(update={"image_size": image_size, "training": training})
