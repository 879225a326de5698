"""What methods and data are called in tables and figures, and in which colour methods are drawn."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
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
PUBLISHED = MappingProxyType({"emotionet": "EmotioNet", "celeba_hq": "CelebA-HQ", "mug": "MUG", "rafd": "RaFD"})
"""The names of the paper's data sets, by layout."""
PAPERS_NETWORKS = MappingProxyType(
    {
        "frechet": ("FID", "the paper's Inception FID"),
        "identity": ("1 − cos, OpenFace nn4.small2", "the paper's OpenFace"),
        "action_units": ("OpenFace 2", "OpenFace 2"),
    }
)
"""What measures in the paper: its name where we use it too (`networks` of the metrics), and in a sentence."""
SUPERVISED = "supervised by rendered pairs; the paper trains without"
"""Said wherever such a method is shown."""


def method_name(name: str) -> str:
    """The label of a row: a method's, with its note, or that of the true images."""
    return TRUE_LABEL if name == TRUTH else methods.get(name).title


def colour(name: str) -> str:
    """The colour of a method, or of the true images."""
    return _TRUE_COLOUR if name == TRUTH else methods.get(name).colour


def in_place(networks: Mapping[str, str], kind: str) -> str:
    """In brackets, after a space: what another network than the paper's stands in for; "" for the paper's own."""
    own, papers = PAPERS_NETWORKS[kind]
    return "" if networks[kind] == own else f" (in place of {papers})"


def data_name(source: Mapping[str, Any]) -> str:
    """The name of a role's photographs: the embedded corpus, a published data set, or the last two folders of the path.

    That of several data sets names each, as long as they are there.

    `source` is the role's entry of `data` in params.yaml.
    """
    if source["layout"] == "corpus":
        return CORPUS
    if source["layout"] in PUBLISHED:
        return PUBLISHED[source["layout"]]
    if source["layout"] == "several" and (path := Path(source["path"])).is_dir():
        parts = sorted(part.stem for part in path.iterdir() if not part.name.startswith("."))
        return join(PUBLISHED.get(part.lower(), part) for part in parts)
    return "/".join(Path(source["path"]).resolve().parts[-2:])


def figures_folder(data: Mapping[str, Any]) -> Path:
    """Where the figures go, by the layout of the wild photographs; `data` are the params of that name, plain values.

    Git keeps the figures of the embedded corpus. It ignores those of photographs, which show people.
    """
    return Path("reports/figures", data["wild"]["layout"])


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
