"""The tables beyond Table 1, of made-up measurements whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from defgan.evaluation.fidelity import ASKED, PRESENT, READ
from defgan.facs import AU_NAMES, EXPRESSIONS, preset
from defgan.report import evidence
from defgan.report.tables import NOT_AVAILABLE, Page
from tests.stages.conftest import make_plan

PEOPLE = 6
FACTORS = {"copy": 0.0, "ganimation": 0.2, "defgan": 0.1, "stargan": 0.4, "truth": 0.15}
"""Identity distance of each method, give or take."""


def plan() -> pd.DataFrame:
    """That of the made-up run, with sweeps of two AUs."""
    first = make_plan(PEOPLE).query("set != 'au'")
    wanted = [(row, au, alpha) for row in range(2) for au in ("AU12", "AU04") for alpha in (0.0, 0.5, 1.0)]
    single = pd.DataFrame(wanted, columns=["row", "expression", "alpha"]).assign(set="au", role="wild", instance="")
    single["image_id"] = single["subject"] = "wild" + single["row"].map("{:03d}".format)
    single[list(AU_NAMES)] = 0.0
    for au in ("AU12", "AU04"):
        single[au] = single["alpha"].where(single["expression"] == au, 0.0)
    both = pd.concat([first, single], ignore_index=True)
    return both.assign(edit=np.arange(len(both)))


def measurements() -> dict[str, pd.DataFrame]:
    """What `evaluate` writes of every method: DefGAN reads three quarters of what is asked for, others nothing."""
    made = {}
    for seed, (name, factor) in enumerate(FACTORS.items()):
        rng, frame = np.random.default_rng(seed), plan()
        n = len(frame)
        asked = frame[list(AU_NAMES)].to_numpy(np.float64)
        share = {"defgan": 0.75, "truth": 1.0}.get(name, 0.0)
        units = {**dict(zip(ASKED, asked.T, strict=True)), **dict(zip(READ, share * asked.T, strict=True))}
        units |= dict.fromkeys(PRESENT, np.zeros(n))
        own = {
            "identity": factor * (1 + 0.1 * rng.uniform(-1, 1, n)),
            "err_copy": np.full(n, 0.2),
            "err_final": 0.2 * (1 + (-0.25 if name == "defgan" else factor) * rng.uniform(0.9, 1.1, n)),
            "err_deformed": np.full(n, 0.1 if name == "defgan" else np.nan),
            **{key: rng.uniform(0.1, 0.9, n) for key in ("psnr", "ssim", "change", "background_change")},
            **{key: rng.uniform(0.1, 0.9, n) for key in ("concentration", "region_share", "mean_mask", "folded")},
            "mean_offset": np.full(n, 0.5 if name == "defgan" else np.nan),
        }
        motion = {"epe": 1.5, "epe_still": 2.0, "motion_cosine": 0.6, "motion_share": 0.4}
        own |= {key: np.full(n, value if name == "defgan" else np.nan) for key, value in motion.items()}
        made[name] = pd.DataFrame({**frame.drop(columns=list(AU_NAMES)).to_dict("series"), **own, **units})
    return made


def pages() -> dict[str, Page]:
    """All pages of the made-up measurements."""
    every = measurements()
    counted = {name: table[table["set"] == "expressions"] for name, table in every.items()}
    return {
        "identity_by_expression": evidence.identity_page(counted, "1 − cos, some network", "Base."),
        "truth": evidence.truth_page(counted, "Base."),
        "motion": evidence.motion_page(counted, every, "Base."),
        "au_fidelity": evidence.fidelity_page(counted, every, "Base."),
        "control": evidence.control_page(every, "Base."),
        "cross_talk": evidence.cross_talk_page(every, "Base."),
        "laziness": evidence.laziness_page(counted, "Base."),
    }


@pytest.fixture(scope="module")
def made() -> dict[str, Page]:
    return pages()


def test_every_page_is_text_with_a_caption_that_names_what_stands_in(made):
    for name, page in made.items():
        assert len(page.table) and all(isinstance(cell, str) for cell in page.table.to_numpy().ravel()), name
        assert page.caption.endswith("Base.") and page.title
    assert "in place of the paper's OpenFace" in made["identity_by_expression"].caption
    assert "in place of OpenFace 2" in made["au_fidelity"].caption and "LPIPS" in made["truth"].caption


def test_identity_is_compared_in_pairs(made):
    numbers = made["identity_by_expression"].numbers
    assert numbers["expression"].tolist() == [*EXPRESSIONS, "all"]
    assert numbers["improvement"].to_numpy() == pytest.approx([0.5] * 7, abs=0.06)
    # The smallest p that six people allow is 2 / 2⁶; six of them corrected.
    assert numbers["p"].to_numpy() == pytest.approx([2 / 64] * 7)
    assert numbers["p_holm"].to_numpy()[:6] == pytest.approx([12 / 64] * 6)
    assert {"DefGAN ↓", "GANimation ↓", "StarGAN (App. F) ↓", "True image ↓"} <= set(
        made["identity_by_expression"].table
    )


def test_truth_has_a_row_per_image_and_no_true_image(made):
    table = made["truth"].table
    assert list(zip(table["method"], table["image"], strict=True)) == [
        ("Copy-input", "final"),
        ("GANimation", "final"),
        ("DefGAN", "final"),
        ("DefGAN", "deformed"),
        ("StarGAN (App. F)", "final"),
    ]
    numbers = made["truth"].numbers.set_index(["method", "image"])
    assert numbers.loc[("copy", "final"), "gain_all"] == 0
    assert numbers.loc[("defgan", "deformed"), ["gain_all", "gain_sad_low"]].tolist() == pytest.approx([0.5, 0.5])
    row = numbers.loc[("defgan", "final")]
    assert row["gain_all_low"] < row["gain_all"] < row["gain_all_high"]
    assert table.loc[3, "PSNR, dB ↑"] == NOT_AVAILABLE


def test_motion_has_rows_for_expressions_and_single_units(made):
    numbers = made["motion"].numbers.set_index(["set", "group"])
    assert numbers.loc[("expressions", "all"), "images"] == 36
    assert numbers.loc[("au", "AU12"), "images"] == 4  # two faces, two intensities above 0
    assert numbers.loc[("au", "AU12"), "epe"] == 1.5 and np.isnan(numbers.loc[("au", "AU01"), "epe"])
    assert set(made["motion"].table["error removed, % ↑"][:7]) == {"+25.0"}


def test_fidelity_and_control_of_a_method_that_gives_three_quarters(made):
    numbers = made["au_fidelity"].numbers.set_index(["method", "au"])
    mean = np.mean([preset(name)[AU_NAMES.index("AU12")] for name in EXPRESSIONS])
    assert numbers.loc[("defgan", "AU12"), "error"] == pytest.approx(0.25 * mean)
    assert numbers.loc[("truth", "AU12"), ["error", "icc", "slope"]].tolist() == pytest.approx([0, 1, 1])
    assert numbers.loc[("defgan", "AU12"), "slope"] == pytest.approx(0.75)
    assert made["au_fidelity"].table["AU"].iloc[-1] == "mean" and len(made["au_fidelity"].table) == 18
    control = made["control"].numbers.set_index("method")
    assert control["slope"].to_dict() == pytest.approx(
        {"copy": 0, "ganimation": 0, "defgan": 0.75, "stargan": 0, "truth": 1}
    )


def test_cross_talk_is_a_block_per_method_that_is_told_aus(made):
    page = made["cross_talk"]
    assert set(page.numbers["method"]) == {"ganimation", "defgan", "truth"} and len(page.table) == 2 * 3
    assert "slope StarGAN (App. F)" not in made["au_fidelity"].table and "slope DefGAN" in made["au_fidelity"].table
    cells = page.table[page.table["method"] == "DefGAN"].set_index("asked")
    assert cells.loc["AU12", "12"] == "+0.75" and cells.loc["AU12", "04"] == "+0.00"


def test_laziness_knows_what_a_method_does_not_have(made):
    table = made["laziness"].table.set_index("method")
    assert table["mean offset, px at 128 px"].to_dict()["DefGAN"] == "0.50"
    assert table["mean offset, px at 128 px"]["GANimation"] == NOT_AVAILABLE
    assert [column for column in table if "in the regions, " in column] == [
        f"in the regions, {name}, %" for name in EXPRESSIONS
    ]
