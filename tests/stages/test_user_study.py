"""`user_study` writes both bundles and, apart from them, the key; `votes` goes from files to Fig. 7 and tables."""

import shutil
import time

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from defgan.study.responses import Responses, Study
from defgan.study.results import evaluate_responses, read_studies
from stages import user_study as study_stage
from stages import votes as votes_stage
from stages.user_study import user_study
from stages.votes import votes
from tests.conftest import changed
from tests.stages.conftest import ROOT, make_workspace
from tests.study.conftest import as_json, make_response

FACES = 24


def set_params(path, **overrides):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    (path / "params.yaml").write_text(yaml.safe_dump(changed(values, overrides)))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """The current directory is a made-up run whose wild faces look ahead, with everything that the study needs."""
    make_workspace(tmp_path, faces=FACES)
    path = tmp_path / "data/prepared/wild/faces.parquet"
    points = {"left_eye_x": 8.0, "left_eye_y": 12.0, "right_eye_x": 24.0, "right_eye_y": 12.0}
    nose = 16 + np.linspace(-2, 2, FACES)
    pd.read_parquet(path).assign(**points, nose_x=nose, nose_y=18.0).to_parquet(path)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/consent.txt", tmp_path / "docs")
    (tmp_path / "responses").mkdir()
    (tmp_path / "responses/README.md").write_text("not a response\n")
    set_params(tmp_path, **{"user_study.questions": 8, "user_study.near_frontal": 0.5})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change_plan(path):
    """Another plan for one of the methods."""
    frame = pd.read_parquet(path)
    frame.assign(expression=frame["expression"].to_numpy()[::-1]).to_parquet(path)


@pytest.fixture
def handed_out(workspace) -> dict[str, Study]:
    user_study()
    return read_studies(study_stage.KEYS)


def test_every_image_is_the_edit_that_the_key_says(workspace, handed_out):
    methods = {name: np.load(f"edits/{name}/final.npy") for name in ("defgan", "ganimation", "copy")}
    for study in handed_out.values():
        for row in study.key.itertuples():
            with Image.open(f"reports/user_study/stage{study.stage}/images/{row.image}.png") as image:
                expected = methods[row.method or "copy"][int(row.edit)]
                np.testing.assert_array_equal(np.asarray(image), expected)
    assert [len(study.key) for study in handed_out.values()] == [20, 24]
    wild = pd.read_parquet("data/prepared/wild/faces.parquet").set_index("image_id")
    compared = next(study.key for study in handed_out.values() if study.stage == 2)
    assert (abs(wild.loc[compared["image_id"], "nose_x"] - 16) < 1.1).all()


def test_what_is_left_to_do_is_said(workspace, capsys):
    user_study()
    said = capsys.readouterr().out.replace("\n", " ")
    assert "blanks in square brackets" in said and all(bundle in said for bundle in read_studies(study_stage.KEYS))
    (workspace / "docs/consent.txt").write_text("No blanks.")
    user_study()
    assert "blanks" not in capsys.readouterr().out


def test_nothing_of_the_key_is_in_the_bundles_folder(workspace, handed_out):
    files = {path.name for path in study_stage.BUNDLES.rglob("*") if path.is_file() and path.suffix != ".png"}
    assert files == {"form.html", "questions.json"}
    assert not study_stage.KEYS.resolve().is_relative_to(study_stage.BUNDLES.resolve())


