"""Made-up metrics and measurements of a whole run whose answers are known."""

from functools import cache

import numpy as np
import pandas as pd

from defgan.evaluation.fidelity import ASKED, PREDICTED, PRESENT
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.report.tables import Measurements, Page
from defgan.report.tables import pages as make_pages
from tests.stages.conftest import make_plan

PEOPLE = 6
FACTORS = {
    **{"copy": 0.0, "ganimation": 0.2, "defgan": 0.1, "stargan": 0.4},
    **{"ganimation_supervised": 0.3, "defgan_supervised": 0.15, "truth": 0.15},
}
"""Identity distance of each method, roughly."""
GAINS = {"copy": 0.0, "ganimation": -0.2, "defgan": 0.25, "stargan": -0.9, "ganimation_supervised": 0.4}
GAINS |= {"defgan_supervised": 0.5, "truth": None}
DEFORMING = ("defgan", "defgan_supervised")
GAINING = ("defgan", "ganimation_supervised", "defgan_supervised")
CORPUS = {"layout": "corpus", "path": "data/corpus/wild"}
DATA = {"wild": CORPUS, "train": CORPUS, "rafd": CORPUS}

COMPARED = {
    "data": {"wild": "made-up blobs", "rafd": "made-up blobs of people"},
    "methods": {"defgan": {"frechet": 1.5}},
    "networks": {
        "frechet": "Fréchet distance (EfficientNet-Lite0 features)",
        "kernel": "kernel distance (EfficientNet-Lite0 features)",
        "identity": "1 − cos, dlib ResNet-128",
        "action_units": "MediaPipe blendshapes",
    },
}
"""What the page reads of metrics/compare.json."""


def metrics(gain: float | None = 0.1, gain_deformed: float | None = None) -> dict:
    """What `evaluate` writes of a method, as far as tables show it."""
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
        "distance_set": "expressions",
        "networks": dict(COMPARED["networks"]),
    }


def every_metrics() -> dict[str, dict]:
    """Those of all methods and of the true images."""
    return {name: metrics(gain, 0.3 if name in DEFORMING else None) for name, gain in GAINS.items()}


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


def tables() -> dict[str, pd.DataFrame]:
    """What `evaluate` writes of every edit.

    Three quarters of the target are predicted for DefGAN, nine tenths where it is supervised, 0 for others.
    """
    made = {}
    for seed, (name, factor) in enumerate(FACTORS.items()):
        rng, frame = np.random.default_rng(seed), plan()
        n = len(frame)
        asked = frame[list(AU_NAMES)].to_numpy(np.float64)
        share = {"defgan": 0.75, "defgan_supervised": 0.9, "truth": 1.0}.get(name, 0.0)
        units = {**dict(zip(ASKED, asked.T, strict=True)), **dict(zip(PREDICTED, share * asked.T, strict=True))}
        units |= dict.fromkeys(PRESENT, np.zeros(n))
        own = {
            "identity": factor * (1 + 0.1 * rng.uniform(-1, 1, n)),
            "err_copy": np.full(n, 0.2),
            "err_final": 0.2 * (1 + (-GAINS[name] if name in GAINING else factor) * rng.uniform(0.9, 1.1, n)),
            "err_deformed": np.full(n, 0.1 if name in DEFORMING else np.nan),
            **{key: rng.uniform(0.1, 0.9, n) for key in ("psnr", "ssim", "change", "background_change")},
            **{key: rng.uniform(0.1, 0.9, n) for key in ("concentration", "region_share", "mean_mask", "folded")},
            "mean_offset": np.full(n, 0.5 if name in DEFORMING else np.nan),
        }
        motion = {"epe": 1.5 if name == "defgan" else 0.5, "epe_still": 2.0, "motion_cosine": 0.6, "motion_share": 0.4}
        own |= {key: np.full(n, value if name in DEFORMING else np.nan) for key, value in motion.items()}
        made[name] = pd.DataFrame({**frame.drop(columns=list(AU_NAMES)).to_dict("series"), **own, **units})
    return made


def measurements() -> Measurements:
    """All of it."""
    return Measurements(every_metrics(), tables(), DATA)


@cache
def pages() -> dict[str, Page]:
    """All tables made of it."""
    return make_pages(measurements())
