"""The rendered faces to which the `blendshapes` estimator is calibrated, and what it measures on them.

The subjects belong to no role of the experiment. Each is photographed under a neutral face, single units, expressions
and random combinations. Each photograph is measured three times: as it is, and as the aligned crops that the networks
see and make.
"""

import functools

import numpy as np

from defgan import alignment
from defgan.corpus.appearance import Look
from defgan.corpus.head import Head
from defgan.corpus.renderer import unpack
from defgan.corpus.roles import Studio
from defgan.corpus.sampling import ROLES, Person, Shot, sample_person, sample_shot, sample_train_aus
from defgan.corpus.scenes import Progress, Run, Scene, dress, image_points, no_progress, photograph
from defgan.faces.au_estimators.blendshapes import FaceMesh
from defgan.facs import AU_NAMES, N_AUS, au_vector

SUBJECTS = 500
HELD_OUT = 100
"""How many subjects, the last, nothing is fitted to."""
IMAGES = 10
"""Photographs of each subject: one neutral, three of single units, two expressions, four random combinations."""
SIZE = 256
"""Side of the rendered photographs, pixels."""
VIEWS = (0, 128, 64)
"""Each photograph is measured as it is (0) and as an aligned crop of these sides."""
POINT_NOISE = 0.03
"""Error of the five points, in distances between the eyes: about a detector's."""
_SEED_ROLE = len(ROLES)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_EXCLUSIVE = (("AU12", "AU15", "AU14", "AU20"), ("AU05", "AU45"), ("AU23", "AU25"), ("AU23", "AU26"))
"""Opposites: one of them is kept, drawn at random, the others are 0."""


def sample_combination(rng: np.random.Generator) -> np.ndarray:
    """Two to six units of random intensities, no two of them opposites; float32 of shape (17,)."""
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


def skin_luminance(look: np.ndarray) -> float:
    """Relative luminance (Rec. 709) of the albedo of a packed `Look`'s bare skin, in [0, 1]."""
    return float(np.array(unpack(Look, look).skin) @ _LUMINANCE)


@functools.cache
def _mesh() -> FaceMesh:
    return FaceMesh()


def measure_views(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photograph's measurements in each of `VIEWS`, float32 V×K; NaN where no face is recognised.

    `points`: the true five points, 5×2; `POINT_NOISE` is added to them.
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
    """`measure_views` of each photograph of a subject; the number of the first is `first`."""
    neutral, measured = dress(head, anny, look), []
    for number, (shot, intensities) in enumerate(zip(shots, aus, strict=True), start=first):
        scene = Scene(head, neutral, look, shot, intensities, SIZE, supersample=1)
        points = image_points(scene, intensities).astype(float)
        measured.append(measure_views(photograph(scene, intensities), points, np.random.default_rng(number)))
    return measured


def observe(
    studio: Studio, run: Run, seed: int, subjects: range = range(SUBJECTS), progress: Progress = no_progress
) -> dict[str, np.ndarray]:
    """Render and measure the subjects: `measured` float32 N×K, `aus` float32 N×17, and of shape (N,) each `subject`,
    `view` and `skin`, the subject's `skin_luminance`.

    `run` comes from `defgan.corpus.scenes.crew`. Views in which no face is recognised are left out.
    """
    sampled = [sample_subject(seed, subject, studio.change_labels) for subject in subjects]
    anny = studio.vertices([person for person, _, _ in sampled])
    jobs = [
        (anny[i], person.look, shots, aus, subject * IMAGES)
        for i, (subject, (person, shots, aus)) in enumerate(zip(subjects, sampled, strict=True))
    ]
    rows = []
    results = progress(run(measure_subject, jobs), len(jobs))
    for subject, (person, _, aus), result in zip(subjects, sampled, results, strict=True):
        skin = skin_luminance(person.look)
        for intensities, views in zip(aus, result, strict=True):
            rows += [
                (measured, intensities, subject, view, skin)
                for measured, view in zip(views, VIEWS, strict=True)
                if np.isfinite(measured).all() and len(measured)
            ]
    measured, aus, subject, view, skin = zip(*rows, strict=True)
    return {
        "measured": np.stack(measured),
        "aus": np.stack(aus),
        "subject": np.array(subject),
        "view": np.array(view),
        "skin": np.array(skin),
    }
