"""Whatever comes back is read as far as it goes, reported by file and line, and nothing is lost."""

import csv
import io
import json
import random
from pathlib import Path

import pytest

from defgan.errors import UserError
from defgan.study.responses import ANSWER_COLUMNS, LARGEST_FILE, read_responses
from tests.study.conftest import as_json, make_response

FIRST_LINE = 12
"""Of the answers in a form's JSON."""


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "responses"
    path.mkdir()
    (path / "README.md").write_text("# not a response\n")
    return path


@pytest.fixture
def stages(bundles):
    """Stage to (bundle id, study)."""
    return {study.stage: (bundle, study) for bundle, study in bundles.items()}


def as_csv(response, delimiter=","):
    columns = ["format", "bundle", "stage", "participant", "response", "made_up", "mirrored", "started", "saved"]
    columns += ["question", "answer", "left", "shown", "milliseconds", "comment"]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    for answer in response["answers"]:
        writer.writerow({**response, "made_up": str(response["made_up"]).lower(), **answer})
    return buffer.getvalue()


def problems(responses):
    return [
        (row.file, None if row.line is None or str(row.line) == "<NA>" else int(row.line), row.question, row.problem)
        for row in responses.problems.itertuples()
    ]


@pytest.mark.parametrize("stage", [1, 2])
def test_a_whole_response_becomes_answers_with_method_and_face(folder, bundles, stages, stage):
    bundle, study = stages[stage]
    response = make_response(bundle, study, "p1")
    (folder / "sub").mkdir()
    (folder / "sub/one.json").write_text(as_json(response))
    back = read_responses(folder, bundles)
    assert back.files == 1 and back.problems.empty and tuple(back.answers.columns) == ANSWER_COLUMNS
    answers = back.stage(stage).set_index("question")
    assert len(answers) == len(back.answers) == len(response["answers"])
    for number, given in enumerate(response["answers"]):
        row = answers.loc[given["question"]]
        shown = study.key[study.key["question"] == given["question"]].set_index("image")
        assert row["image_id"] == shown["image_id"].iloc[0] and row["expression"] == shown["expression"].iloc[0]
        assert row["line"] == FIRST_LINE + number and row["file"] == "sub/one.json"
        if stage == 1:
            assert row["rating"] == given["answer"] and row["method"] == shown["method"].iloc[0]
        else:
            assert row["method"] == shown["method"][given["answer"]]
            assert row["side"] == ("left" if given["left"] == given["answer"] else "right")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("stage", [1, 2])
def test_json_and_csv_say_the_same(folder, bundles, stages, stage, delimiter):
    response = make_response(*stages[stage], "p1")
    (folder / "a.json").write_text(as_json(response))
    from_json = read_responses(folder, bundles).answers.drop(columns=["file", "line"])
    (folder / "a.json").unlink()
    (folder / "a.csv").write_text(as_csv(response, delimiter), encoding="utf-8-sig")
    back = read_responses(folder, bundles)
    assert back.problems.empty and back.answers["line"].tolist() == list(range(2, len(from_json) + 2))
    assert back.answers.drop(columns=["file", "line"]).astype(object).equals(from_json.astype(object))


def test_made_up_responses_never_count(folder, bundles, stages):
    response = make_response(*stages[2], "p1", made_up=True)
    (folder / "a.json").write_text(as_json(response))
    (folder / "b.csv").write_text(as_csv(response))
    (folder / "c.json").write_text(as_json(response | {"made_up": "yes"}))
    back = read_responses(folder, bundles)
    assert back.answers.empty and len(back.problems) == 3
    assert back.problems["problem"].str.contains("made up").all()


def test_a_missing_folder_is_named(folder, bundles):
    with pytest.raises(UserError, match=r"none: no such folder .* user_study\.responses"):
        read_responses(folder / "none", bundles)


def test_an_empty_folder_has_no_answers(folder, bundles):
    back = read_responses(folder, bundles)
    assert back.files == 0 and back.answers.empty and back.problems.empty and back.comments.empty


@pytest.mark.parametrize("stage", [1, 2])
def test_every_truncation_keeps_what_precedes_it(folder, bundles, stages, stage):
    text = as_json(make_response(*stages[stage], "p1"))
    lines = text.splitlines(keepends=True)
    first = text.index('    {"question"')
    whole = len([line for line in lines if line.startswith("    {")])
    for cut in range(1, len(text) - 2, 83):
        (folder / "a.json").write_text(text[:cut])
        back = read_responses(folder, bundles)
        complete = min(text[first:cut].count("}"), whole)
        [report, *_] = [row for row in problems(back) if "cut off" in row[3]]
        assert report[0] == "a.json" and abs(report[1] - text[:cut].count("\n") - 1) <= 1
        assert len(back.answers) == complete, text[:cut]


