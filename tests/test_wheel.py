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


@pytest.mark.timeout(120)
def test_an_installed_defgan_edits_a_photograph(environment, tmp_path):
    shutil.copy(ROOT / "defgan/demo/examples/face1.jpg", tmp_path / "photo.jpg")
    alone = {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}}
    where = run(environment / "python", "-c", "import defgan; print(defgan.__file__)", **alone)
    assert Path(where.strip()).is_relative_to(environment.parent)
    said = run(environment / "defgan", "edit", "photo.jpg", "--expression", "happy", **alone)
    assert said.startswith("photo.happy.jpg: happy")
    assert (tmp_path / "photo.happy.jpg").read_bytes() != (tmp_path / "photo.jpg").read_bytes()
