"""Typed parameters: `params.yaml` validated once; an unknown key fails with the nearest known name."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, create_model, model_validator

from defgan.datasets import LAYOUTS
from defgan.datasets.views import VIEWS
from defgan.errors import UserError
from defgan.facs import EXPRESSIONS
from defgan.fields import Coefficient, Decay, Embedder, Epochs, Positive, Share, Strict
from defgan.methods import registry
from defgan.methods.adversarial import BaselineCoefficients


class TrainRole(Strict):
    subjects: Annotated[int, Field(ge=0)]
    images_per_subject: Positive


class CorpusRole(Strict):
    subjects: Annotated[int, Field(ge=0)]


class PairsRole(Strict):
    """Rendered pairs: `scenes` people under `images_per_scene` AU vectors each; none where `scenes` is 0."""

    scenes: Annotated[int, Field(ge=0)]
    images_per_scene: Annotated[int, Field(ge=4)]
    held_out: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _some_are_learnt_from(self) -> Self:
        if self.scenes and self.held_out >= self.scenes:
            raise ValueError(
                f"corpus.pairs.held_out: {self.held_out} scenes are held out, but corpus.pairs.scenes is {self.scenes},"
                " and some must be learnt from; lower corpus.pairs.held_out or raise corpus.pairs.scenes"
            )
        return self


class CorpusParams(Strict):
    image_size: Annotated[int, Field(ge=32)]
    supersample: Annotated[int, Field(ge=1, le=4)]
    train: TrainRole
    wild: CorpusRole
    mug: CorpusRole
    rafd: CorpusRole
    pairs: PairsRole


class Source(Strict):
    """Where one role's photographs come from, and where their points and AUs do."""

    path: str
    layout: Literal[LAYOUTS]
    points: Literal["annotations", "mtcnn"]
    action_units: Literal["annotations", "blendshapes", "openface", "pyfeat"]
    au_table: str = ""
    au_scale: Annotated[float, Field(gt=0)] = 1.0
    views: Literal[tuple(VIEWS)] = "frontal"


class DataParams(Strict):
    train: Source
    wild: Source
    mug: Source
    rafd: Source


class PrepareParams(Strict):
    detection_threshold: Share
    faces: Literal["largest", "all"]
    min_face: Positive
    max_yaw: Annotated[float, Field(gt=0, le=90)]
    min_sharpness: Coefficient
    val_share: Share
    engine: Literal["local", "ray"]
    workers: Literal["auto"] | Positive


class PlanParams(Strict):
    wild_faces: Literal["all"] | Positive
    table_1_targets: Literal["instances", "person"]
    target_role: Literal["mug", "rafd"]
    instances: Positive
    grid_faces: Positive
    sweep_faces: Positive
    sweep_expression: Literal[EXPRESSIONS]
    sweep_steps: Annotated[int, Field(ge=2)]
    rafd_faces: Annotated[int, Field(ge=0)]
    au_faces: Positive
    au_steps: Annotated[int, Field(ge=2)]
    slider_faces: Positive

    @model_validator(mode="after")
    def _sliders_are_single_au_faces(self) -> Self:
        if self.slider_faces > self.au_faces:
            raise ValueError(
                f"plan.slider_faces: {self.slider_faces} faces get sliders, but plan.au_faces is {self.au_faces} and"
                " the sliders need single-AU edits; lower plan.slider_faces or raise plan.au_faces"
            )
        return self


class AugmentParams(Strict):
    """Random changes of the photographs that a model learns from."""

    start: Share
    turn: Annotated[float, Field(ge=0, le=90)]
    zoom: Annotated[float, Field(ge=0, le=0.5)]
    shift: Annotated[float, Field(ge=0, le=0.5)]
    color: Share
    jpeg_quality: Annotated[int, Field(ge=0, le=95)]


class ScheduleParams(Strict):
    """How strict the discriminator becomes once its AU head has learnt (`AdversarialMethod.schedule`)."""

    start: Share
    critic_weight: Annotated[float, Field(gt=0)]
    perturbation: Coefficient


