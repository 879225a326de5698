"""Presets: files of params that replace values of params.yaml and keep its comments.

    python -m defgan.presets presets/paper.yaml        (or: make preset NAME=paper)

`git diff params.yaml` shows what changed, `git checkout params.yaml` undoes it.
"""

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Annotated, Any

import typer

from defgan.errors import UserError, plain_errors
from defgan.files import atomic_file
from defgan.params import Params, load_params, read_params, validate_params


def _merge(params: MutableMapping, preset: MutableMapping, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Write `preset` into `params`; yield dotted key, old value and new value of what changed."""
    for key, value in preset.items():
        old = params.get(key)
        if isinstance(value, MutableMapping) and isinstance(old, MutableMapping):
            yield from _merge(old, value, f"{prefix}{key}.")
        elif value != old:
            params[key] = value
            yield f"{prefix}{key}", old, value


def apply(preset: str | Path, params: str | Path = "params.yaml") -> list[tuple[str, Any, Any]]:
    """Merge a preset into a params file, both UTF-8, and return the changes (key, old, new).

    Raises UserError, and leaves the file as it was, where the preset is missing or the result is not valid.
    """
    # Here, not above: where params are only read, PyYAML is enough.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    # As params.yaml writes it; ruamel would leave the value out.
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines stay whole
    try:
        content, changed = (yaml.load(Path(path).read_bytes()) for path in (params, preset))
    except FileNotFoundError as error:
        known = ", ".join(sorted(str(path) for path in Path("presets").glob("*.yaml")))
        raise UserError(f"{error.filename}: no such file; presets: {known or 'none here; run from the root'}") from None
    except YAMLError as error:
        raise UserError(f"{preset}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(changed, MutableMapping):
        raise UserError(f"{preset}: expected keys of params.yaml with their values")
    changes = list(_merge(content, changed))
    with atomic_file(params) as path:
        # Opened here, as ruamel would write in the encoding of the locale.
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(content, file)
        try:
            load_params(path)
        except UserError as error:
            raise UserError(str(error).replace(str(path), str(preset))) from None
    return changes


def preview(preset: str | Path, params: str | Path = "params.yaml") -> Params:
    """The params that `apply` would write; the params file stays as it is. Raises UserError as `apply` does."""
    content, changed = read_params(params), read_params(preset)
    if not isinstance(changed, MutableMapping):
        raise UserError(f"{preset}: expected keys of params.yaml with their values")
    load_params(params)
    list(_merge(content, changed))
    return validate_params(content, preset)


def main(preset: Annotated[Path, typer.Argument(help="a file of presets/, or your own")]) -> None:
    """Write a preset's values into params.yaml."""
    with plain_errors("presets"):
        changes = apply(preset)
    for key, old, new in changes:
        typer.echo(f"  {key}: {old} → {new}")
    typer.echo(f"{preset}: {len(changes)} values of params.yaml changed")


if __name__ == "__main__":
    typer.run(main)