def test_the_bundles_are_those_of_the_seed_to_the_byte(workspace, handed_out):
    def content():
        return {path: path.read_bytes() for path in study_stage.BUNDLES.rglob("*") if path.is_file()}

    before = content()
    user_study()
    assert content() == before
    set_params(workspace, **{"user_study.questions": 8, "user_study.seed": 5})
    user_study()
    assert set(read_studies(study_stage.KEYS)).isdisjoint(handed_out)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: (path / "docs/consent.txt").unlink(), "docs/consent.txt"),
        (lambda path: (path / "docs/consent.txt").write_bytes(b"\xff\xfe\xff"), "docs/consent.txt"),
        (lambda path: (path / "edits/ganimation/final.npy").unlink(), "edits/ganimation"),
        (lambda path: set_params(path, **{"user_study.questions": 25}), "user_study.questions"),
        (lambda path: set_params(path, **{"user_study.post_to": "ftp://x"}), "user_study.post_to"),
        (lambda path: change_plan(path / "edits/defgan/edits.parquet"), "edits: the edits of"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(workspace, capsys, change, message):
    change(workspace)
    with pytest.raises(SystemExit):
        user_study()
    assert message in capsys.readouterr().err
    assert not study_stage.BUNDLES.exists() and not study_stage.KEYS.exists()


# --- votes


def evaluate() -> tuple[Responses, dict[str, float]]:
    """What the stage does, with its return values."""
    return evaluate_responses("responses", votes_stage.KEYS, votes_stage.ANSWERS, votes_stage.REPORTS)


def write_responses(workspace, studies, participants, **changes):
    for number in range(participants):
        for bundle, study in studies.items():
            response = make_response(bundle, study, f"p{number:03d}", number, **changes)
            (workspace / f"responses/{study.stage}-{number:03d}.json").write_text(as_json(response))


def test_no_responses_no_figure(workspace, handed_out, capsys):
    votes()
    assert "no responses in responses count (0 files), so no figure" in capsys.readouterr().out.replace("\n", " ")
    assert {path.name for path in votes_stage.REPORTS.iterdir()} == {"votes.md"}
    assert "No responses yet" in (votes_stage.REPORTS / "votes.md").read_text()


def test_made_up_answers_reach_no_report(workspace, handed_out, capsys):
    write_responses(workspace, handed_out, 2, made_up=True)
    votes()
    assert "made up" in capsys.readouterr().out
    assert {path.name for path in votes_stage.REPORTS.iterdir()} == {"votes.md"}
    problems = pd.read_csv(votes_stage.ANSWERS / "problems.csv")
    assert len(problems) == 4 and problems["problem"].str.contains("made up").all()


def test_from_files_to_figure_and_tables(workspace, handed_out):
    write_responses(workspace, handed_out, 30)
    responses, numbers = evaluate()
    assert responses.problems.empty and numbers["stage2.participants"] == 30
    names = {path.name for path in votes_stage.REPORTS.iterdir()}
    assert names == {"fig_07_user_study.png", "fig_07_user_study.pdf", "captions.json", "questions.csv"} | {
        f"{table}.{ending}" for table in ("votes", "plausibility", "tests") for ending in ("csv", "md")
    }
    table = pd.read_csv(votes_stage.REPORTS / "votes.csv")
    overall = table[(table["expression"] == "all") & (table["method"] == "defgan")].iloc[0]
    assert overall["of"] == 30 * 8 and overall["share"] == numbers["stage2.share_defgan"]
    questions = pd.read_csv(votes_stage.REPORTS / "questions.csv")
    assert len(questions) == 20 + 8
    answers = pd.read_csv(votes_stage.ANSWERS / "answers.csv")
    assert len(answers) == 30 * 28
    votes_of_defgan = answers[(answers["stage"] == 2) & (answers["method"] == "defgan")]
    assert len(votes_of_defgan) == overall["votes"]
    second = questions[questions["stage"] == 2]
    assert (second["mean"] * second["answers"]).sum() == pytest.approx(overall["votes"])


def test_old_reports_go_when_the_responses_are_gone(workspace, handed_out):
    write_responses(workspace, handed_out, 2)
    votes()
    assert (votes_stage.REPORTS / "fig_07_user_study.png").is_file()
    for path in (workspace / "responses").glob("*.json"):
        path.unlink()
    votes()
    assert {path.name for path in votes_stage.REPORTS.iterdir()} == {"votes.md"}


NASTY = '=HYPERLINK("http://x")|<script>alert(1)</script>\n# big [link](http://x) \x1b[31m`code`'


def test_what_people_type_is_shown_and_does_nothing(workspace, handed_out, capsys):
    for bundle, study in handed_out.items():
        response = make_response(bundle, study, NASTY, comment=NASTY)
        if study.stage == 1:
            response["answers"][0]["answer"] = NASTY
            response["answers"][1]["question"] = NASTY
        (workspace / f"responses/[red]{study.stage}.json").write_text(as_json(response))
    votes()
    printed = capsys.readouterr().out
    assert "\x1b[31m" not in printed and "[red]1.json" in printed
    page = (votes_stage.ANSWERS / "validation.md").read_text()
    for active in ("<script", "\x1b", "](http", "\n# big", "|<"):
        assert active not in page
    for name in ("answers", "problems", "comments"):
        table = pd.read_csv(votes_stage.ANSWERS / f"{name}.csv", dtype=str, keep_default_na=False)
        cells = table.to_numpy().ravel().tolist()
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        assert not [cell for cell in cells if "\n" in cell or "\x1b" in cell]
    comments = pd.read_csv(votes_stage.ANSWERS / "comments.csv")["comment"]
    assert comments.str.contains("<script>alert(1)</script>", regex=False).all()


def test_good_files_count_among_bad_ones(workspace, handed_out, capsys):
    write_responses(workspace, handed_out, 4)
    folder = workspace / "responses"
    text = (folder / "2-000.json").read_text()
    (folder / "2-000.json").write_text(text[: text.index('"q05"')])
    (folder / "1-001.json").write_bytes(b"")
    (folder / "2-002.json").write_text((folder / "2-002.json").read_text().replace("q03", "q93"))
    (folder / "1-003.json").write_bytes((folder / "1-003.json").read_text().encode("utf-16"))
    votes()
    problems = pd.read_csv(votes_stage.ANSWERS / "problems.csv").set_index("file")
    assert problems.loc[["2-000.json"], "line"].dropna().tolist() == [16]
    assert {"2-000.json", "1-001.json", "2-002.json", "1-003.json"} == set(problems.index)
    answers = pd.read_csv(votes_stage.ANSWERS / "answers.csv")
    assert answers["stage"].value_counts().to_dict() == {1: 60, 2: 4 + 7 + 8 + 8}
    said = capsys.readouterr().out.replace("\n", " ")
    assert "2-000.json:16: damaged or cut off here" in said and "stage 1: 3 participants" in said


@pytest.mark.parametrize(
    ("remove", "message"), [("responses", "responses"), ("data/user_study", "data/user_study/study.json")]
)
def test_a_missing_folder_is_named(workspace, handed_out, capsys, remove, message):
    shutil.rmtree(workspace / remove)
    with pytest.raises(SystemExit):
        votes()
    assert message in capsys.readouterr().err
    assert not votes_stage.REPORTS.exists()


@pytest.mark.long
def test_two_hundred_participants_take_seconds(workspace, handed_out):
    """200 × 36 answers in less than ten seconds of one core; the questions of stage 2 are filled up to sixteen."""
    set_params(workspace, **{"user_study.near_frontal": 1.0})
    user_study()
    studies = read_studies(study_stage.KEYS)
    assert sum(study.key["question"].nunique() for study in studies.values()) == 36
    write_responses(workspace, studies, 200)
    started = time.process_time()
    responses, _ = evaluate()
    seconds = time.process_time() - started
    assert len(responses.answers) == 7200
    assert seconds < 10
