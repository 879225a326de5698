"""The repository's own files agree with each other."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
import yaml

from defgan import methods
from defgan.evaluation.truth import TRUTH
from defgan.methods import registry
from defgan.methods.base import PAIRS
from defgan.params import Params
from tests.conftest import ROOT
from tests.imports import files_of, imported_names, parsed, stage_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTENT = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
PIPELINE = CONTENT["stages"]
VARS = {key: value for entry in CONTENT["vars"] for key, value in entry.items()}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
LIBRARY = sorted((ROOT / "defgan").rglob("*.py"))


def requirements(entries):
    """Package names, normalised, with their version ranges."""
    pairs = (re.fullmatch(r"([\w.-]+)(.*)", entry).groups() for entry in entries)
    return {re.sub(r"[-_.]+", "-", name).lower(): versions.replace(" ", "") for name, versions in pairs}


def filled(value, names):
    """A template with its `${…}` filled in."""
    if isinstance(value, list):
        return [filled(entry, names) for entry in value]
    return re.sub(r"\$\{([\w.]+)\}", lambda found: str(names.get(found[1], found[0])), value)


def stages():
    """Every stage with its name, its command and its lists, templates filled in."""
    for name, entry in PIPELINE.items():
        if "foreach" not in entry:
            yield name, entry["cmd"], entry["deps"], entry.get("params", [])
            continue
        source = entry["foreach"][2:-1]
        items = VARS.get(source) or PARAMS[source]
        for key in items:
            names = {"key": key, "item": key}
            if isinstance(items, dict):
                names |= {f"item.{field}": value for field, value in items[key].items()}
            command, deps, params = (filled(entry["do"].get(field, []), names) for field in ("cmd", "deps", "params"))
            yield f"{name}@{key}", command, deps, params


def modules(paths):
    """The Python files with content among some dependencies, those below directories included."""
    files = set()
    for path in map(ROOT.joinpath, paths):
        files |= set(path.rglob("*.py")) if path.is_dir() else {path} if path.suffix == ".py" else set()
    return {str(file.relative_to(ROOT)) for file in files if file.stat().st_size}


def conda() -> tuple[dict[str, str], list[str]]:
    """What environment.yml asks conda for, and the lines that it gives to pip."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    [pip] = [entry["pip"] for entry in environment if isinstance(entry, dict)]
    return requirements(entry for entry in environment if isinstance(entry, str)), pip


def test_conda_installs_the_project_and_what_its_tests_need():
    packages, [project, *others] = conda()
    assert project == "-e .[experiment]" and requirements(others) == requirements(PROJECT["dependency-groups"]["dev"])
    assert packages["python"] == PROJECT["project"]["requires-python"]


@pytest.mark.long
def test_pip_resolves_to_one_opencv(tmp_path):
    """As conda's pip does: without the settings of uv that pyproject.toml has. It needs a package registry."""
    uv = shutil.which("uv", path=os.pathsep.join([str(ROOT / ".uv/bin"), os.environ["PATH"]]))
    lines = tmp_path / "requirements.txt"
    lines.write_text("\n".join(conda()[1]).replace("-e .[", f"-e {ROOT}[") + "\n", encoding="utf-8")
    assert uv, "needs uv; `make setup` installs it"
    command = [uv, "pip", "compile", "--no-config", "--quiet", "--no-annotate", "--python", sys.executable, lines]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    if "Failed to fetch" in ended.stderr or "error sending request" in ended.stderr:
        pytest.skip("needs a package registry")
    assert ended.returncode == 0, ended.stderr
    resolved = {line.split("==")[0] for line in ended.stdout.splitlines()}
    assert "torch" in resolved and {name for name in resolved if "opencv" in name} == {"opencv-python-headless"}


def test_one_opencv_is_installed():
    import cv2

    assert packages_distributions()["cv2"] == ["opencv-python-headless"] and cv2.__file__


def test_lock_file_holds_every_package():
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]}
    declared = PROJECT["project"]["dependencies"] + [*chain(*PROJECT["dependency-groups"].values())]
    assert requirements(declared).keys() <= locked


