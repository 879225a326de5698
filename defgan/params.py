"""Typed parameters: `params.yaml` validated once; an unknown key fails with the nearest known name.

`python -m defgan.params` checks the file alone.
"""

import difflib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from defgan.errors import UserError
from defgan.facs import EXPRESSIONS

Positive = Annotated[int, Field(gt=0)]
Coefficient = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Embedder = Literal["dlib-resnet-128", "facenet-vggface2", "facenet-casia-webface", "openface-nn4.small2"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainRole(_Strict):
    subjects: Annotated[int, Field(ge=0)]
    images_per_subject: Positive


class CorpusRole(_Strict):
    subjects: Annotated[int, Field(ge=0)]


class CorpusParams(_Strict):
    image_size: Annotated[int, Field(ge=32)]
    supersample: Annotated[int, Field(ge=1, le=4)]
    train: TrainRole
    wild: CorpusRole
    mug: CorpusRole
    rafd: CorpusRole


class Source(_Strict):
    """Where one role's photographs come from and how their points and AUs are read."""

    path: str
    dataset: Literal["corpus", "folder", "manifest", "emotionet", "celeba_hq", "mug", "rafd"]
    points: Literal["annotations", "mtcnn"]
    action_units: Literal["annotations", "blendshapes", "openface", "pyfeat"]
    au_table: str = ""
    au_scale: Annotated[float, Field(gt=0)] = 1.0


class DataParams(_Strict):
    train: Source
    wild: Source
    mug: Source
    rafd: Source


class PrepareParams(_Strict):
    detection_threshold: Share
    faces: Literal["largest", "all"]
    min_face: Positive
    max_yaw: Annotated[float, Field(gt=0, le=90)]
    min_sharpness: Coefficient
    val_share: Share
    engine: Literal["local", "ray"]
    workers: Literal["auto"] | Positive


class PlanParams(_Strict):
    database: Literal["mug", "rafd"]
    instances: Positive
    grid_faces: Positive
    sweep_faces: Positive
    sweep_expression: Literal[EXPRESSIONS]
    sweep_steps: Annotated[int, Field(ge=2)]
    rafd_faces: Annotated[int, Field(ge=0)]
    au_faces: Positive
    au_steps: Annotated[int, Field(ge=2)]
    slider_faces: Positive


class AugmentParams(_Strict):
    """Random changes of the photographs that a model learns from."""

    start: Share
    turn: Annotated[float, Field(ge=0, le=90)]
    zoom: Annotated[float, Field(ge=0, le=0.5)]
    shift: Annotated[float, Field(ge=0, le=0.5)]
    color: Share
    jpeg_quality: Annotated[int, Field(ge=0, le=95)]


class HardeningParams(_Strict):
    """How the discriminator is made harder to please, once it knows what it looks for (`trainer.hardness`)."""

    start: Share
    critic_weight: Annotated[float, Field(gt=0)]
    worst_case: Coefficient


class TrainingParams(_Strict):
    """What all models share."""

    batches: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0)]
    beta1: Decay
    beta2: Decay
    decay_share: Share
    max_grad_norm: Coefficient
    channels: Positive
    critic_channels: Positive
    residual_blocks: Positive
    ema_decay: Decay
    au_warmup_steps: Annotated[int, Field(ge=0)]
    instance_noise: Coefficient
    critic_color_change: Share
    critic_blur: bool
    expression_changes: bool
    hardening: HardeningParams
    embedder: Embedder
    augment: AugmentParams
    precision: Literal["32-true", "bf16-mixed"]
    devices: Literal["auto"] | Positive
    nodes: Positive
    sheet_every: Positive
    checkpoint_seconds: Annotated[float, Field(gt=0)]


class GANimationParams(_Strict):
    critic_steps: Positive
    lambda_gp: Coefficient
    lambda_exp: Coefficient
    lambda_exp_d: Coefficient
    lambda_exp_fake: Coefficient
    lambda_cyc: Coefficient
    lambda_mask: Coefficient
    lambda_tv: Coefficient
    lambda_eye_m: Coefficient


class StarGANParams(_Strict):
    critic_steps: Positive
    lambda_gp: Coefficient
    lambda_cls: Coefficient
    lambda_rec: Coefficient
    lambda_idt: Coefficient


class EditParams(_Strict):
    batch_size: Positive


class EvaluateParams(_Strict):
    features: Literal["efficientnet-lite0", "inception-v3-compat"]
    reference: Literal["train", "wild", "mug", "rafd"]
    embedder: Embedder
    batch_size: Positive


class UserStudyParams(_Strict):
    seed: int
    images_per_method: Positive
    questions: Positive
    near_neutral: Annotated[float, Field(gt=0, le=1)]
    near_frontal: Annotated[float, Field(gt=0, le=1)]
    consent: str
    post_to: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+\S*)?$")]
    responses: str


class Params(_Strict):
    """All of params.yaml; the comments there say what each key means and which equation it belongs to."""

    seed: int
    image_size: Annotated[int, Field(ge=32, multiple_of=4)]
    corpus: CorpusParams
    data: DataParams
    prepare: PrepareParams
    plan: PlanParams
    training: TrainingParams
    critic_steps: Positive
    lambda_gp: Coefficient
    lambda_exp_comp: Coefficient
    lambda_exp_def: Coefficient
    lambda_exp_d: Coefficient
    lambda_exp_fake: Coefficient
    lambda_cyc: Coefficient
    lambda_id: Coefficient
    lambda_id_comp: Coefficient
    identity_margin: Coefficient
    lambda_comp: Coefficient
    lambda_eye_g: Coefficient
    lambda_tv_g: Coefficient
    lambda_eye_m: Coefficient
    lambda_tv_m: Coefficient
    max_offset: Annotated[float, Field(gt=0)]
    use_deformation: bool
    use_texture: bool
    ganimation: GANimationParams
    stargan: StarGANParams
    edit: EditParams
    evaluate: EvaluateParams
    user_study: UserStudyParams


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def _explain(error: ValidationError, source: str | Path) -> str:
    # An unknown key comes first: where one is mistyped, the right one is also missing.
    first = min(error.errors(), key=lambda entry: entry["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, _known_keys(Params), n=1, cutoff=0.0)[0]
        return f"{source}: unknown key `{key}`; the nearest known key is `{near}`"
    if not key:
        return f"{source}: expected the keys of params.yaml with their values"
    if first["type"] == "missing":
        return f"{source}: key `{key}` is missing; add it (see params.yaml in the repository)"
    return f"{source}: `{key}`: {first['msg'][0].lower()}{first['msg'][1:]}, not {first['input']!r}"


def read_params(path: str | Path = "params.yaml") -> Any:
    """What a params file holds, not validated."""
    path = Path(path)
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the repository's root") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def validate_params(content: Any, source: str | Path) -> Params:
    """Params from plain values; raises UserError with `source`, the key and the remedy."""
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise UserError(_explain(error, source)) from None


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and validate a params file; raises UserError with the key and the remedy."""
    return validate_params(read_params(path), path)


if __name__ == "__main__":
    try:
        load_params()
    except UserError as error:
        sys.exit(str(error))
    print("params.yaml: every key is known and every value valid")
