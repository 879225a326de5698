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
    """Two people with two photographs each, and one whose face is not found."""
    folder = tmp_path / "people"
    for name in ("neutral", "smiling"):
        (folder / name).mkdir(parents=True)
        for number, path in enumerate(examples()[:2]):
            shutil.copy(path, folder / name / f"{number}.jpg")
        Image.new("RGB", (200, 200)).save(folder / name / "nobody.png")
    return folder


def test_the_tables_of_two_people(people, weights, tmp_path, capsys):  # noqa: F811
    main(people, weights, tmp_path / "reports")
    out = capsys.readouterr().out
    assert "left out: nobody.png: no face found" in out
    assert "2 people; DefGAN keeps the identity better than GANimation in" in out
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
    assert (tmp_path / "reports/defgan.png").is_file()


def test_a_folder_of_something_else(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(tmp_path, tmp_path, tmp_path)
    assert "no such file" in capsys.readouterr().err