def test_an_empty_file_and_files_that_are_no_response(folder, bundles):
    (folder / "empty.json").write_bytes(b"")
    (folder / "blank.csv").write_bytes(b"\n \n")
    (folder / "text.csv").write_text("hello\n")
    (folder / "list.json").write_text("[1, 2]")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    (folder / "object.json").write_text("{}")
    (folder / "deep.json").write_text('{"answers": ' + "[" * 100_000)
    (folder / "large.json").write_bytes(b" " * (LARGEST_FILE + 1))
    (folder / ".DS_Store").write_bytes(b"\x00")
    back = read_responses(folder, bundles)
    found = {file: problem for file, _, _, problem in problems(back)}
    assert back.files == len(found) == 8 and back.answers.empty
    assert found["empty.json"] == found["blank.csv"] == "the file is empty"
    assert "neither" in found["text.csv"] and "neither" in found["list.json"]
    assert "no answers" in found["object.json"] and "too large" in found["large.json"]


def test_another_study_is_named(folder, bundles, stages):
    bundle, study = stages[1]
    (folder / "a.json").write_text(as_json(make_response(bundle, study, "p1", bundle="zzzzzzzzzz")))
    (folder / "b.json").write_text(as_json(make_response(bundle, study, "p1", stage=2)))
    (folder / "c.json").write_text(as_json(make_response(bundle, study, "p1", bundle=["x"])))
    (folder / "d.json").write_text(as_json(make_response(bundle, study, "p1", format="expression-study/9")))
    (folder / "e.json").write_text(as_json(make_response(bundle, study, "p1", response="")))
    (folder / "good.json").write_text(as_json(make_response(bundle, study, "p1")))
    back = read_responses(folder, bundles)
    assert set(back.answers["file"]) == {"good.json"} and len(back.answers) == 20
    assert [(file, problem.split(":")[0]) for file, _, _, problem in problems(back)] == [
        ("a.json", "from another study"),
        ("b.json", f"bundle {bundle} is stage 1, not 2"),
        ("c.json", "from another study"),
        ("d.json", "of another form"),
        ("e.json", "no response id; only files that a form saved count"),
    ]


def test_bad_answers_are_named_by_line_and_the_others_count(folder, bundles, stages):
    response = make_response(*stages[1], "p1")
    answers = response["answers"]
    bad = [0, 5, -1, 2.5, "3", True, None, [3], {"a": 1}, 10**30, "x" * 5000]
    for place, value in enumerate(bad):
        answers[place]["answer"] = value
    answers[12]["question"] = "q99"
    answers[13] = "nonsense"
    answers[14] = dict(answers[15])
    answers[16] |= {"shown": -3, "milliseconds": "soon"}
    (folder / "a.json").write_text(as_json(response))
    back = read_responses(folder, bundles)
    assert len(back.answers) == 20 - len(bad) - 3
    named = {line: problem for _, line, _, problem in problems(back) if line}
    for place in range(len(bad)):
        assert "impossible answer" in named[FIRST_LINE + place] and len(named[FIRST_LINE + place]) < 120
    assert "unknown question 'q99'" in named[FIRST_LINE + 12] and named[FIRST_LINE + 13] == "not an answer"
    assert named[FIRST_LINE + 15] == f"answered twice, first in line {FIRST_LINE + 14}"
    assert "impossible shown" in back.problems["problem"].to_string() and "impossible" in named[FIRST_LINE + 16]
    assert back.problems["problem"].str.contains("14 of 20 questions without an answer").any()


def test_a_vote_for_the_input_or_another_questions_image_is_impossible(folder, bundles, stages):
    bundle, study = stages[2]
    response = make_response(bundle, study, "p1")
    images = study.key.set_index(["question", "slot"])["image"]
    first, second, third = response["answers"][:3]
    first["answer"] = images[first["question"], "input"]
    second["answer"] = images[third["question"], "left"]
    third["left"] = images[third["question"], "input"]
    (folder / "a.json").write_text(as_json(response))
    back = read_responses(folder, bundles)
    assert len(back.answers) == 14
    assert [line for _, line, _, problem in problems(back) if "impossible answer" in problem] == [
        FIRST_LINE,
        FIRST_LINE + 1,
    ]
    assert back.answers.set_index("question")["side"][third["question"]] == ""