def test_a_clone_has_the_same_bytes_whatever_git_does_to_line_ends(tmp_path):
    """DVC compares bytes; with `core.autocrlf` Git would change those of every text."""
    contents = {
        "code.py": b"a\nb\n",
        "weights.safetensors": b"a\nb\r\n",
        "picture.png": b"\r\n\x1a\n",
        "table.csv": b"a\n1\n",
    }
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    who = "-c user.name=a -c user.email=a -c commit.gpgsign=false"
    for command in ("init -q", "config core.autocrlf true", "add .", f"{who} commit -qm a"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    for name in contents:
        (tmp_path / name).unlink()
    subprocess.run(["git", "checkout", "-q", "."], cwd=tmp_path, check=True)
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents
    assert not subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, check=True).stdout


def test_sources_without_git_are_told_of_git_init(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    for target in ("repro", "figures", "ablations", "seeds"):
        ended = subprocess.run(["make", target], cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
        assert ended.returncode and "git init" in ended.stdout and not (tmp_path / ".uv").exists()


@pytest.mark.parametrize(("name", "command", "deps"), [stage[:3] for stage in stages()], ids=lambda v: str(v)[:24])
def test_a_stage_depends_on_the_code_that_it_runs_and_on_no_other(name, command, deps):
    module, argument = re.fullmatch(r"python -m ([\w.]+) ?(\S*)", command).groups()
    script = ROOT / f"{module.replace('.', '/')}.py"
    needed = stage_files(script, argument)
    listed = modules(path for path in deps if path.startswith(("defgan", "stages")))
    assert listed == needed, {"missing": sorted(needed - listed), "not imported": sorted(listed - needed)}


def test_stages_are_dvcs_and_nothing_else():
    scripts = {re.match(r"python -m ([\w.]+)", command)[1] for _, command, *_ in stages()}
    own = {f"stages.{path.stem}" for path in (ROOT / "stages").glob("*.py")} - {"stages.__init__", "stages.common"}
    assert own == scripts


def test_every_param_belongs_to_a_stage():
    heads = {entry.split(".")[0] for *_, params in stages() for entry in params}
    assert heads == set(Params.model_fields)


def test_a_method_retrains_for_its_own_coefficients_only():
    """DVC cannot derive the list of DefGAN's: here it is held against the method's terms and coefficients."""
    watched = {command.split()[-1]: params for _, command, _, params in stages() if "stages.train" in command}
    assert watched.keys() == {method.name for method in registry.trained()}
    for method in registry.trained():
        own = [method.block] if method.block else list(method.Coefficients.model_fields)
        assert watched[method.name] == ["seed", "training", *own], method.name
        assert {term.coefficient for term in method.terms()} - {""} <= set(method.Coefficients.model_fields)


def test_a_method_retrains_for_the_role_that_it_learns_from_only():
    for _, command, deps, _ in stages():
        if "stages.train" in command:
            role = methods.get(command.split()[-1]).role
            assert [path for path in deps if path.startswith("data/")] == [
                "data/pairs" if role == PAIRS else f"data/prepared/{role}"
            ]


def test_every_method_edits_and_is_measured():
    def told(stage):
        return {command.split()[-1] for _, command, *_ in stages() if f"stages.{stage} " in command}

    assert VARS["methods"] == list(registry.NAMES)
    assert told("edit") == set(registry.NAMES)
    assert told("evaluate") == {*registry.NAMES, TRUTH}


def test_outputs_of_stages_and_of_tools_lie_apart():
    made = [entry.get("do", entry) for entry in PIPELINE.values()]
    outs = [entry.get(kind, []) for entry in made for kind in ("outs", "metrics", "plots")]
    folders = set(re.findall(r"'reports/(\w+)", str(outs)))
    assert "tables" in folders
    assert not folders & {"ablations", "seeds", "photographs", "calibration", "benchmarks", "renders", "video"}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_stands_alone(path):
    heads = {name.split(".")[0] for name in imported_names(path)}
    assert not heads & {"stages", "tools", "tests", "benchmarks", "dvc"}
    assert "mlflow" not in heads or path.name in ("tracking_writer.py", "tracking_runs.py")
    # What concerns DVC stands in stages/common.py.
    assert not re.search(r"\bDVC|dvc ", path.read_text(encoding="utf-8"))


def package_of(file: Path) -> str:
    """The package of a library file below defgan; a module at the top stands for itself."""
    parts = file.relative_to(ROOT / "defgan").parts
    return parts[0] if len(parts) > 1 else f"{parts[0]}"


def circles(graph: dict[str, set[str]]) -> list[str]:
    """What remains when everything that nothing remaining imports is taken away, again and again."""
    left = {node: set(others) for node, others in graph.items()}
    while free := [node for node, others in left.items() if not others & left.keys()]:
        for node in free:
            del left[node]
    return sorted(left)


def test_no_packages_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for file in LIBRARY:
        own = package_of(file)
        imported = {other for name in imported_names(file) if name.startswith("defgan.") for other in files_of(name)}
        graph.setdefault(own, set()).update(map(package_of, imported))
        graph[own].discard(own)
        graph[own].discard("__init__.py")
    assert circles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ["a", "b", "c"]
    assert circles(graph) == []


def test_no_files_import_each_other_in_a_circle():
    graph = {
        str(file.relative_to(ROOT)): {
            str(other.relative_to(ROOT))
            for name in imported_names(file, lazy=False)
            for other in files_of(name)
            if other != file and other.name != "__init__.py"
        }
        for file in LIBRARY
    }
    assert circles(graph) == []


def test_ruff_finds_nothing():
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def text_without_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in the locale's encoding."""
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    named = {word.arg: word.value for word in call.keywords}
    if "encoding" in named:
        return False
    if name == "read_text":
        return not call.args
    if name == "write_text":
        return len(call.args) < 2
    if name in ("run", "Popen", "check_output"):
        return not {"text", "universal_newlines", "errors"}.isdisjoint(named)
    if method and ast.unparse(call.func) == "av.open":  # a film
        return False
    if name in ("open", "NamedTemporaryFile"):
        given = [*call.args, named.get("mode")]
        modes = [mode.value for mode in given if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
        if modes or not method:
            return not any("b" in mode for mode in modes)
        # A data set's record opens as bytes; so do the files of Pillow and zipfile, which take arguments.
        return not call.args and not ast.unparse(call.func.value).endswith("record")
    return False


def test_every_text_file_is_utf_8():
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for folder in ("defgan", "stages", "tools", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for call in ast.walk(parsed(path))
        if isinstance(call, ast.Call) and text_without_encoding(call)
    ]
    assert not found, "these calls lack `encoding`"
    wrong = ("open(p)", "p.open('w')", "p.open()", "p.read_text()", "p.write_text(t)", "run(c, text=True)")
    right = ("open(p, 'rb')", "Image.open(p)", "record.open()", "p.open('a', encoding='utf-8')", "run(c)")
    assert [line for line in wrong + right if text_without_encoding(ast.parse(line).body[0].value)] == list(wrong)


def names_of(nodes: list[ast.stmt]) -> set[str]:
    """The names that a module's statements define at its top, in branches and `with` blocks too."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            found |= names_of(inner + [each for handler in getattr(node, "handlers", []) for each in handler.body])
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found


def test_every_name_that_is_imported_is_there():
    """Of the repository's own modules: no test runs every tool."""
    missing = []
    for folder in ("defgan", "stages", "tools", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(parsed(path)):
                if not isinstance(node, ast.ImportFrom) or not (files := files_of(node.module or "")):
                    continue
                own = max(files, key=lambda file: (len(file.parts), file.name != "__init__.py"))
                below = {each.stem for each in own.parent.iterdir()} if own.name == "__init__.py" else set()
                there = names_of(parsed(own).body) | below | {"__doc__", "__file__"}
                missing += [
                    f"{path.name}: {node.module}.{alias.name}" for alias in node.names if alias.name not in there
                ]
    assert not missing
    assert "LIBRARY" in names_of(parsed(Path(__file__)).body)
