"""Reads the files that participants hand in: all that can be read, and a table of all problems.

A response is a JSON or CSV file that a form saved. The readable answers of a damaged file count. Everything that does
not count is in the table of problems, with its file and line.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from defgan.errors import UserError
from defgan.study.bundle import FORMAT, SCALE
from defgan.study.design import METHODS

README = "README.md"
"""The folder's own page, which is no response."""
LARGEST_FILE = 5_000_000
"""Bytes; a response has a few thousand bytes."""
PROBLEM_COLUMNS = ("file", "line", "question", "problem", "counts")
ANSWER_COLUMNS = (
    "file",
    "line",
    "stage",
    "participant",
    "response",
    "question",
    "shown",  # its place among the participant's questions, 1 …; may be missing
    "milliseconds",
    "method",  # rated (stage 1) or chosen (stage 2)
    "image_id",  # of the input face
    "expression",
    "rating",  # stage 1: 1 … 4
    "side",  # stage 2: "left" or "right", where the chosen image was; "" where unknown
)

_HEADER = ("format", "bundle", "stage", "participant", "response", "made_up", "started", "saved")
_LATIN = "windows-1252"
_LONGEST_QUOTE = 60
_LARGEST_NUMBER = 10**9


@dataclass(frozen=True)
class Study:
    """One stage as it was handed out."""

    stage: int
    key: pd.DataFrame

    @cached_property
    def questions(self) -> dict[str, "Question"]:
        return {
            name: Question(
                slots=dict(zip(rows["image"], rows["slot"], strict=True)),
                methods=dict(zip(rows["image"], rows["method"], strict=True)),
                face={"image_id": rows["image_id"].iloc[0], "expression": rows["expression"].iloc[0]},
            )
            for name, rows in self.key.groupby("question")
        }


@dataclass(frozen=True)
class Question:
    """One question of the key: slot and method by image name, and the face."""

    slots: dict[str, str]
    methods: dict[str, str]
    face: dict[str, str]  # image_id, expression

    def possible(self) -> list[int] | list[str]:
        """The possible answers: ratings, or the names of the two images."""
        images = sorted(image for image, slot in self.slots.items() if slot in ("left", "right"))
        return images or list(SCALE)


@dataclass
class Response:
    """One file as read; `answers` are pairs of a line number and an unchecked value."""

    file: str
    header: dict[str, Any] = field(default_factory=dict)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    comment: str = ""
    problems: list[dict[str, Any]] = field(default_factory=list)

    def report(self, problem: str, counts: str, line: int | None = None, question: object = "") -> None:
        """Note a problem; `counts` says which answers still count."""
        self.problems.append(
            {"file": self.file, "line": line, "question": _text(question), "problem": problem, "counts": counts}
        )


@dataclass(frozen=True)
class Responses:
    """All files together: answers that count (`ANSWER_COLUMNS`), problems (`PROBLEM_COLUMNS`), comments."""

    files: int
    answers: pd.DataFrame
    problems: pd.DataFrame
    comments: pd.DataFrame  # file, stage, participant, comment

    def stage(self, number: int) -> pd.DataFrame:
        """The answers of one stage."""
        return self.answers[self.answers["stage"] == number].reset_index(drop=True)


# --- reading one file


def _text(value: object) -> str:
    """The value as text that UTF-8 can encode."""
    return str(value).encode("utf-8", "replace").decode()


def _quoted(value: object) -> str:
    """A value for a message, shortened."""
    return repr(value) if len(repr(value)) <= _LONGEST_QUOTE else f"{repr(value)[:_LONGEST_QUOTE]}…"


def _decode(content: bytes, response: Response) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        response.report("encoded as UTF-16, not UTF-8; read as UTF-16", "everything that could be read", line=1)
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        response.report(
            f"not UTF-8; read as {_LATIN}: the answers are right, letters of codes and comments may be wrong",
            "everything that could be read",
            line=line,
        )
        return content.decode(_LATIN, errors="replace")


class _Cursor:
    """A position in a JSON text that is read value by value.

    Not pydantic_core's `from_json(allow_partial=True)`: it gives no line numbers, fails on damage in the middle, and
    keeps an answer that is cut off inside a number.
    """

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0

    def line(self) -> int:
        return self.text.count("\n", 0, self.position) + 1

    def skip(self, pattern: str) -> int:
        """Move past a pattern, which may match an empty text; return the number of characters."""
        start, self.position = self.position, re.compile(pattern).match(self.text, self.position).end()
        return self.position - start

    def members(self, closing: str) -> Iterator[None]:
        """Stop at every member of an object or array, for the caller to read it; end after the closing sign."""
        while True:
            self.skip(r"[\s,]*")
            if self.position == len(self.text):
                raise ValueError("the text ends too early")
            if self.text[self.position] == closing:
                self.position += 1
                return
            yield

    def value(self) -> Any:
        value, self.position = json.JSONDecoder().raw_decode(self.text, self.position)
        return value


