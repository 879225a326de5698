"""What methods and data are called in tables and figures, and in which colour methods are drawn."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from defgan import methods
from defgan.evaluation.truth import TRUTH
from defgan.methods.base import PAIRS, Method

TRUE_IMAGE = "true image"
"""The true image of an edit, beside the methods' edits."""
TRUE_LABEL = TRUE_IMAGE.capitalize()
"""The true images in tables, measured as if a method had made them."""
_TRUE_COLOUR = "#222222"
CORPUS = "embedded corpus (rendered faces)"
SUPERVISED = "supervised by rendered pairs; the paper trains without"
"""Said wherever such a method is shown."""


def method_name(name: str) -> str:
    """The label of a row: a method's, with its note, or that of the true images."""
    return TRUE_LABEL if name == TRUTH else methods.get(name).title


def colour(name: str) -> str:
    """The colour of a method, or of the true images."""
    return _TRUE_COLOUR if name == TRUTH else methods.get(name).colour


def data_name(source: Mapping[str, Any]) -> str:
    """The name of a role's photographs: the embedded corpus, or the last two folders of the path.

    `source` is the role's entry of `data` in params.yaml.
    """
    if source["layout"] == "corpus":
        return CORPUS
    return "/".join(Path(source["path"]).resolve().parts[-2:])


def role_name(role: str) -> str:
    """What a method learns from, as in a sentence."""
    return "rendered pairs" if role == PAIRS else f"role {role}"


def group_name(method: Method) -> str:
    """The name of the group of rows in which a photo grid shows a method; "" for the paper's, which come first."""
    return SUPERVISED if method.supervised else ""


def supervision(shown: Iterable[Method]) -> str:
    """A sentence, after a space: which of some methods are supervised; "" where none is."""
    labels = [method.label for method in shown if method.supervised]
    return f" {join(labels)}: {SUPERVISED}." if labels else ""


def join(words: Iterable[str]) -> str:
    """A list as people write it: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def learns_from(learners: Iterable[Method], told: str) -> str:
    """A sentence: from what some methods learn, and what they are told of a target."""
    learners = tuple(learners)
    verbs = ("learns", "is") if len(learners) == 1 else ("learn", "are")
    roles = join(dict.fromkeys(role_name(method.role) for method in learners))
    return f"{join(method.label for method in learners)} {verbs[0]} from {roles} and {verbs[1]} told {told}."
