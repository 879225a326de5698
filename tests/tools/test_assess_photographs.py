"""The tables of photographs of people, made of rendered ones."""

import shutil

import pandas as pd
import pytest
from PIL import Image

from defgan.demo.examples import examples
from defgan.facs import EXPRESSIONS
from tests.editing.conftest import weights  # noqa: F401
from tools.assess_photographs import main


@pytest.fixture
def people(tmp_path):
    """Two people with two photographs each, one whose face is not found, one who does not smile, and a broken file."""
    folder = tmp_path / "people"
    for name in ("neutral", "smiling"):
        (folder / name).mkdir(parents=True)
        for number, path in enumerate(examples()[:2]):
            shutil.copy(path, folder / name / f"{number}.jpg")
        Image.new("RGB", (200, 200)).save(folder / name / "nobody.png")
        (folder / name / "broken.jpg").write_bytes(b"no picture")
    shutil.copy(examples()[2], folder / "neutral/serious.jpg")
    return folder


def test_the_tables_of_two_people(people, weights, tmp_path, capsys):  # noqa: F811
    (people / "people.csv").write_text("path,age,gender\nneutral/0.jpg,30,male\nneutral/1.jpg,,male\n")
    main(people, weights, tmp_path / "reports", model=["defgan", "ganimation"])
    out = " ".join(capsys.readouterr().out.split())
    assert "left out: nobody.png: no face found" in out
    assert "left out: serious.jpg: no photograph of this name in smiling" in out
    assert "left out: broken.jpg: " in out
    assert "DefGAN keeps the identity better than GANimation in" in out
    assert "2 people; tables and sheets in" in out
    table = pd.read_csv(tmp_path / "reports/photographs.csv")
    assert list(table.columns) == ["method", "expression", "measure", "value", "n"]
    assert set(table["method"]) == {"defgan", "ganimation"}
    assert set(table["expression"]) == set(EXPRESSIONS)
    assert set(table["n"]) == {2}
    shares = table[table["measure"].str.contains("rises|same person")]
    assert shares["value"].isin([0, 0.5, 1]).all()
    distances = table[table["measure"].str.startswith("identity distance")]
    assert distances["measure"].str.contains("dlib ResNet-128").all()
    # at four strengths, and at equal response
    assert len(distances) == 2 * len(EXPRESSIONS) * 5
    wanted = {("happy", "AU12 rises"), ("surprise", "AU25 or AU26 rises"), ("surprise", "AU01 or AU02 rises")}
    assert wanted <= set(zip(table["expression"], table["measure"], strict=True))
    errors = pd.read_csv(tmp_path / "reports/crop_errors.csv")
    assert set(errors["expression"]) == {"happy", "anger", "surprise"}
    assert errors["value"].notna().all()
    groups = pd.read_csv(tmp_path / "reports/photographs_by_group.csv")
    assert set(zip(groups["column"], groups["group"], groups["n"], strict=True)) == {
        ("everyone", "everyone", 2), ("age", "30", 1), ("age", "unknown", 1), ("gender", "male", 2)
    }  # fmt: skip
    everyone = groups[(groups["column"] == "everyone") & (groups["measure"] == "response of the AUs")]
    pooled = table[table["measure"] == "response of the AUs"]
    both = everyone.merge(pooled, on=["method", "expression", "measure"])
    assert both["value_x"].to_numpy() == pytest.approx(both["value_y"].to_numpy())
    assert len(both) == 2 * len(EXPRESSIONS)
    moving = groups[groups["measure"] == "mean motion of the face's crop, pixels at 128 px"]
    assert set(moving["method"]) == {"defgan"}  # texture alone has no grid
    assert (moving["value"] > 0).all()
    smiles = pd.read_csv(tmp_path / "reports/real_smile.csv")
    assert smiles["method"].unique().tolist() == ["copy", "defgan", "ganimation"]
    for picture in ("defgan.png", "ganimation.png", "real_smile.png"):
        assert (tmp_path / "reports" / picture).is_file()


def test_one_model_and_one_person_without_groups(people, weights, tmp_path, capsys):  # noqa: F811
    main(people, weights, tmp_path / "reports", model=["ganimation"], limit=1)
    out = " ".join(capsys.readouterr().out.split())
    assert "no table by group:" in out
    assert "keeps the identity better" not in out
    assert not (tmp_path / "reports/photographs_by_group.csv").exists()
    table = pd.read_csv(tmp_path / "reports/photographs.csv")
    assert set(table["method"]) == {"ganimation"}
    assert set(table["n"]) == {1}
    smiles = pd.read_csv(tmp_path / "reports/real_smile.csv")
    assert not smiles["measure"].str.contains("deformed").any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": ["stargan"]}, "stargan: no such model; choose one of"),
        ({"groups": "two"}, "name the table of groups with --groups"),
        ({"groups": "none of it"}, "no column of groups"),
    ],
)
def test_what_cannot_be_assessed_ends_before_the_work(people, weights, tmp_path, capsys, arguments, message):  # noqa: F811
    (people / "a.csv").write_text("path\nneutral/0.jpg\n")
    if arguments.get("groups") == "two":
        (people / "b.csv").write_text("")
    arguments = {name: value for name, value in arguments.items() if name != "groups"}
    with pytest.raises(SystemExit):
        main(people, weights, tmp_path / "reports", **arguments)
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "reports").exists()


def test_two_photographs_of_one_name(people, weights, tmp_path, capsys):  # noqa: F811
    for name in ("neutral", "smiling"):
        shutil.copy(examples()[2], people / name / "0.png")
    with pytest.raises(SystemExit):
        main(people, weights, tmp_path / "reports")
    assert "two photographs are called 0" in " ".join(capsys.readouterr().err.split())


def test_a_folder_of_something_else(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(tmp_path, tmp_path, tmp_path)
    assert "no weights here" in capsys.readouterr().err
