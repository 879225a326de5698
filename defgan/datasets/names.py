"""Who and what a photograph shows, as far as its path says it.

A folder per person is the rule. But many sets are laid out by split, kind or expression (`train/male/000001.jpg`,
`test/angry/S010_004_00000017.png`). Such folders name no person: where nothing else does, a photograph counts as a
person of its own. Expressions are read from the names of folders, and people from the file names of published sets.
"""

import re

EXPRESSIONS = {
    **dict.fromkeys(("anger", "angry"), "anger"),
    **dict.fromkeys(("contempt", "contemptuous"), "contempt"),
    **dict.fromkeys(("disgust", "disgusted"), "disgust"),
    **dict.fromkeys(("afraid", "fear", "fearful"), "fear"),
    **dict.fromkeys(("happiness", "happy", "smile", "smiling", "smiling_front"), "happy"),
    **dict.fromkeys(("neutral", "neutral_front"), "neutral"),
    **dict.fromkeys(("sad", "sadness"), "sad"),
    **dict.fromkeys(("surprise", "surprised"), "surprise"),
}
"""Names of folders, in lower case, to expressions."""

NO_PERSON = frozenset(
    {
        *("train", "training", "val", "valid", "validation", "dev", "eval", "test", "testing"),
        *("publictest", "privatetest", "data", "dataset", "datasets", "raw", "aligned", "cropped", "original"),
        *("face", "faces", "image", "images", "img", "imgs", "jpg", "jpeg", "png", "photo", "photos", "photographs"),
        *("originals", "picture", "pictures", "frontal", "front", "male", "males", "man", "men", "boys"),
        *("female", "females", "woman", "women", "girls", "kid", "kids", "children"),
        *("celeba", "celeba-hq-img", "celeba_hq", "ck+", "ck+48", "ckplus", "fer2013", "ferplus", "ffhq", "rafd"),
        *("images1024x1024", "thumbnails128x128"),
    }
)
"""Names of folders, in lower case, that name no person."""

_PEOPLE = (
    ("rafd", re.compile(r"(?:^|/)Rafd\d{3}_(\d+)_[^/]*$", re.IGNORECASE)),
    ("ck", re.compile(r"(?:^|/)(S\d{3})_\d{3}_\d{8}\.\w+$", re.IGNORECASE)),
    ("london", re.compile(r"(?:^|/)(?:neutral|smiling)(?:_front)?/(\d{3})(?:_0[38])?\.\w+$", re.IGNORECASE)),
)
"""The data sets whose file names say who is shown: RaFD, CK+ and the Face Research Lab London Set."""


def person_of(source: str) -> str:
    """The person of a photograph by its path in the data set; "" where it names nobody."""
    for name, pattern in _PEOPLE:
        if found := pattern.search(source):
            return f"{name}_{found[1].upper()}"
    *folders, file = _without_suffix(source).split("/")
    for folder in folders:
        named = folder.strip(".") and folder.lower() not in NO_PERSON and folder.lower() not in EXPRESSIONS
        if named and not _holds_a_thousand(folder, file):
            return folder
    return ""


def subject_of(source: str) -> str:
    """`person_of`, or the path without suffix where it names nobody: the photograph is then a person of its own."""
    return person_of(source) or _without_suffix(source)


def expression_of(source: str) -> str:
    """The expression that the innermost folder of such a name says; "" where none does."""
    words = [folder.lower() for folder in source.split("/")[:-1]]
    return next((EXPRESSIONS[word] for word in reversed(words) if word in EXPRESSIONS), "")


def _without_suffix(source: str) -> str:
    return re.sub(r"(?<=[^/])\.[^./]*$", "", source)


def _holds_a_thousand(folder: str, file: str) -> bool:
    """Whether a folder holds photographs by their numbers, as FFHQ's `01000/01234.png`."""
    if not (folder.isascii() and file.isascii() and folder.isdecimal() and file.isdecimal() and len(folder) >= 5):
        return False
    return int(folder) % 1000 == 0 and 0 <= int(file) - int(folder) < 1000
