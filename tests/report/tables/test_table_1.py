"""Table 1 says what was measured, with what, and keeps the paper's numbers apart."""

import copy

import pytest

from defgan.report.markup import NOT_AVAILABLE
from defgan.report.names import TRUE_LABEL
from defgan.report.tables.table_1 import caption, table
from tests.report.made_up import DATA, every_metrics, metrics

PAPER_COLUMN = "paper's FID (Inception features, CelebA-HQ; not comparable)"
PAPERS_DATA = {role: {"layout": role, "path": role} for role in ("rafd", "mug")} | {
    "wild": {"layout": "celeba_hq", "path": "photographs/celeba_hq"},
    "train": {"layout": "emotionet", "path": "photographs/emotionet"},
}


@pytest.fixture
def methods() -> dict:
    return {name: own for name, own in every_metrics().items() if name != "truth"}


def test_rows_columns_and_signs(methods):
    made = table(methods, DATA).set_index("method")
    assert list(made.index) == [
        *("Copy-input", "GANimation", "DefGAN", "StarGAN (App. F)"),
        *("GANimation supervised (by rendered pairs)", "DefGAN supervised (by rendered pairs)"),
    ]
    assert made["gain over copying, final ↑"].tolist() == [
        *("+0.000", "-0.200", "+0.250", "-0.900", "+0.400", "+0.500")
    ]
    assert made["gain over copying, deformed ↑"].tolist() == ["–", "–", "+0.300", "–", "–", "+0.300"]
    assert made[PAPER_COLUMN].tolist() == ["–", "4.75", "3.82", "–", "–", "–"]
    assert set(made["Fréchet distance (EfficientNet-Lite0 features) ↓"]) == {"12.35 [11.00, 13.50]"}
    assert set(made["kernel distance (EfficientNet-Lite0 features) × 1000 ↓"]) == {"12.3 [10.1, 14.5]"}


def test_the_true_image_is_a_row_of_its_own(methods):
    made = table(methods | {"truth": metrics(None)}, DATA).set_index("method")
    assert list(made.index)[-1] == TRUE_LABEL
    assert made.loc[TRUE_LABEL, "gain over copying, final ↑"] == NOT_AVAILABLE


def test_no_column_of_ours_is_called_fid_unless_the_features_are_inceptions(methods):
    ours = [column for column in table(methods, DATA) if column != PAPER_COLUMN]
    assert not any("FID" in column or "KID" in column for column in ours)
    assert "(in place of KID)" in caption(methods["defgan"], DATA)
    assert "Fréchet distance (EfficientNet-Lite0 features) ↓" in ours
    assert "in place of the paper's Inception FID" in caption(methods["defgan"], DATA)
    inception = copy.deepcopy(methods)
    for entry in inception.values():
        entry["networks"]["frechet"] = "FID"
    assert "FID ↓" in table(inception, DATA)
    assert "in place of the paper's Inception FID" not in caption(inception["defgan"], DATA)


def test_caption_names_data_reference_and_networks(methods):
    text = caption(methods["defgan"], DATA)
    for part in ("embedded corpus (rendered faces)", "2000 of 4500 faces", "role train", "dlib ResNet-128", "OpenFace"):
        assert part in text
    assert "StarGAN (App. F) learns from role rafd (embedded corpus" in text
    assert "DefGAN supervised: supervised by rendered pairs; the paper trains without." in text
    photographs = DATA | {"wild": {"layout": "folder", "path": "/some/where/portraits/neutral"}}
    text = caption(methods["defgan"], photographs)
    assert "Edited faces: portraits/neutral" in text and "/some" not in text


def test_with_the_papers_networks_and_data_nothing_stands_in_for_them(methods):
    papers = copy.deepcopy(methods)
    for entry in papers.values():
        entry["networks"] |= {"frechet": "FID", "kernel": "KID", "identity": "1 − cos, OpenFace nn4.small2"}
        entry["distance_set"] = "person"
    text = caption(papers["defgan"], PAPERS_DATA)
    assert "in place of" not in text and "not comparable" not in text
    assert "FID of the edits to the AUs of one person of role mug against 2000 of 4500 faces" in text
    assert "Edited faces: CelebA-HQ" in text and "of role train: EmotioNet" in text
    assert table(papers, PAPERS_DATA).set_index("method").loc["DefGAN", "paper's FID"] == "3.82"
    # The paper's networks on other photographs: still another experiment.
    assert "not comparable" in caption(papers["defgan"], DATA) and PAPER_COLUMN in table(papers, DATA)


def test_without_truth_the_table_says_so():
    methods = {name: metrics(None) for name in ("copy", "ganimation", "defgan")}
    made = table(methods, DATA)
    assert set(made["gain over copying, final ↑"]) == set(made["gain over copying, deformed ↑"]) == {"no truth"}
    assert "real photographs do not have" in caption(methods["defgan"], DATA)
