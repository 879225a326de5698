"""What a user asks of `defgan edit`, and which options exclude each other."""

from dataclasses import dataclass
from pathlib import Path

from defgan.errors import UserError

# In these tables `face` stands for --face N=EXPRESSION alone: a choice of faces goes with everything.
_WORDS = ("expression", "neutral", "au")
_GOALS = (*_WORDS, "face", "like")
_TIMES = ("start", "end")
_PICTURES = ("sheet", "sweep", "animate")
NOT_FOR_CLIPS = frozenset({*_PICTURES, "save_parts", "face", "credentials"})
ONLY_FOR_CLIPS = frozenset({"keyframes", *_TIMES})

_ONE_GOAL = "give one of --like, --face N=EXPRESSION, and --expression with --au"
_TIMED = "leave out other expressions,"
_CONFLICTS = (
    # An option, those that it excludes, and what is said.
    ("neutral", ("expression",), "give --neutral or --expression, not both"),
    ("like", ("face", *_WORDS), _ONE_GOAL),
    ("face", _WORDS, _ONE_GOAL),
    ("keyframes", (*_GOALS, *_TIMES), f"--keyframes holds expressions and times: {_TIMED} --from and --to"),
    ("drive", (*_GOALS, *ONLY_FOR_CLIPS), f"--drive has expressions and times: {_TIMED} --keyframes, --from and --to"),
    (
        "drive",
        (*_PICTURES, "save_parts", "credentials"),
        "--drive makes clips: leave out --sheet, --sweep, --animate, --save-parts and --credentials",
    ),
    ("like", ("relative",), "--like stands without --relative; --like-neutral makes it relative to that person"),
    *(
        (name, ("save_parts",), f"--save-parts belongs to a single edit: leave it out, or --{name}")
        for name in _PICTURES
    ),
    ("animate", ("credentials",), "--credentials are for photographs, not for films: leave out --animate"),
)


@dataclass(frozen=True)
class Request:
    """The options of `defgan edit` by the names of its parameters, where they are explained."""

    paths: list[str]
    expression: str | None
    neutral: bool
    strength: float
    au: list[str] | None
    relative: bool
    model: str
    weights: Path | None
    face: list[str] | None
    expressions: Path | None
    like: Path | None
    like_neutral: Path | None
    drive: Path | None
    sheet: bool
    sweep: int | None
    animate: Path | None
    save_parts: bool
    start: float | None
    end: float | None
    ease: float
    keyframes: Path | None
    device: str
    output: str | None
    credentials: str | None
    overwrite: bool
    debug: bool

    @property
    def given(self) -> set[str]:
        """The names of the options that are given; `face` only where it names an expression."""
        given = {name for name, value in vars(self).items() if not (value is None or value is False or value == [])}
        return given if any("=" in text for text in self.face or []) else given - {"face"}

    @property
    def picture(self) -> str | None:
        """The one of --sheet, --sweep and --animate that is given alone."""
        pictures = self.given.intersection(_PICTURES)
        return min(pictures) if len(pictures) == 1 else None

    def check(self) -> None:
        """Raises UserError where options exclude each other."""
        given = self.given
        for name, excluded, message in _CONFLICTS:
            if name in given and given.intersection(excluded):
                raise UserError(message)
        if "like_neutral" in given and "like" not in given:
            raise UserError("--like-neutral needs --like")
        if self.picture == "sheet" and given.intersection(_GOALS):
            goals = "--expression, --neutral, --au, --like, --face N=…"
            raise UserError(f"--sheet shows all six expressions: leave out {goals}, or --sheet")
        if self.picture == "animate" and "output" in given:
            raise UserError("--animate names the film's file: leave out --output")
