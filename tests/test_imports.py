"""What the first import of an entry point loads: as little as it needs."""

import subprocess
import sys

import pytest

HEAVY = ("dvc", "gradio", "lightning_fabric", "matplotlib", "mlflow", "pandas")
"""Packages that edits of photographs do not need."""


def loaded(code: str, names: tuple[str, ...]) -> set[str]:
    """Which of the packages a new Python has loaded after some code."""
    script = f"{code}\nimport sys\nprint('loaded:', *[name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_package_alone_loads_no_network():
    assert loaded("import defgan", ("torch", "numpy", "PIL", *HEAVY)) == set()


def test_the_editor_loads_what_edits_and_nothing_of_the_pipeline():
    assert loaded("from defgan import Editor", ("torch", *HEAVY)) == {"torch"}


@pytest.mark.parametrize("words", [["--help"], ["edit", "--help"], ["demo", "--help"]])
def test_help_loads_no_network(words):
    code = f"import sys\nfrom defgan.cli import app\napp({words}, standalone_mode=False)"
    assert loaded(code, ("torch", "gradio", "matplotlib", "mlflow", "dvc")) == set()
