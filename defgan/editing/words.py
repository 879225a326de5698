"""Which expression a word means: names in any case, synonyms, and a user's own expressions."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from defgan.errors import UserError
from defgan.facs import PRESETS, find_action_unit

Expressions = Mapping[str, Mapping[str, float]]
"""Named expressions: intensities in [0, 1] by AU; AUs that are not named are 0. `PRESETS` has this form."""

SYNONYMS = MappingProxyType(
    {
        "neutral": ("no expression", "none", "calm", "relaxed"),
        "anger": ("angry", "mad", "furious"),
        "disgust": ("disgusted",),
        "fear": ("fearful", "afraid", "scared", "frightened"),
        "happy": ("happiness", "joy", "joyful", "smile", "smiling", "grin", "laugh", "laughing"),
        "sad": ("sadness", "unhappy", "sorrow"),
        "surprise": ("surprised", "astonished", "amazed"),
        "contempt": ("contemptuous", "disdain", "scorn"),
    }
)
"""What people and data sets also call the presets. As an expression, a smile is more than its AU12: the eyes smile."""

_NAME = re.compile(r"\w[\w .-]*")


def plain(text: str) -> str:
    """Text as it is compared: case does not count, and blanks, - and _ are equal."""
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()


def find_expression(word: str, expressions: Expressions = PRESETS) -> str | None:
    """The name in `expressions` that a word means; None where it means none. Names come before synonyms."""
    known = {plain(said): name for name, words in SYNONYMS.items() if name in expressions for said in words}
    known |= {plain(name): name for name in expressions}
    return known.get(plain(word))


def unknown_expression(word: str, expressions: Expressions) -> UserError:
    """The error for a word that means neither an expression nor an AU; it names what looks like the word."""
    near = difflib.get_close_matches(plain(word), [*map(plain, expressions), *_synonyms(expressions)], n=1)
    nearest = f"the nearest is {find_expression(near[0], expressions)}; " if near else ""
    return UserError(
        f"{word}: no such expression; {nearest}all: {', '.join(expressions)};"
        " single action units have words too, such as raise cheeks"
    )


def _synonyms(expressions: Expressions) -> list[str]:
    return [said for name, words in SYNONYMS.items() if name in expressions for said in words]


def read_expressions(path: str | Path) -> dict[str, Mapping[str, float]]:
    """The presets and the expressions of a YAML file, by name; a name of the file replaces a preset.

    The file has the form `NAME: {AU12: 1.0, raise cheeks: 0.5}`, as `defgan expressions` prints the presets.

    Raises:
        UserError: not such a file, an unknown AU, or an intensity outside [0, 1].
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe").load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path}: expected lines such as `delighted: {{AU06: 1.0, AU12: 1.0}}`")
    own: dict[str, Mapping[str, float]] = {}
    for name, aus in content.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserError(f"{path}: {name!r} is no name for an expression; it stands in file names: use letters")
        if any(plain(name) == plain(other) for other in own):
            raise UserError(f"{path}: {name} is named twice; case, blanks, - and _ do not count")
        own[name] = _intensities(aus, f"{path}: {name}")
    kept = {name: aus for name, aus in PRESETS.items() if plain(name) not in map(plain, own)}
    return kept | own


def _intensities(aus: object, where: str) -> Mapping[str, float]:
    if aus is not None and not isinstance(aus, dict):
        raise UserError(f"{where}: expected action units with intensities, such as {{AU06: 1.0, AU12: 1.0}}")
    checked: dict[str, float] = {}
    for word, value in (aus or {}).items():
        try:
            unit = find_action_unit(str(word))
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        if unit in checked:
            raise UserError(f"{where}: {unit} is named twice")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise UserError(f"{where}: {word} is {value!r}; intensities are numbers in [0, 1]")
        checked[unit] = float(value)
    return checked


def write_expressions(expressions: Expressions) -> str:
    """Expressions as the text of a file that `read_expressions` reads."""
    lines = (f"{name}: {{{', '.join(f'{unit}: {value:g}' for unit, value in aus.items())}}}"
             for name, aus in expressions.items())  # fmt: skip
    return "".join(f"{line}\n" for line in lines)
