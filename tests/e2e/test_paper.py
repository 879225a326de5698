"""The paper's preset, shrunk in size and to the networks at hand, on made-up trees of its four data sets.

From `check`, which names what is missing before anything runs, to the page.
"""

import json

import pandas as pd
import pytest

from tests.conftest import TINY
from tests.e2e.conftest import copy_project, make_tiny
from tests.e2e.published import make_published
from tests.e2e.repository import Clone
from tests.e2e.test_pipeline import stages_run

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(3000)]

ROLES = ("corpus.train", "corpus.wild", "corpus.mug", "corpus.rafd")
"""No role of the paper's preset is rendered."""
SHRUNK = {key: value for key, value in TINY.items() if not key.startswith(ROLES)} | {
    "prepare.val_share": 0.5,
    "plan.wild_faces": 5,
    "training.epochs": None,
    "stargan.training.epochs": 4,
    "training.batches": 20,  # two steps of DefGAN's generators after ten of its discriminator each
    "training.sheet_every": 1,
}
AT_HAND = {
    "training.embedder": "dlib-resnet-128",
    "evaluate.embedder": "dlib-resnet-128",
    "evaluate.features": "efficientnet-lite0",
}
"""The weights of the paper's networks are not there without the internet."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    """The project's files with the paper's preset and its data sets; nothing has run."""
    clone = Clone(tmp_path_factory.mktemp("paper") / "clone")
    copy_project(clone.path)
    clone.run("python", "-m", "defgan.presets", "presets/paper.yaml")
    make_tiny(clone.path / "params.yaml", SHRUNK)
    make_published(clone.path / "photographs", clone.path.parent / "corpus")
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    clone.commit("the paper's preset")
    return clone


@pytest.fixture(scope="module")
def refused(clone) -> str:
    """What `dvc repro` prints where networks, AUs and people are missing."""
    home = clone.path.parent / "home"
    home.mkdir()
    hidden = clone.path / "photographs/rafd/openface"
    hidden.rename(hidden.with_name("away"))
    before = (clone.path / "params.yaml").read_text(encoding="utf-8")
    make_tiny(clone.path / "params.yaml", {"plan.instances": 50, "user_study.questions": 16})
    # A home without a cache of weights, and nothing to download them from.
    clone.env |= {"HOME": str(home), "https_proxy": "http://127.0.0.1:9"}
    output = clone.run("dvc", "repro", ok=False)
    clone.env["HOME"] = str(clone.path.home())
    (clone.path / "params.yaml").write_text(before, encoding="utf-8")
    hidden.with_name("away").rename(hidden)
    return output


@pytest.fixture(scope="module")
def finished(clone, refused) -> tuple[Clone, str]:
    """The whole experiment with the networks at hand, and what it printed."""
    make_tiny(clone.path / "params.yaml", AT_HAND)
    clone.commit("networks at hand")
    return clone, clone.run("dvc", "repro")


def test_what_is_missing_is_listed_before_anything_runs(clone, refused):
    assert stages_run(refused) == {"check"}
    for part in (
        "training.embedder, evaluate.embedder: ",
        "evaluate.features: ",
        "data.rafd.action_units: photographs/rafd: action_units is openface, but there are no CSV files",
        "plan.instances: 50 people of rafd must show all expressions, but 8 do",
        "user_study.questions: 16 faces of distinct people are needed, but 5 of data.wild are edited",
        "check: 5 of the things that the experiment of params.yaml needs are missing",
    ):
        assert part in refused, part


def test_it_runs_from_the_check_to_the_page(finished):
    clone, output = finished
    assert {"check", "prepare@rafd", "train_defgan", "compare", "votes", "page"} <= stages_run(output)
    plan = pd.read_parquet(clone.path / "data/plan.parquet")
    faces = plan[plan["set"] == "expressions"]["image_id"].nunique()
    assert faces == 5 < len(pd.read_parquet(clone.path / "data/prepared/wild/faces.parquet"))
    assert plan[plan["set"] == "person"]["instance"].str.startswith("mug_").all()
    assert plan[plan["set"] == "expressions"]["instance"].str.startswith("rafd_").all()
    assert len(plan[plan["set"] == "person"]) == 6 * faces
    aus = pd.read_parquet(clone.path / "data/prepared/rafd/faces.parquet")["au_source"]
    assert set(aus) == {"openface"}
    metrics = json.loads((clone.path / "metrics/methods/defgan.json").read_text(encoding="utf-8"))
    assert metrics["distance_set"] == "person" and metrics["reference_images"] == metrics["reference_available"]
    page = (clone.path / "reports/index.html").read_text(encoding="utf-8")
    shown = ("fig_02_networks", "fig_04_expressions", "fig_15_user_study_stage_1", "fig_17_stargan_rafd")
    assert all(f'id="{name}"' in page for name in shown)


def test_captions_name_the_papers_data_and_what_stands_in_for_its_networks(finished):
    clone, _ = finished
    table = (clone.path / "reports/tables/table_1.md").read_text(encoding="utf-8")
    assert "Edited faces: CelebA-HQ" in table and "of role train: EmotioNet" in table
    assert "of the edits to the AUs of one person of role mug" in table
    assert "dlib ResNet-128 (in place of the paper's OpenFace)" in table
    captions = json.loads((clone.path / "reports/figures/celeba_hq/captions.json").read_text(encoding="utf-8"))
    substitutes = {entry for caption in captions.values() for entry in caption["substitutes"]}
    assert not any("CelebA-HQ and web" in entry or "Radboud" in entry for entry in substitutes)


def test_no_picture_of_a_person_lands_in_git(finished):
    clone, _ = finished
    clone.run("git", "add", "--all")
    added = clone.run("git", "diff", "--cached", "--name-only").split()
    pictures = {path for path in added if path.endswith((".png", ".jpg", ".webp", ".html", ".npy"))}
    assert not {path for path in pictures if not path.startswith("reports/data/corpus/")}, pictures
    assert "reports/tables/table_1.md" in added