def _read_json(text: str, response: Response) -> None:
    """Read member by member: everything before a damaged place is kept, and every answer has its line."""
    cursor = _Cursor(text)
    try:
        cursor.skip(r"\s*\{")
        for _ in cursor.members("}"):
            name = cursor.value()
            if not isinstance(name, str) or not cursor.skip(r"(\s*:\s*)?"):
                raise ValueError("no member of an object")
            if name == "answers" and cursor.skip(r"\[?"):
                for _ in cursor.members("]"):
                    response.answers.append((cursor.line(), cursor.value()))
            elif name == "comment":
                response.comment = _text(cursor.value())
            else:
                response.header[name] = cursor.value()
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            cursor.position = error.pos
        response.report("damaged or cut off here", f"the {len(response.answers)} answers before it", cursor.line())


def _number(text: str | None) -> int | str | None:
    """A CSV cell as an integer where it is one."""
    return int(text) if text and re.fullmatch(r"-?\d{1,15}", text) else text or None


def _read_csv(text: str, response: Response) -> None:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        if not set(reader.fieldnames or ()) >= {"bundle", "stage", "response", "question", "answer"}:
            response.report("neither a form's JSON nor its CSV", "nothing", line=1)
            return
        for row in reader:
            header = {name: row.get(name) or "" for name in _HEADER}
            header |= {"stage": _number(row["stage"]), "made_up": header["made_up"].lower() not in ("", "false", "0")}
            response.header = response.header or header
            if any(header[name] != response.header[name] for name in ("bundle", "stage", "participant", "response")):
                response.report(
                    "belongs to another response than the first line; every response needs a file of its own",
                    "not this answer",
                    line=reader.line_num,
                    question=row["question"],
                )
                continue
            values = {name: row.get(name) for name in ("question", "left")}
            values |= {name: _number(row.get(name)) for name in ("answer", "shown", "milliseconds")}
            response.answers.append((reader.line_num, values))
            response.comment = response.comment or _text(row.get("comment") or "")
    except csv.Error as error:
        response.report(f"damaged here: {error}", f"the {len(response.answers)} answers before it", reader.line_num)


def read_response(path: Path, name: str) -> Response:
    """Read one file, whatever its content; `name` is its name in tables."""
    response = Response(name)
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST_FILE else b""
    except OSError as error:
        response.report(f"cannot be read: {error.strerror}", "nothing")
        return response
    if size > LARGEST_FILE:
        response.report(f"{size} bytes: too large for a response", "nothing")
        return response
    text = _decode(content, response)
    if not text.strip():
        response.report("the file is empty", "nothing")
    elif text.lstrip().startswith("{"):
        _read_json(text, response)
    else:
        _read_csv(text, response)
    return response


# --- checking what it says


def _of_study(response: Response, studies: Mapping[str, Study]) -> Study | None:
    """The study of a response; None where the response does not count, with the reason reported."""
    header = response.header
    bundle = header.get("bundle")
    if not header:
        if not response.problems:
            response.report("no answers in it", "nothing")
        return None
    if header.get("format", FORMAT) != FORMAT:
        response.report(f"of another form: format {_quoted(header['format'])}, not {FORMAT!r}", "nothing")
        return None
    if not isinstance(bundle, str) or bundle not in studies:
        known = ", ".join(f"{name} (stage {study.stage})" for name, study in studies.items())
        response.report(f"from another study: bundle {_quoted(bundle)}, not {known}", "nothing")
        return None
    if header.get("stage") != studies[bundle].stage:
        response.report(
            f"bundle {bundle} is stage {studies[bundle].stage}, not {_quoted(header.get('stage'))}", "nothing"
        )
        return None
    if header.get("made_up", False) is not False:
        response.report("a trial run, marked as made up", "nothing")
        return None
    if not isinstance(header.get("response"), str) or not header["response"]:
        response.report("no response id; only files that a form saved count", "nothing")
        return None
    return studies[bundle]


