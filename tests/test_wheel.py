"""What `pip install` of the built wheel leaves in an environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(*words: str | Path, **options) -> str:
    """A command's stdout; the test fails where the command does."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def uv() -> str:
    """The uv that `make setup` installs, or another one."""
    found = shutil.which("uv", path=os.pathsep.join([str(ROOT / ".uv/bin"), os.environ["PATH"]]))
    assert found, "needs uv; `make setup` installs it"
    return found


@pytest.fixture(scope="module")
def wheel(uv, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    run(uv, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", directory, ROOT)
    [path] = directory.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(uv, wheel, tmp_path_factory) -> Path:
    """The `bin` of a new environment with the wheel and the dependencies of this one, but without the checkout.

    The folder of a .pth file joins the path, but .pth files in it, such as that of the checkout, are not read.
    """
    directory = tmp_path_factory.mktemp("environment") / "venv"
    run(uv, "venv", "--quiet", "--python", sys.executable, directory)
    python = directory / "bin/python"
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel)
    [packages] = directory.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return directory / "bin"


def test_the_wheel_holds_one_package_with_its_data(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    about = f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"
    assert {name.split("/")[0] for name in names} == {"defgan", about}
    # Everything that git holds below defgan/, whatever its suffix.
    held = run("git", "ls-files", "defgan", cwd=ROOT).splitlines()
    assert set(held) <= names


def installed_bytes(python: Path) -> int:
    """Size of what is installed in an environment, without torch and what torch alone needs."""
    code = (
        "import importlib.metadata as m, os; own = ('torch', 'nvidia', 'triton', 'cuda', 'sympy', 'networkx');"
        "print(sum(os.path.getsize(f.locate()) for d in m.distributions() for f in d.files or ()"
        " if not d.name.startswith(own) and os.path.isfile(f.locate())))"
    )
    return int(run(python, "-c", code, cwd=python.parent))


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_an_installation_that_only_edits_is_light(uv, tmp_path):
    """The project without its extras, from uv.lock: it edits, is a third as large, and names what it lacks."""
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv")}
    run(uv, "sync", "--frozen", "--quiet", "--no-dev", "--no-editable", cwd=ROOT, env=env)
    bin_folder, photo = tmp_path / "venv/bin", ROOT / "defgan/demo/examples/face1.jpg"
    shutil.copy(photo, tmp_path / "photo.jpg")
    alone = {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}}
    heavy = ("dvc", "mlflow", "anny", "warp", "ray", "lightning_fabric", "pandas", "matplotlib")
    code = f"""from defgan import Editor
import importlib.util
assert not [name for name in {heavy} if importlib.util.find_spec(name)]
Editor.load().edit("photo.jpg", "happy").image.save("edited.png")"""
    run(bin_folder / "python", "-c", code, **alone)
    assert (tmp_path / "edited.png").is_file()
    ended = subprocess.run(
        [bin_folder / "defgan", "data", "check", "train", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        **alone,
    )
    assert ended.returncode == 1 and "--extra experiment" in ended.stderr and "Traceback" not in ended.stderr
    light, whole = installed_bytes(bin_folder / "python"), installed_bytes(Path(sys.executable))
    assert light <= whole / 3


@pytest.mark.timeout(120)
def test_an_installed_defgan_edits_a_photograph(environment, tmp_path):
    shutil.copy(ROOT / "defgan/demo/examples/face1.jpg", tmp_path / "photo.jpg")
    alone = {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}}
    where = run(environment / "python", "-c", "import defgan; print(defgan.__file__)", **alone)
    assert Path(where.strip()).is_relative_to(environment.parent)
    said = run(environment / "defgan", "edit", "photo.jpg", "--expression", "happy", **alone)
    assert said.startswith("photo.happy.jpg: happy")
    assert (tmp_path / "photo.happy.jpg").read_bytes() != (tmp_path / "photo.jpg").read_bytes()
