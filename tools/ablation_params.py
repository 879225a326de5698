"""The ablations that ablations.yaml declares: names, labels and the params that each of them changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from defgan.errors import UserError
from defgan.params import Params, read_params, validate_params

Overrides = dict[str, bool | int | float | str | None]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    label: str
    paper: str
    overrides: Overrides


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid")
    shared: Overrides = {}
    ablations: Annotated[dict[Name, _Entry], Field(min_length=1)]


@dataclass(frozen=True)
class Ablation:
    """One row of the table: DefGAN trained under some other params."""

    name: str
    label: str
    paper: str  # the section or equation that it is about
    overrides: Overrides  # dotted keys, the shared ones included
    content: dict[str, Any]  # params.yaml with the overrides in it
    params: Params
    reference: bool  # the full model, with which the others are compared


def overridden(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested params in which some values, named by dotted keys, are replaced."""
    result = dict(content)
    for dotted, value in overrides.items():
        key, _, rest = dotted.partition(".")
        if rest:
            block = result.get(key)
            value = overridden(block if isinstance(block, Mapping) else {}, {rest: value})
        result[key] = value
    return result


def _read(path: Path) -> _Declaration:
    try:
        return _Declaration.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the repository's root") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{path}: {key}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def load_ablations(
    path: str | Path = "ablations.yaml",
    params: str | Path = "params.yaml",
    shared: Mapping[str, Any] | None = None,
) -> list[Ablation]:
    """The declared ablations, every override checked against the params; the others are compared with the first.

    `shared` are further overrides of all ablations; they win over the file's shared ones. Raises UserError with the
    file, the ablation and the key.
    """
    path, content = Path(path), read_params(params)
    validate_params(content, params)
    declaration = _read(path)
    reference, entry = next(iter(declaration.ablations.items()))
    if entry.overrides:
        raise UserError(f"{path}: {reference}: the first ablation is what the others are compared with: no overrides")
    ablations = []
    for name, entry in declaration.ablations.items():
        overrides = {**declaration.shared, **(shared or {}), **entry.overrides}
        changed = overridden(content, overrides)
        valid = validate_params(changed, f"{path}: {name}")
        if valid.training.batches is None:
            raise UserError(
                f"{path}: {name}: training.epochs is given, but ablations are compared by batches; set"
                " training.batches, and training.epochs to null, under `shared`"
            )
        ablations.append(Ablation(name, entry.label, entry.paper, overrides, changed, valid, name == reference))
    return ablations
