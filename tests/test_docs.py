"""The README is short, and what the documentation names exists: links, make targets, modules, stages, files."""

import re

import pytest
import yaml

from tests.conftest import ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "defgan/weights/README.md", ROOT / "responses/README.md"]
FENCED = re.compile(r"```.*?\n(.*?)```", re.DOTALL)


def code(text: str) -> str:
    """What a page shows as code, in blocks and in lines, comments of commands included."""
    return "\n".join([*FENCED.findall(text), *re.findall(r"`([^`\n]+)`", FENCED.sub("", text))])


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short():
    text = README.read_text(encoding="utf-8")
    assert len(text.split()) <= 1000
    assert text.count("![") <= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    missing = []
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            missing.append(f"link {path}#{anchor}")
    shown = code(text)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    missing += [f"make {name}" for name in re.findall(r"\bmake ([a-z-]+)", shown) if name not in targets]
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    missing += [f"dvc repro {name}" for name in re.findall(r"\bdvc repro (\w+)", shown) if name not in stages]
    for module in re.findall(r"\bpython -m ([\w.]+)", shown):
        base = ROOT / module.replace(".", "/")
        if not base.with_suffix(".py").is_file() and not (base / "__main__.py").is_file():
            missing.append(f"python -m {module}")
    # Files that git keeps; what a run makes is not there yet.
    for path in re.findall(r"`((?:defgan|stages|tools|benchmarks|tests|docs|presets)/[\w./-]*)`", text):
        if not (ROOT / path).exists():
            missing.append(path)
    assert not missing
