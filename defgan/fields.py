"""The types of params: what values a key of params.yaml may have."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Coefficient = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Embedder = Literal["dlib-resnet-128", "facenet-vggface2", "facenet-casia-webface", "openface-nn4.small2"]


class Strict(BaseModel):
    """A block of params; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
