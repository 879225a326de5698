"""The types of params: what values a key of params.yaml may have."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Coefficient = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Epochs = Annotated[float, Field(gt=0)]
Deformation = Literal["offset", "spacing"]
Reduction = Literal["mean", "sum"]
Units = Literal["pixels", "grid"]
Embedder = Literal["dlib-resnet-128", "facenet-vggface2", "facenet-casia-webface", "openface-nn4.small2"]


class Strict(BaseModel):
    """A block of params; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check_grid(deformation: Deformation, max_offset: float, block: str = "") -> None:
    """Raise ValueError where spacings cannot reach the identity's, which is 2 halves of a pixel."""
    if deformation == "spacing" and max_offset <= 2:
        raise ValueError(
            f"{block}max_offset: {max_offset:g} halves of a pixel are the largest spacing, but the identity's is 2;"
            f" raise it above 2, or set {block}deformation to offset"
        )
