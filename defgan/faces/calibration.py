"""Fits the AU reader to rendered faces, whose action units are exact, and measures it on other rendered people.

The subjects are those of no role of the experiment. Each is photographed under a neutral face, single units,
expressions and random combinations, and each photograph is read three times: as it is, and as the aligned crops that
the networks see and make. Two ridge regressions are averaged, one on geometry and blendshape scores, one on appearance.
Appearance is the better half on renders, geometry on photographs, whose wrinkles are not painted: both have a say.
"""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from defgan.corpus.head import Head
from defgan.corpus.roles import Studio
from defgan.corpus.sampling import ROLES, Person, Shot, sample_person, sample_shot, sample_train_aus
from defgan.corpus.scenes import Progress, Run, Scene, dress, image_points, no_progress, photograph
from defgan.faces import alignment
from defgan.faces.blendshapes import NETWORK, Calibration, FaceMesh, soft_floor
from defgan.faces.weights import WEIGHTS
from defgan.facs import AU_NAMES, N_AUS, au_vector

SUBJECTS = 500
HELD_OUT = 100
"""The last subjects, which nothing is fitted to."""
IMAGES = 10
"""Photographs of each subject: one neutral, three of single units, two expressions, four random combinations."""
SIZE = 256
"""Side of the rendered photographs, pixels."""
VIEWS = (0, 128, 64)
"""Each photograph is read as it is (0) and as an aligned crop of these sides."""
POINT_NOISE = 0.03
"""Error of the five points, in distances between the eyes: about a detector's."""
GEOMETRY = 101
"""Measurements of `FaceMesh` that are geometry and scores; the rest are appearance."""
PENALTY = {"geometry": 300.0, "appearance": 5000.0}
"""Of the ridge regressions, for standardised measurements and 12,000 readings."""
APPEARANCE_SHARE = {"AU06": 0.15}
"""Weight of the regression on appearance, where it is not one half.

Painted crow's feet give AU06 away on renders and mean nothing on photographs: at one half, a smile of the London set
raises AU06 by 0.02 only. So this one number was chosen by looking at photographs.
"""
_SEED_ROLE = len(ROLES)
_EXCLUSIVE = (("AU12", "AU15", "AU14", "AU20"), ("AU05", "AU45"), ("AU23", "AU25"), ("AU23", "AU26"))
"""Opposites: the first that is drawn stands, the others are 0."""


# --- the rendered faces


def sample_combination(rng: np.random.Generator) -> np.ndarray:
    """Two to six units, each of any intensity, none of them opposites; float32 of shape (17,)."""
    aus = np.zeros(N_AUS, np.float32)
    chosen = rng.choice(N_AUS, rng.integers(2, 7), replace=False)
    aus[chosen] = rng.uniform(0, 1, len(chosen))
    for group in _EXCLUSIVE:
        present = [i for i in map(AU_NAMES.index, group) if aus[i] > 0]
        if len(present) > 1:
            kept = present[rng.integers(len(present))]
            aus[[i for i in present if i != kept]] = 0
    return aus


def sample_subject(seed: int, subject: int, labels: list[str]) -> tuple[Person, list[Shot], np.ndarray]:
    """A subject, the shots and the AUs (float32 `IMAGES`×17) of its photographs; `labels` are anny's local changes."""
    person = sample_person(np.random.default_rng([seed, _SEED_ROLE, subject]), labels)
    shots, aus = [], []
    for image in range(IMAGES):
        rng = np.random.default_rng([seed, _SEED_ROLE, subject, 1 + image])
        if image == 0:
            aus.append(np.zeros(N_AUS, np.float32))
        elif image <= 3:
            aus.append(au_vector({AU_NAMES[(3 * subject + image) % N_AUS]: rng.uniform(0, 1)}))
        elif image <= 5:
            aus.append(sample_train_aus(rng)[0])
        else:
            aus.append(sample_combination(rng))
        shots.append(sample_shot(rng, "train"))
    return person, shots, np.stack(aus)


