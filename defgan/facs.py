"""Action units by name, the expressions of MUG and RaFD, and named presets.

The 17 units are the intensities that OpenFace 2 reports, in its order; every table, model and
plot of this project uses these names and this order.
"""

import difflib
import re
from types import MappingProxyType

import numpy as np

from defgan.errors import UserError

ACTION_UNITS = MappingProxyType(
    {
        "AU01": "inner brow raiser",
        "AU02": "outer brow raiser",
        "AU04": "brow lowerer",
        "AU05": "upper lid raiser",
        "AU06": "cheek raiser",
        "AU07": "lid tightener",
        "AU09": "nose wrinkler",
        "AU10": "upper lip raiser",
        "AU12": "lip corner puller",
        "AU14": "dimpler",
        "AU15": "lip corner depressor",
        "AU17": "chin raiser",
        "AU20": "lip stretcher",
        "AU23": "lip tightener",
        "AU25": "lips part",
        "AU26": "jaw drop",
        "AU45": "blink",
    }
)
"""Name to plain words, in the order of the AU vectors x and y."""

PLAIN_WORDS = MappingProxyType(
    {
        "AU01": ("raise inner brows", "inner brows up", "worry"),
        "AU02": ("raise outer brows", "outer brows up"),
        "AU04": ("lower brows", "brows down", "frown"),
        "AU05": ("widen eyes", "eyes wide"),
        "AU06": ("raise cheeks", "cheeks up"),
        "AU07": ("tighten lids", "squint"),
        "AU09": ("wrinkle nose", "nose wrinkle"),
        "AU10": ("raise upper lip", "upper lip up", "sneer"),
        "AU12": ("smile", "grin"),
        "AU14": ("dimples", "smirk"),
        "AU15": ("mouth corners down", "lower mouth corners"),
        "AU17": ("raise chin", "chin up", "pout"),
        "AU20": ("stretch lips", "mouth wide"),
        "AU23": ("tighten lips", "press lips"),
        "AU25": ("part lips", "lips apart"),
        "AU26": ("open mouth", "drop jaw", "mouth open"),
        "AU45": ("close eyes", "eyes closed"),
    }
)
"""What a person would say for each unit, for command lines and sliders; the first is its label."""

AU_NAMES: tuple[str, ...] = tuple(ACTION_UNITS)
N_AUS = len(AU_NAMES)

EXPRESSIONS: tuple[str, ...] = ("anger", "disgust", "fear", "happy", "sad", "surprise")
"""The six target expressions of the paper's figures."""

MUG_EXPRESSIONS: tuple[str, ...] = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
RAFD_EXPRESSIONS: tuple[str, ...] = (*MUG_EXPRESSIONS, "contempt")

PRESETS = MappingProxyType(
    {
        # Peak intensities after the AU combinations of EMFACS (Friesen & Ekman, 1983); `happy` is an open smile.
        "neutral": {},
        "anger": {"AU04": 0.95, "AU05": 0.4, "AU07": 0.8, "AU17": 0.3, "AU23": 0.8},
        "disgust": {"AU04": 0.3, "AU07": 0.4, "AU09": 0.95, "AU10": 0.7, "AU15": 0.3, "AU17": 0.4},
        "fear": {"AU01": 0.9, "AU02": 0.6, "AU04": 0.5, "AU05": 0.9, "AU20": 0.8, "AU25": 0.5, "AU26": 0.4},
        "happy": {"AU06": 0.8, "AU12": 1.0, "AU25": 0.6, "AU26": 0.3},
        "sad": {"AU01": 0.85, "AU04": 0.5, "AU15": 0.95, "AU17": 0.5},
        "surprise": {"AU01": 0.95, "AU02": 0.95, "AU05": 0.8, "AU25": 0.7, "AU26": 0.9},
        "contempt": {"AU12": 0.2, "AU14": 0.95},
    }
)


def au_vector(intensities: dict[str, float]) -> np.ndarray:
    """Named intensities in [0, 1] to a vector of shape (17,), float32; units not named are 0."""
    unknown = set(intensities) - set(AU_NAMES)
    if unknown:
        raise KeyError(f"unknown action units {sorted(unknown)}; known: {', '.join(AU_NAMES)}")
    return np.array([intensities.get(name, 0.0) for name in AU_NAMES], dtype=np.float32)


def find_action_unit(word: str) -> str:
    """The unit called so by its name ("AU12", "au6"), its term or in plain words ("smile"); spaces, - and _ are equal.

    Raises UserError with the nearest names.
    """

    def plain(text: str) -> str:
        return re.sub(r"[\s_-]+", " ", text).strip().lower()

    known = {plain(term): name for name, term in ACTION_UNITS.items()}
    known |= {plain(said): name for name, words in PLAIN_WORDS.items() for said in words}
    known |= {name.lower(): name for name in AU_NAMES} | {f"au{int(name[2:])}": name for name in AU_NAMES}
    if found := known.get(plain(word)):
        return found
    near = difflib.get_close_matches(plain(word), known, n=3, cutoff=0.0)
    raise UserError(f"{word}: no such action unit; the nearest are {', '.join(f'{n} ({known[n]})' for n in near)}")


def preset(expression: str) -> np.ndarray:
    """The AU vector of a named expression at its peak, shape (17,), float32 in [0, 1]."""
    return au_vector(PRESETS[expression])
