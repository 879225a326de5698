"""Messages that say how to install what is optional."""

import importlib.metadata
import re
import sys
import tomllib

import pytest

from defgan.demo.command import demo
from defgan.errors import UserError
from defgan.extras import how_to_install
from tests.conftest import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_both_commands(extra):
    uv, pip = how_to_install(extra).split("; in another environment: ")
    assert uv == f"in the project's folder: .uv/bin/uv sync --frozen --inexact --extra {extra}"
    assert pip == "python -m pip install " + " ".join(f"'{requirement}'" for requirement in EXTRAS[extra])


def test_code_that_is_not_installed(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    assert how_to_install("demo").endswith("--extra demo")


def test_every_message_names_an_extra_that_there_is():
    texts = {path: path.read_text("utf-8") for path in ROOT.glob("defgan/**/*.py")}
    named = {name for text in texts.values() for name in re.findall(r"how_to_install\(['\"](\w+)['\"]\)", text)}
    assert named == set(EXTRAS)
    for path, text in texts.items():
        assert "defgan[" not in text, f"{path}: no index has the project"


def test_the_page_without_gradio(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "defgan.demo.app", raising=False)
    with pytest.raises(UserError, match=r"needs the package gradio; install it in the project's folder: .*'gradio>="):
        demo()