def _whole(value: Any) -> int | None:
    """A whole number of a sensible size, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_NUMBER else None


def _check_answers(response: Response, study: Study) -> list[dict[str, Any]]:
    """The answers of a response that count, with method and face from the key; the others are reported."""
    questions = study.questions
    good: dict[str, dict[str, Any]] = {}
    for line, value in response.answers:
        if not isinstance(value, dict):
            response.report("not an answer", "not this answer", line)
            continue
        name, answer = value.get("question"), value.get("answer")
        if not isinstance(name, str) or name not in questions:
            response.report(f"unknown question {_quoted(name)}", "not this answer", line, name)
            continue
        question = questions[name]
        possible = question.possible()
        if isinstance(answer, bool) or not isinstance(answer, int | str) or answer not in possible:
            expected = ", ".join(map(str, possible))
            response.report(f"impossible answer {_quoted(answer)}; possible: {expected}", "not this answer", line, name)
            continue
        if name in good:
            response.report(f"answered twice, first in line {good[name]['line']}", "the first answer", line, name)
            continue
        row = {"file": response.file, "line": line, "stage": study.stage, "question": name}
        row |= {
            "participant": _text(response.header.get("participant") or ""),
            "response": _text(response.header["response"]),
        }
        row |= {**question.face, "rating": None, "side": ""}
        for extra in ("shown", "milliseconds"):
            row[extra] = _whole(value.get(extra))
            if row[extra] is None and value.get(extra) is not None:
                response.report(f"impossible {extra} {_quoted(value[extra])}", "the answer, without it", line, name)
        if study.stage == 1:
            [row["method"]] = question.methods.values()
            row["rating"] = answer
        else:
            row["method"] = question.methods[answer]
            left = value.get("left")
            if left in possible:
                row["side"] = "left" if left == answer else "right"
            elif left is not None:
                response.report(f"impossible left image {_quoted(left)}", "the answer, without its side", line, name)
        good[name] = row
    if good and len(good) < len(questions):
        response.report(f"{len(questions) - len(good)} of {len(questions)} questions without an answer", "the others")
    if not good:
        response.report("no answers in it", "nothing")
    return list(good.values())


def _without_duplicates(
    read: list[tuple[Response, list[dict[str, Any]]]],
) -> list[tuple[Response, list[dict[str, Any]]]]:
    """One file per response, and one response per participant and stage; the others are reported.

    Of the files of a response the one with the most answers counts, then the one saved last. Of a participant's
    responses the first counts. A response without a participant code counts as a participant of its own.
    """

    def saved(response: Response) -> str:
        return _text(response.header.get("saved") or "")

    of_response: dict[str, tuple[Response, list[dict[str, Any]]]] = {}
    for response, good in sorted(read, key=lambda item: (len(item[1]), saved(item[0])), reverse=True):
        kept = of_response.setdefault(response.header["response"], (response, good))
        if kept[0] is not response:
            response.report(f"the same response as {kept[0].file}", "only that file")
    of_participant: dict[tuple[int, str], Response] = {}
    counted = []
    for response, good in sorted(of_response.values(), key=lambda item: (saved(item[0]), item[0].file)):
        participant = good[0]["participant"]
        first = of_participant.setdefault((good[0]["stage"], participant), response) if participant else response
        if first is response:
            counted.append((response, good))
        else:
            response.report(
                f"participant {_quoted(participant)} has answered before, in {first.file}", "only the first time"
            )
    return counted


def read_responses(directory: str | Path, studies: Mapping[str, Study]) -> Responses:
    """All responses in a folder and its sub-folders, checked against the studies of their bundle ids.

    Raises UserError where the folder does not exist.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"{directory}: no such folder of responses; make it or change user_study.responses")
    paths = [path for path in sorted(directory.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    names = {path: _text(path.relative_to(directory).as_posix()) for path in paths}
    responses = [read_response(path, name) for path, name in names.items() if name != README]
    read = []
    for response in responses:
        study = _of_study(response, studies)
        if study is not None and (good := _check_answers(response, study)):
            read.append((response, good))
    counted = _without_duplicates(read)
    answers = pd.DataFrame([row for _, good in counted for row in good], columns=list(ANSWER_COLUMNS))
    # Without a code the response stands for the participant.
    answers["participant"] = answers["participant"].where(answers["participant"] != "", answers["response"])
    problems = [problem for response in responses for problem in response.problems]
    comments = [
        {"file": response.file, "stage": good[0]["stage"], "participant": good[0]["participant"], "comment": comment}
        for response, good in counted
        if (comment := response.comment.strip())
    ]
    assert set(answers["method"]) <= set(METHODS)
    return Responses(
        files=len(responses),
        answers=answers.sort_values(["stage", "participant", "question"], ignore_index=True),
        problems=pd.DataFrame(problems, columns=list(PROBLEM_COLUMNS)).astype({"line": "Int64"}),
        comments=pd.DataFrame(comments, columns=["file", "stage", "participant", "comment"]),
    )