def test_bad_csv_lines_are_named(folder, bundles, stages):
    lines = as_csv(make_response(*stages[1], "p1")).splitlines()
    lines[3] = lines[3].replace(",q03,", ",q77,")
    lines[5] = lines[5].replace("p1", "somebody else")
    lines[7] = lines[7].split(",q07,")[0]
    lines.insert(9, "")
    (folder / "a.csv").write_text("\n".join(lines))
    back = read_responses(folder, bundles)
    assert len(back.answers) == 17
    named = {line: problem for _, line, _, problem in problems(back) if line}
    assert "unknown question 'q77'" in named[4] and "another response" in named[6] and "unknown question" in named[8]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "windows-1252", "utf-8-sig"])
def test_other_encodings_are_read_and_reported(folder, bundles, stages, encoding):
    response = make_response(*stages[2], "Zoë", comment="schön")
    prefix = b"\xfe\xff" if encoding == "utf-16-be" else b""
    text = as_json(response)
    text = text.replace("Zo\\u00eb", "Zoë")
    (folder / "a.json").write_bytes(prefix + text.encode(encoding))
    back = read_responses(folder, bundles)
    assert len(back.answers) == 16
    assert set(back.answers["participant"]) == {"Zoë"} and back.comments["comment"].tolist() == ["schön"]
    if encoding == "utf-8-sig":
        assert back.problems.empty
    else:
        [(file, line, _, problem)] = problems(back)
        assert file == "a.json" and "not UTF-8" in problem and line == (5 if "1252" in encoding else 1)


def test_one_response_saved_often_counts_once_and_whole(folder, bundles, stages):
    response = make_response(*stages[1], "p1")
    early = response | {"answers": response["answers"][:7], "saved": "2026-01-01T10:01:00.000Z"}
    late = response | {"saved": "2026-01-02T10:00:00.000Z"}
    late["answers"] = [answer | {"answer": 4} for answer in response["answers"]]
    for name, content in {"a": early, "b (1)": late, "c": response}.items():
        (folder / f"{name}.json").write_text(as_json(content))
    (folder / "d.csv").write_text(as_csv(response))
    back = read_responses(folder, bundles)
    assert (
        set(back.answers["file"]) == {"b (1).json"} and (back.answers["rating"] == 4).all() and len(back.answers) == 20
    )
    same = {file for file, _, _, problem in problems(back) if problem == "the same response as b (1).json"}
    assert same == {"a.json", "c.json", "d.csv"}


def test_a_participant_counts_once_per_stage(folder, bundles, stages):
    for name, stage, seed, saved in (("late", 1, 1, "2026-03"), ("early", 1, 2, "2026-02"), ("other", 2, 3, "2026-04")):
        response = make_response(*stages[stage], "p1", seed, saved=saved)
        (folder / f"{name}.json").write_text(as_json(response))
    for seed in (4, 5):
        (folder / f"nameless{seed}.json").write_text(as_json(make_response(*stages[1], "", seed)))
    back = read_responses(folder, bundles)
    assert set(back.answers["file"]) == {"early.json", "other.json", "nameless4.json", "nameless5.json"}
    [(file, _, _, problem)] = problems(back)
    assert file == "late.json" and problem == "participant 'p1' has answered before, in early.json"
    assert back.stage(1)["participant"].nunique() == 3


def test_text_that_cannot_be_written_is_replaced(folder, bundles, stages):
    response = make_response(*stages[1], "p\ud800", comment="x\udfff")
    (folder / "a.json").write_text(json.dumps(response))
    back = read_responses(folder, bundles)
    for table in (back.answers, back.problems, back.comments):
        table.to_csv(io.BytesIO())
    assert len(back.answers) == 20


def test_no_damage_stops_the_reading_or_goes_unsaid(folder, bundles, stages):
    chance = random.Random(0)
    whole = [write(make_response(*stages[stage], "p")).encode() for stage in (1, 2) for write in (as_json, as_csv)]
    for number in range(200):
        content = bytearray(chance.choice(whole))
        for _ in range(chance.choice([1, 3, 20])):
            place = chance.randrange(len(content) - 50)
            kind = chance.randrange(4)
            if kind == 0:
                content[place] = chance.randrange(256)
            elif kind == 1:
                del content[place : place + chance.randrange(40)]
            elif kind == 2:
                content[place:place] = bytes(chance.choices(b'{}[]",:\n\\019\x00\xff', k=4))
            else:
                content[place:place] = content[max(0, place - 200) : place]
        (folder / f"{number}.json").write_bytes(content)
    back = read_responses(folder, bundles)
    assert set(back.answers["file"]) | set(back.problems["file"]) == {f"{number}.json" for number in range(200)}