class TrainingParams(Strict):
    """What all methods share, but for what a method's own block says otherwise."""

    batches: Positive | None
    epochs: Epochs | None
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
    schedule: ScheduleParams
    embedder: Embedder
    augment: AugmentParams
    precision: Literal["32-true", "bf16-mixed"]
    compile: Literal["graphs", "off"]
    devices: Literal["auto"] | Positive
    nodes: Positive
    sheet_every: Positive
    checkpoint_seconds: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.batches is None) == (self.epochs is None):
            given = f"it is {json.dumps(self.epochs)} and training.batches is {json.dumps(self.batches)}"
            raise ValueError(f"training.epochs: {given}; one of the two says how long methods train, the other is null")
        return self

    @property
    def length(self) -> str:
        """How long methods train, in words."""
        return f"{self.epochs:g} epochs" if self.batches is None else f"{self.batches} batches"

    def count_batches(self, images: int) -> int:
        """How many batches a training on so many images takes; the rest of each epoch is dropped."""
        return round(self.epochs * (images // self.batch_size)) if self.batches is None else self.batches


class EditParams(Strict):
    batch_size: Positive


class EvaluateParams(Strict):
    features: Literal["efficientnet-lite0", "inception-v3-compat"]
    reference: Literal["train", "wild", "mug", "rafd"]
    reference_faces: Literal["all"] | Annotated[int, Field(ge=2)]
    embedder: Embedder
    more_embedders: list[Embedder]
    batch_size: Positive


class UserStudyParams(Strict):
    seed: int
    images_per_method: Positive
    questions: Positive
    near_neutral: Annotated[float, Field(gt=0, le=1)]
    near_frontal: Annotated[float, Field(gt=0, le=1)]
    consent: str
    post_to: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+\S*)?$")]
    responses: str


class _Shared(Strict):
    """All of params.yaml but the methods' coefficients; the comments there say what each key means."""

    seed: int
    image_size: Annotated[int, Field(ge=32, multiple_of=4)]
    corpus: CorpusParams
    data: DataParams
    prepare: PrepareParams
    plan: PlanParams
    training: TrainingParams
    edit: EditParams
    evaluate: EvaluateParams
    user_study: UserStudyParams

    @model_validator(mode="after")
    def _one_length_of_a_baseline(self) -> Self:
        for name, value in self:
            own = value.training if isinstance(value, BaselineCoefficients) else None
            if own and own.batches is not None and own.epochs is not None:
                raise ValueError(
                    f"{name}.training.epochs: {own.epochs:g} epochs and {own.batches} batches are given; one of the two"
                    f" says how long {name} trains, set the other to null"
                )
        return self

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        """The plan must be possible, as far as the params alone can say."""
        plan, rendered = self.plan, {}
        for role, source in self.data:
            if source.layout == "corpus" and Path(source.path) == Path("data/corpus", role):
                rendered[role] = getattr(self.corpus, role).subjects
        for role, subjects in rendered.items():
            if not subjects:
                raise ValueError(
                    f"corpus.{role}.subjects: 0 people are rendered, but data.{role} takes its photographs from there;"
                    f" raise it, or set data.{role}.path and data.{role}.layout to other photographs"
                )
        for role, key in (
            *(("wild", key) for key in ("grid_faces", "sweep_faces", "au_faces")),
            *((plan.target_role, "instances"), ("rafd", "rafd_faces")),
        ):
            needed = getattr(plan, key)
            if role in rendered and rendered[role] < needed:
                raise ValueError(
                    f"plan.{key}: {needed} people of {role} are needed, but corpus.{role}.subjects is {rendered[role]};"
                    f" lower plan.{key} or raise corpus.{role}.subjects"
                )
        if plan.rafd_faces and not self.prepare.val_share:
            raise ValueError(
                f"plan.rafd_faces: {plan.rafd_faces} held-out people of rafd are needed, but prepare.val_share is 0;"
                " raise it, or set plan.rafd_faces to 0"
            )
        return self


_TOP_LEVEL = tuple(method.Coefficients for method in registry.trained() if not method.block)
_BLOCKS = {method.block: (method.Coefficients, ...) for method in registry.trained() if method.block}

Params = create_model("Params", __base__=(_Shared, *_TOP_LEVEL), **_BLOCKS)
"""All of params.yaml: what all methods share, and each method's coefficients, at the top level or in its block."""


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
    if first["type"] == "value_error":  # of a validator of ours, whose message names the keys and the remedy
        return f"{source}: {first['ctx']['error']}"
    if not key:
        return f"{source}: expected the keys of params.yaml with their values"
    if first["type"] == "missing":
        return f"{source}: key `{key}` is missing; add it (see params.yaml in the repository)"
    return f"{source}: `{key}`: {first['msg'][0].lower()}{first['msg'][1:]}, not {first['input']!r}"


def read_params(path: str | Path = "params.yaml") -> Any:
    """What a params file holds, not validated."""
    path = Path(path)
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the repository's root") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from None
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
