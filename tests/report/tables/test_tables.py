"""What all tables share: they are found, they are text, and they say what was measured with what."""

import re

import numpy as np

from defgan.report import markup
from defgan.report.names import method_name
from defgan.report.tables import Measurements, identity_by_expression
from tests.report.made_up import every_metrics, measurements


def test_every_table_is_found_and_is_text_with_a_caption_that_names_the_data(pages):
    assert set(pages) == {
        *("table_1", "identity_by_expression", "truth", "motion", "au_fidelity", "control", "cross_talk", "change"),
        "texture_alone",
    }
    for name, page in pages.items():
        assert len(page.table) and all(isinstance(cell, str) for cell in page.table.to_numpy().ravel()), name
        assert "embedded corpus (rendered faces)" in page.caption and page.title
        assert "supervised by rendered pairs; the paper trains without" in page.caption, name
    assert "in place of the paper's OpenFace" in pages["identity_by_expression"].caption
    assert "in place of OpenFace 2" in pages["au_fidelity"].caption and "LPIPS" in pages["truth"].caption


def test_the_words_are_the_fields(pages):
    for name, page in pages.items():
        said = " ".join([page.title, page.caption, *page.table.columns, *page.numbers.columns]).lower()
        assert not re.search(r"\bread(er|ing|s)?\b|paint", said), name


def test_what_counts_is_one_set():
    made = measurements()
    assert {"sweep", "au"} <= set(made.every["defgan"]["set"])
    assert all(set(table["set"]) == {"expressions"} for table in made.counted.values())


def test_numbers_that_round_to_zero_have_no_minus():
    assert markup.score(-0.001, 2, "+") == "+0.00" and markup.score(-0.006, 2, "+") == "-0.01"
    assert markup.score(float("nan"), 2) == markup.score(None, 2) == markup.NOT_AVAILABLE
    assert markup.with_interval(0.5, np.nan, np.nan, 1) == "0.5"


def test_latex_is_a_booktabs_table_of_plain_signs(pages):
    page = markup.latex(pages["table_1"].table, "Table 1", "50 % of a_b")
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"$\downarrow$", r"50 \% of a\_b", "Copy-input"):
        assert part in page
    assert page.count(r"\\") == len(every_metrics()) + 1 and not set(page) & set("↑↓−–×")


def test_markdown_is_a_table(pages):
    page = markup.markdown(pages["table_1"].table, "Table 1", "caption").splitlines()
    assert page[0] == "# Table 1" and page[-1] == "caption"
    rows = [line for line in page if line.startswith("|")]
    assert len(rows) == 9 and len({row.count("|") for row in rows}) == 1


def test_more_embedders_stand_beside_the_one_that_counts():
    made, name = measurements(), "identity_facenet-vggface2"
    networks = made.networks | {name: "1 − cos, FaceNet"}
    metrics = {key: own | {"networks": networks} for key, own in made.metrics.items()}
    every = {key: table.assign(**{name: 2 * table["identity"]}) for key, table in made.every.items()}
    both = identity_by_expression.page(Measurements(metrics, every, made.data)).table.iloc[-1]
    alone = identity_by_expression.page(made).table.iloc[-1]
    assert dict(both)["StarGAN (App. F) ↓"] == dict(alone)["StarGAN (App. F) ↓"]
    found = {key: float(value) for key, value in both.items() if "FaceNet" in key}
    assert set(found) == {f"{method_name(key)}, 1 − cos, FaceNet ↓" for key in (*made.metrics,) if key != "copy"}
    own = float(both["DefGAN ↓"].split()[0])
    assert abs(found["DefGAN, 1 − cos, FaceNet ↓"] - 2 * own) < 2e-4
