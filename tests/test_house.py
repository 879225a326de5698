"""The repository's own files agree with each other."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from defgan.evaluation.images import TRUTH
from defgan.models import MODELS
from defgan.params import Params
from defgan.report.style import METHOD_LABELS
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DATASETS = {f"defgan/datasets/{file.name}" for file in (ROOT / "defgan/datasets").glob("*.py")}
INERT = {
    "": {
        *("defgan/__init__.py", "defgan/errors.py", "defgan/facs.py"),
        *("defgan/faces/table.py", "defgan/files.py", "defgan/params.py"),
    },
    "corpus": {"defgan/faces/alignment.py"},
    "train": {
        "defgan/planning.py",
        "defgan/presets.py",
        *(f"defgan/models/{name}.py" for name in ("__init__", "copying", "defgan", "ganimation", "stargan")),
    },
    "edit": {f"defgan/training/{name}.py" for name in ("augmentation", "losses", "response")},
    "evaluate": {
        *(f"defgan/training/{name}.py" for name in ("augmentation", "data", "losses", "response")),
        *DATASETS,
        *(f"defgan/models/{name}.py" for name in ("__init__", "base", "blocks", "copying", "defgan", "edit")),
        *(f"defgan/models/{name}.py" for name in ("discriminator", "ganimation", "stargan", "texture")),
    },
    "copy": {
        *(f"defgan/training/{name}.py" for name in ("augmentation", "losses", "response")),
        *(f"defgan/models/{name}.py" for name in ("__init__", "blocks", "defgan", "deformation", "edit")),
        *(f"defgan/models/{name}.py" for name in ("ganimation", "stargan", "texture")),
    },
    "compare": DATASETS,
    "figures": DATASETS,
}
"""Files that a stage imports and need not depend on: contracts (all stages), other models, what it does not call."""
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def requirements(entries):
    """Package names, normalised, with their version ranges."""
    pairs = (re.fullmatch(r"([\w.-]+)(.*)", entry).groups() for entry in entries)
    return {re.sub(r"[-_.]+", "-", name).lower(): versions.replace(" ", "") for name, versions in pairs}


def imports(path):
    """Names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_files(path, seen=()):
    """Files of the library that a file imports, directly or not."""
    found = set(seen)
    for name in imports(path):
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            module = ROOT.joinpath(*parts[:length])
            for file in (module.with_suffix(".py"), module / "__init__.py"):
                if parts[0] == "defgan" and file.is_file() and file not in found:
                    found |= {file} | imported_files(file, found | {file})
    return found


def stages():
    """Every stage's definition, templates as they stand."""
    for name, entry in PIPELINE.items():
        yield name, entry.get("do", entry)


def test_conda_and_pip_name_the_same_packages():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    [pip] = [entry["pip"] for entry in environment if isinstance(entry, dict)]
    declared = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    assert requirements(pip) == requirements(declared)
    python = requirements(entry for entry in environment if isinstance(entry, str))["python"]
    assert python == PROJECT["project"]["requires-python"]


def test_lock_file_holds_every_package():
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    declared = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    assert requirements(declared).keys() <= locked


def test_every_stage_has_its_script_and_depends_on_it():
    for name, stage in stages():
        module = re.match(r"python -m ([\w.]+)", stage["cmd"])[1]
        script = module.replace(".", "/") + ".py"
        assert (ROOT / script).is_file() and script in stage["deps"], name


def test_every_stage_depends_on_the_code_that_it_runs():
    for name, stage in stages():
        script = ROOT / (re.match(r"python -m ([\w.]+)", stage["cmd"])[1].replace(".", "/") + ".py")
        needed = {str(file.relative_to(ROOT)) for file in imported_files(script) if file.stat().st_size}
        covered = {file for file in needed for path in stage["deps"] if file == path or file.startswith(f"{path}/")}
        assert needed - covered <= INERT[""] | INERT.get(name, set()), name


def test_every_param_belongs_to_a_stage():
    listed = {entry for _, stage in stages() for entry in stage.get("params", [])}
    listed |= {key for model in PIPELINE["train"]["foreach"].values() for key in model["own"]}
    heads = {entry.split(".")[0] for entry in listed if not entry.startswith("${")}
    assert heads == set(Params.model_fields)


def test_a_model_retrains_for_its_own_coefficients_only():
    own = {name: set(model["own"]) for name, model in PIPELINE["train"]["foreach"].items()}
    shared = {entry for entry in PIPELINE["train"]["do"]["params"] if not entry.startswith("$")}
    scalars = {name for name, field in Params.model_fields.items() if not hasattr(field.annotation, "model_fields")}
    # The image size reaches the models through the prepared pixels.
    assert own.pop("defgan") == scalars - shared - {"image_size"}
    assert own == {name: {name} for name in MODELS if name != "defgan"}
    lengths = {len(model["own"]) for model in PIPELINE["train"]["foreach"].values()}
    indices = {int(i) for i in re.findall(r"own\[(\d+)\]", str(PIPELINE["train"]["do"]["params"]))}
    assert lengths == {len(indices)}


def test_a_model_retrains_for_the_role_that_it_learns_from_only():
    train = PIPELINE["train"]
    assert {name: entry["role"] for name, entry in train["foreach"].items()} == {
        name: model.ROLE for name, model in MODELS.items()
    }
    assert [path for path in train["do"]["deps"] if path.startswith("data/")] == ["data/prepared/${item.role}"]


def test_every_model_is_trained_edits_and_is_measured_and_compared():
    assert set(PIPELINE["train"]["foreach"]) == set(PIPELINE["edit"]["foreach"]) == set(MODELS)
    assert set(METHOD_LABELS) == {*MODELS, "copy"}
    assert set(PIPELINE["evaluate"]["foreach"]) == {*METHOD_LABELS, TRUTH}
    assert {f"metrics/{name}.json" for name in METHOD_LABELS} < set(PIPELINE["compare"]["deps"])


@pytest.mark.parametrize("path", sorted((ROOT / "defgan").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_stands_alone(path):
    heads = {name.split(".")[0] for name in imports(path)}
    assert not heads & {"stages", "tests", "dvc"}
    assert "mlflow" not in heads or path.name == "tracking_writer.py"


def test_ruff_finds_nothing():
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
