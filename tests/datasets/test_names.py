"""Who and what the paths of published sets say, and that folders of splits and kinds are no people."""

import pytest

from defgan.datasets.names import expression_of, person_of, subject_of


@pytest.mark.parametrize(
    ("source", "person", "expression"),
    [
        ("anna/1.jpg", "anna", ""),
        ("anna/happy/1.jpg", "anna", "happy"),
        ("train/anna/1.jpg", "anna", ""),
        ("train/male/000001.jpg", "", ""),
        ("CK+48/Sadness/S010_004_00000017.png", "ck_S010", "sad"),
        ("train/angry/Training_3908.jpg", "", "anger"),
        ("RaFD/test/surprised/Rafd135_28_Caucasian_male_surprised_left.jpg", "rafd_28", "surprise"),
        ("neutral/001_03.jpg", "london_001", "neutral"),
        ("smiling/001_08.jpg", "london_001", "happy"),
        ("smiling/001.jpg", "london_001", "happy"),
        ("people/001_08.jpg", "people", ""),
        ("01000/01234.png", "", ""),
        ("01000/02234.png", "01000", ""),
        ("001/1.jpg", "001", ""),
        ("lone.webp", "", ""),
        ("..png", "", ""),
        ("a..b/x.png", "a..b", ""),
    ],
)
def test_what_a_path_says(source, person, expression):
    assert (person_of(source), expression_of(source)) == (person, expression)
    assert subject_of(source) == (person or source.rpartition(".")[0])