@functools.cache
def _mesh() -> FaceMesh:
    return FaceMesh()


def measure_views(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photograph's measurements in each of `VIEWS`, float32 V×K; NaN where no face is recognised.

    `points`: the true five points, 5×2; they are blurred by `POINT_NOISE`.
    """
    eyes = np.linalg.norm(points[0] - points[1])
    points = points + rng.normal(0, POINT_NOISE * eyes, points.shape)
    rows = []
    for side in VIEWS:
        if side:
            crop = alignment.crop(image, alignment.similarity_transform(points, side), side)
            rows.append(_mesh()(crop, alignment.template(side)))
        else:
            rows.append(_mesh()(image, points))
    width = max((len(row) for row in rows if row is not None), default=0)
    return np.array([np.full(width, np.nan) if row is None else row for row in rows], np.float32)


def measure_subject(
    head: Head, anny: np.ndarray, look: np.ndarray, shots: list[Shot], aus: np.ndarray, first: int
) -> list[np.ndarray]:
    """`measure_views` of a subject's photographs, the first of which has the number `first`."""
    neutral, measured = dress(head, anny, look), []
    for number, (shot, intensities) in enumerate(zip(shots, aus, strict=True), start=first):
        scene = Scene(head, neutral, look, shot, intensities, SIZE, supersample=1)
        points = image_points(scene, intensities).astype(float)
        measured.append(measure_views(photograph(scene, intensities), points, np.random.default_rng(number)))
    return measured


def observe(
    studio: Studio, run: Run, seed: int, subjects: range = range(SUBJECTS), progress: Progress = no_progress
) -> dict[str, np.ndarray]:
    """Render and read the subjects: `measured` float32 N×K, `aus` float32 N×17, `subject` and `view` of shape (N,).

    `run` comes from `defgan.corpus.scenes.crew`. Readings without a recognised face are left out.
    """
    sampled = [sample_subject(seed, subject, studio.change_labels) for subject in subjects]
    anny = studio.vertices([person for person, _, _ in sampled])
    jobs = [
        (anny[i], person.look, shots, aus, subject * IMAGES)
        for i, (subject, (person, shots, aus)) in enumerate(zip(subjects, sampled, strict=True))
    ]
    rows = []
    results = progress(run(measure_subject, jobs), len(jobs))
    for subject, (_, _, aus), result in zip(subjects, sampled, results, strict=True):
        for intensities, views in zip(aus, result, strict=True):
            rows += [
                (measured, intensities, subject, view)
                for measured, view in zip(views, VIEWS, strict=True)
                if np.isfinite(measured).all() and len(measured)
            ]
    measured, aus, subject, view = zip(*rows, strict=True)
    return {
        "measured": np.stack(measured),
        "aus": np.stack(aus),
        "subject": np.array(subject),
        "view": np.array(view),
    }


# --- the fit


def fit(measured: np.ndarray, aus: np.ndarray, subject: np.ndarray) -> Calibration:
    """Measurements N×K and true AUs N×17 to the linear map; `subject` (N,) keeps people together in cross-validation.

    Regressions predict less spread than there is. Slope and offset of each unit are such that the cross-validated
    readings have the mean and the standard deviation of the truth.
    """
    weights = np.zeros((N_AUS, measured.shape[1]))
    offsets = np.zeros(N_AUS)
    predicted = np.zeros(aus.shape)
    appearance = np.array([APPEARANCE_SHARE.get(name, 0.5) for name in AU_NAMES])
    parts = {"geometry": (slice(0, GEOMETRY), 1 - appearance), "appearance": (slice(GEOMETRY, None), appearance)}
    for name, (part, share) in parts.items():
        regression = make_pipeline(StandardScaler(), Ridge(PENALTY[name]))
        values = measured[:, part].astype(np.float64)
        predicted += cross_val_predict(regression, values, aus, groups=subject, cv=GroupKFold(3)) * share
        regression.fit(values, aus)
        scaler, ridge = regression[0], regression[1]
        weights[:, part] = ridge.coef_ / scaler.scale_ * share[:, None]
        offsets += (ridge.intercept_ - ridge.coef_ @ (scaler.mean_ / scaler.scale_)) * share
    for i in range(N_AUS):
        slope, shift = _match(predicted[:, i], aus[:, i])
        weights[i] *= slope
        offsets[i] = offsets[i] * slope + shift
    return Calibration(weights, offsets)


def _match(predicted: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Slope and offset under which the floored predictions have the mean and the standard deviation of the truth."""

    def mismatch(line: np.ndarray) -> list[float]:
        read = soft_floor(np.exp(line[0]) * predicted + line[1]).clip(0, 1)
        return [read.mean() - true.mean(), read.std() - true.std()]

    slope = true.std() / predicted.std()
    found = least_squares(mismatch, [np.log(slope), true.mean() - slope * predicted.mean()])
    return float(np.exp(found.x[0])), float(found.x[1])


def save_calibration(path: Path, calibration: Calibration, command: str, seed: int) -> None:
    """Write the JSON that `defgan.faces.blendshapes.load_calibration` reads, weights to five significant digits."""
    units = {
        name: {
            "offset": _short(offset),
            "geometry": [_short(value) for value in weights[:GEOMETRY]],
            "appearance": [_short(value) for value in weights[GEOMETRY:]],
        }
        for name, weights, offset in zip(AU_NAMES, calibration.weights, calibration.offsets, strict=True)
    }
    about = {
        "command": command,
        "network_sha256": WEIGHTS[NETWORK].sha256,
        "corpus": {"seed": seed, "subjects": SUBJECTS, "held_out": HELD_OUT, "images": IMAGES, "size": SIZE},
        "penalty": PENALTY,
        "appearance_share": APPEARANCE_SHARE,
    }
    lines = [f'"{name}": {json.dumps(unit, separators=(",", ":"))}' for name, unit in units.items()]
    heading = json.dumps(about, indent=1)[:-2]
    path.write_text(heading + ',\n "action_units": {\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")


def _short(value: float) -> float:
    return float(f"{value:.5g}")


# --- how well it reads


def icc(read: np.ndarray, true: np.ndarray) -> float:
    """Agreement of two raters, ICC(3,1) of Shrout & Fleiss (1979): two-way mixed, single rating, consistency."""
    ratings = np.stack([read, true], axis=1).astype(float)
    count, raters = ratings.shape
    rows, columns, mean = ratings.mean(1, keepdims=True), ratings.mean(0, keepdims=True), ratings.mean()
    between = raters * ((rows - mean) ** 2).sum() / (count - 1)
    rest = ((ratings - rows - columns + mean) ** 2).sum() / ((count - 1) * (raters - 1))
    return float((between - rest) / (between + (raters - 1) * rest))


def agreement(read: np.ndarray, true: np.ndarray, view: np.ndarray) -> pd.DataFrame:
    """Per unit: correlation, ICC(3,1) and mean absolute error of photographs, ICC and error of crops of each side."""
    rows = []
    for i, name in enumerate(AU_NAMES):
        row: dict[str, str | float] = {"au": name}
        for side in VIEWS:
            here, suffix = view == side, f"_crop{side}" if side else ""
            if not side:
                row["correlation"] = float(np.corrcoef(read[here, i], true[here, i])[0, 1])
            row[f"icc{suffix}"] = icc(read[here, i], true[here, i])
            row[f"mae{suffix}"] = float(np.abs(read[here, i] - true[here, i]).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def change(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Per unit, of N people read twice (both N×17): the means, and the share of people in whom it rises."""
    return pd.DataFrame(
        {"au": AU_NAMES, "neutral": before.mean(0), "smiling": after.mean(0), "rises": (after > before).mean(0)}
    )
