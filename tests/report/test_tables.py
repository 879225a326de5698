"""Table 1 says what was measured, with what, and keeps the paper's numbers apart."""

import copy

import pytest

from defgan.facs import EXPRESSIONS
from defgan.report import tables


def metrics(gain: float | None = 0.1, gain_deformed: float | None = None) -> dict:
    return {
        "frechet": 12.345,
        "frechet_low": 11.0,
        "frechet_high": 13.5,
        "kernel": 0.0123,
        "kernel_low": 0.0101,
        "kernel_high": 0.0145,
        "identity": 0.01234,
        "identity_by_expression": dict.fromkeys(EXPRESSIONS, 0.01234),
        "gain_final": gain,
        "gain_deformed": gain_deformed,
        "gain_final_by_expression": dict.fromkeys(EXPRESSIONS, gain),
        "gain_deformed_by_expression": dict.fromkeys(EXPRESSIONS, gain_deformed),
        "images": 1260,
        "reference": "train",
        "reference_images": 2000,
        "reference_available": 4500,
        "networks": {
            "frechet": "Fréchet distance (EfficientNet-Lite0 features)",
            "kernel": "kernel distance (EfficientNet-Lite0 features)",
            "identity": "1 − cos, dlib ResNet-128",
        },
    }


@pytest.fixture
def methods() -> dict:
    return {"copy": metrics(0.0), "ganimation": metrics(-0.2), "defgan": metrics(0.25, 0.3), "stargan": metrics(-0.9)}


CORPUS = {"dataset": "corpus", "path": "data/corpus/wild"}
DATA = {"wild": CORPUS, "train": CORPUS, "rafd": CORPUS}


def test_rows_columns_and_signs(methods):
    table = tables.table_1(methods).set_index("method")
    assert list(table.index) == ["Copy-input", "GANimation", "DefGAN", "StarGAN (App. F)"]
    assert table["gain over copying, final ↑"].tolist() == ["+0.000", "-0.200", "+0.250", "-0.900"]
    assert table["gain over copying, deformed ↑"].tolist() == ["–", "–", "+0.300", "–"]
    assert table[tables.PAPER_COLUMN].tolist() == ["–", "4.75", "3.82", "–"]
    assert set(table["Fréchet distance (EfficientNet-Lite0 features) ↓"]) == {"12.35 [11.00, 13.50]"}
    assert set(table["kernel distance (EfficientNet-Lite0 features) × 1000 ↓"]) == {"12.3 [10.1, 14.5]"}


def test_the_true_image_is_a_row_of_its_own(methods):
    table = tables.table_1(methods | {"truth": metrics(None)}).set_index("method")
    assert list(table.index)[-1] == tables.TRUE_LABEL
    assert table.loc[tables.TRUE_LABEL, "gain over copying, final ↑"] == tables.NOT_AVAILABLE


def test_no_column_of_ours_is_called_fid_unless_the_features_are_inceptions(methods):
    ours = [column for column in tables.table_1(methods) if column != tables.PAPER_COLUMN]
    assert not any("FID" in column or "KID" in column for column in ours)
    assert "(in place of KID)" in tables.caption(methods["defgan"], DATA)
    assert "Fréchet distance (EfficientNet-Lite0 features) ↓" in ours
    assert "in place of the paper's Inception FID" in tables.caption(methods["defgan"], DATA)
    inception = copy.deepcopy(methods)
    for entry in inception.values():
        entry["networks"]["frechet"] = "FID"
    assert "FID ↓" in tables.table_1(inception)
    assert "in place of the paper's Inception FID" not in tables.caption(inception["defgan"], DATA)


def test_caption_names_data_reference_and_networks(methods):
    text = tables.caption(methods["defgan"], DATA)
    for part in ("embedded corpus (rendered faces)", "2000 of 4500 faces", "role train", "dlib ResNet-128", "OpenFace"):
        assert part in text
    assert "StarGAN (App. F) learns from role rafd (embedded corpus" in text
    photographs = DATA | {"wild": {"dataset": "folder", "path": "/some/where/portraits/neutral"}}
    text = tables.caption(methods["defgan"], photographs)
    assert "Edited faces: portraits/neutral" in text and "/some" not in text


def test_without_truth_the_tables_say_so():
    methods = {name: metrics(None) for name in ("copy", "ganimation", "defgan")}
    table = tables.table_1(methods)
    assert set(table["gain over copying, final ↑"]) == set(table["gain over copying, deformed ↑"]) == {"no truth"}
    assert "real photographs do not have" in tables.caption(methods["defgan"], DATA)


def test_numbers_that_round_to_zero_have_no_minus():
    assert tables.score(-0.001, 2, "+") == "+0.00" and tables.score(-0.006, 2, "+") == "-0.01"
    assert tables.score(float("nan"), 2) == tables.score(None, 2) == tables.NOT_AVAILABLE


def test_latex_is_a_booktabs_table_of_plain_signs(methods):
    page = tables.latex(tables.table_1(methods), "Table 1", "50 % of a_b")
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"$\downarrow$", r"50 \% of a\_b", "Copy-input"):
        assert part in page
    assert page.count(r"\\") == len(methods) + 1 and not set(page) & set("↑↓−–×")


def test_markdown_is_a_table(methods):
    page = tables.markdown(tables.table_1(methods), "Table 1", "caption").splitlines()
    assert page[0] == "# Table 1" and page[-1] == "caption"
    rows = [line for line in page if line.startswith("|")]
    assert len(rows) == 6 and len({row.count("|") for row in rows}) == 1
