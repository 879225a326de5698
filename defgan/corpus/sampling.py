"""Who the subjects are, how they are photographed and what their faces do; all from named seeds."""

from dataclasses import dataclass

import numpy as np

from defgan.corpus.appearance import Light, Look
from defgan.corpus.renderer import pack
from defgan.facs import AU_NAMES, EXPRESSIONS, MUG_EXPRESSIONS, N_AUS, PRESETS, RAFD_EXPRESSIONS, au_vector

ROLES = ("train", "wild", "mug", "rafd")
_PEAKS = {**PRESETS, "happy": {"AU06": 0.8, "AU12": 1.0, "AU25": 0.6}}
"""Peak intensities of acted expressions: these smiles keep the jaw up."""

_FACE_CHANGES = {
    # Prefix of anny's local changes: standard deviation of the value, which lies in [-1, 1].
    "head-age": 0.25, "head-fat": 0.35, "head-scale": 0.30, "head-back": 0.2, "forehead": 0.4, "eyebrows": 0.15,
    "eye-scale": 0.25, "eye-height": 0.25, "eye-corner": 0.3, "eye-eyefold": 0.3, "eye-bag": 0.3, "eye-epicanthus": 0.3,
    "eye-trans": 0.2, "nose": 0.28, "mouth-scale-horiz": 0.35, "mouth-scale-vert": 0.2, "mouth-lowerlip-volume": 0.3,
    "mouth-upperlip-volume": 0.3, "mouth-lowerlip-width": 0.25, "mouth-upperlip-width": 0.25, "mouth-cupidsbow": 0.35,
    "mouth-philtrum": 0.4, "mouth-laugh": 0.2, "mouth-angles": 0.1, "chin": 0.33, "cheek": 0.33,
    "ear-scale": 0.3, "ear-lobe": 0.4, "ear-shape": 0.3, "ear-wing": 0.3, "neck-scale": 0.25, "neck-double": 0.3,
}  # fmt: skip
_NO_CHANGE = ("trans-out", "nose-trans", "nose-septum", "chin-jaw-drop", "chin-prognathism", "head-scale-vert")
_PAIRS = ("l-", "r-")


@dataclass(frozen=True)
class Person:
    """Parameters of one subject: anny's phenotype and local changes, and the packed `Look`."""

    phenotypes: dict[str, float]
    changes: dict[str, float]
    look: np.ndarray


@dataclass(frozen=True)
class Shot:
    """Parameters of one photograph: pose (degrees), framing, gaze offset (degrees), packed `Light` in camera axes."""

    pose: np.ndarray  # yaw, pitch, roll; float32
    framing: np.ndarray  # centre x, y of the eyes in shares of the side, span in metres for an average face
    gaze: np.ndarray
    light: np.ndarray


def _mix(rng: np.random.Generator, *colors: tuple[float, float, float]) -> np.ndarray:
    weights = rng.dirichlet(np.ones(len(colors)))
    return np.exp(weights @ np.log(np.array(colors)))


def linear(srgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """An sRGB colour of three bytes as linear light in [0, 1]."""
    return tuple(((c / 255 + 0.055) / 1.055) ** 2.4 for c in srgb)


def face_changes(labels: list[str]) -> dict[str, float]:
    """The local changes that shape faces, with the spread of their values."""
    chosen = {}
    for label in labels:
        name = label[2:] if label.startswith(_PAIRS) else label
        if any(part in name for part in _NO_CHANGE):
            continue
        for prefix, spread in _FACE_CHANGES.items():
            if name.startswith(prefix):
                chosen[label] = spread
                break
    return chosen


def sample_person(rng: np.random.Generator, labels: list[str], origin: np.ndarray | None = None) -> Person:
    """Draw a subject; `labels` are anny's local changes, `origin` its African, Asian and Caucasian shares if given."""
    female = rng.random() < 0.5
    gender = float(np.clip(rng.normal(0.9 if female else 0.1, 0.12), 0, 1))
    age = float(rng.beta(1.3, 2.2))  # 0 about 20 years, 1 about 75
    african, asian, caucasian = origin = rng.dirichlet([0.45, 0.45, 0.55]) if origin is None else origin
    phenotypes = {
        "gender": gender,
        "age": 0.66 + 0.27 * age,
        "muscle": float(rng.uniform(0.3, 0.7)),
        "weight": float(np.clip(rng.normal(0.5, 0.17), 0.1, 0.95)),
        "height": 0.5,
        "proportions": float(rng.uniform(0.4, 0.9)),
        "cupsize": 0.5,
        "firmness": 0.5,
        "african": float(african),
        "asian": float(asian),
        "caucasian": float(caucasian),
    }
    changes = {}
    for label, spread in face_changes(labels).items():
        twin = "l-" + label[2:]
        if label.startswith("r-") and twin in changes:
            changes[label] = float(np.clip(changes[twin] + rng.normal(0, 0.05), -1, 1))
        else:
            changes[label] = float(np.clip(rng.normal(0, spread), -0.8, 0.8))
    return Person(phenotypes, changes, pack(Look, _sample_look(rng, female, age, origin)))


def _sample_look(rng: np.random.Generator, female: bool, age: float, origin: np.ndarray) -> dict:
    african, asian, caucasian = origin
    # Albedo of skin from dark to light, interpolated by melanin in the logarithm.
    stops = np.log([linear((232, 190, 165)), linear((212, 162, 130)), linear((170, 118, 86)), linear((92, 60, 44))])
    melanin = np.clip(0.93 * african + 0.36 * asian + 0.14 * caucasian + rng.normal(0, 0.10), 0, 1) * 3
    low = min(int(melanin), 2)
    skin = np.exp(stops[low] + (melanin - low) * (stops[low + 1] - stops[low]))
    skin *= np.exp(rng.normal(0, 0.05)) * (1 + np.array([0.0, 1.0, 1.6]) * rng.normal(0, 0.035))

    dark = rng.random() < 0.25 + 0.75 * max(african, asian)
    if dark:
        hair = _mix(rng, (0.012, 0.010, 0.009), (0.030, 0.020, 0.014))
    else:
        tones = [(0.055, 0.030, 0.016), (0.12, 0.065, 0.032), (0.36, 0.23, 0.11), (0.19, 0.060, 0.022)]
        hair = _mix(rng, *(tones[i] for i in rng.choice(4, 2, p=[0.38, 0.32, 0.2, 0.1], replace=False)))
    grey = np.clip((age - 0.45) * 2.2 + rng.normal(0, 0.25), 0, 1) * (0.5 if female else 1)
    brow = hair * 0.7 * (1 - 0.5 * grey) + 0.5 * grey * 0.16
    hair = hair * (1 - grey) + grey * np.array([0.42, 0.41, 0.40])
    if female and rng.random() < 0.15:  # dyed
        hair = _mix(rng, (0.40, 0.26, 0.13), (0.25, 0.05, 0.03), (0.10, 0.03, 0.02))

    makeup = float(female and rng.random() < 0.55) * rng.uniform(0.3, 1.0)
    lips = skin * np.array([0.88, 0.56, 0.55]) * np.exp(rng.normal(0, 0.06))
    if makeup:
        stick = _mix(rng, (0.42, 0.05, 0.06), (0.48, 0.16, 0.15), (0.30, 0.06, 0.10))
        lips = lips * (1 - 0.75 * makeup) + stick * 0.75 * makeup

    light_eyes = rng.random() < 0.75 * caucasian**1.5
    iris = (
        _mix(rng, (0.12, 0.22, 0.36), (0.10, 0.20, 0.14), (0.22, 0.25, 0.27))
        if light_eyes
        else _mix(rng, (0.045, 0.022, 0.010), (0.11, 0.055, 0.022))
    )

    curly = rng.random() < african
    bald = not female and rng.random() < 0.10 + 0.25 * age
    long_hair = female and not (curly and rng.random() < 0.4) and rng.random() < 0.72
    short = not female and rng.random() < 0.75
    volume = 0.0 if bald else rng.uniform(0.003, 0.010) if short else rng.uniform(0.012, 0.028)
    if curly and not short and not bald:
        volume = rng.uniform(0.02, 0.05)
    combed = [(650.0, 280.0, 40.0), (320.0, 620.0, 45.0), (500.0, 500.0, 70.0)][rng.integers(3)]
    strand = np.array((430.0, 430.0, 430.0) if curly else combed) * rng.uniform(0.85, 1.15)

    bearded = not female and rng.random() < 0.28
    return {
        "seed": int(rng.integers(1, 1 << 12)),
        "skin": skin,
        "blotch": rng.uniform(0.4, 1.2),
        "redness": rng.uniform(0.2, 1.0),
        "freckles": rng.uniform(0.4, 1.0) if caucasian > 0.5 and rng.random() < 0.3 else 0.0,
        "oil": rng.uniform(0.5, 1.5),
        "age": np.clip(age * 1.3 - 0.15 + rng.normal(0, 0.08), 0, 1),
        "eye_circles": np.clip(rng.normal(0.25 + 0.5 * age, 0.2), 0, 1),
        "lips": lips,
        "blush": makeup * rng.uniform(0, 1.2),
        "liner": makeup * rng.uniform(0.4, 1.0) + 0.25 * female,
        "stubble": 0.0 if female else rng.choice([0.05, 0.25, 0.6]) * rng.uniform(0.6, 1.4),
        "beard": rng.uniform(0.75, 1.0) if bearded else 0.0,
        "brow": brow,
        "brow_height": rng.normal(0, 0.0012),
        "brow_thickness": rng.uniform(0.0019, 0.0030) if female else rng.uniform(0.0026, 0.0042),
        "brow_arch": rng.uniform(0.0015, 0.0045) if female else rng.uniform(0.0008, 0.003),
        "brow_tilt": rng.normal(-0.0026, 0.0009),
        "brow_inner": rng.uniform(0.0095, 0.0135),
        "brow_outer": rng.uniform(0.050, 0.056),
        "brow_density": rng.uniform(0.75, 1.0),
        "hair": hair,
        "hair_density": rng.uniform(0.85, 1.1),
        "hairline": rng.normal(0, 0.004) + (0.0 if female else 0.012 * age),
        "recede": 0.0 if female else rng.uniform(0, 0.02) * (0.3 + age),
        "strand": strand,
        "volume": volume,
        "fringe": rng.uniform(0.01, 0.035) if volume > 0.01 and not curly and rng.random() < 0.4 else 0.0,
        "waves": rng.uniform(0.05, 0.35),
        "curtain": rng.uniform(0.45, 1.1) if long_hair else 0.0,
        "iris": iris,
        "iris_size": rng.uniform(0.36, 0.40),
        "pupil": rng.uniform(0.34, 0.48),
        "sclera": rng.uniform(0.85, 1.0),
        "teeth": np.array([0.78, 0.73, 0.62]) * rng.uniform(0.85, 1.05) * (1 - 0.15 * age),
        "cloth": _mix(rng, (0.6, 0.6, 0.6), (0.02, 0.02, 0.03), (0.3, 0.05, 0.05), (0.05, 0.1, 0.3), (0.1, 0.2, 0.1)),
        "neckline": rng.uniform(0, 1.0),
    }


_POSE_LIMITS = {"train": (25, 12, 8), "wild": (12, 8, 5), "mug": (3, 3, 2), "rafd": (2, 2, 1.5)}


def sample_shot(rng: np.random.Generator, role: str) -> Shot:
    """Draw the pose, framing, light and background of a photograph."""
    limits = np.array(_POSE_LIMITS[role], dtype=np.float32)
    pose = np.clip(rng.normal(0, 0.5, 3), -1, 1).astype(np.float32) * limits
    loose = 1.0 if role in ("train", "wild") else 0.4
    framing = np.array([0.5, 0.43, 0.208]) * (1 + loose * rng.uniform(-1, 1, 3) * (0.04, 0.05, 0.05))
    gaze = rng.normal(0, 2.0, 2) if rng.random() < 0.85 else rng.uniform(-12, 12, 2) * (1, 0.4)

    lab = role in ("mug", "rafd")
    azimuth = np.radians(rng.uniform(-35, 35) if lab else rng.uniform(-70, 70))
    height = np.radians(rng.uniform(15, 45))
    key = np.array([np.sin(azimuth) * np.cos(height), -np.cos(azimuth) * np.cos(height), np.sin(height)])
    warmth = rng.normal(0, 0.05 if lab else 0.09)
    tint = np.exp(warmth * np.array([1.0, 0.1, -1.0]))
    ratio = rng.uniform(0.5, 0.8) if lab else rng.uniform(0.35, 0.95)
    strength = 1.15
    sky = strength * (1 - ratio) * np.exp(rng.normal(0, 0.05, 3)) * 1.1 + 0.10
    ground = sky * rng.uniform(0.35, 0.8) * np.array([1.05, 1.0, 0.92])
    side = -np.sign(azimuth) * np.radians(rng.uniform(70, 115))
    rim = np.array([np.sin(side) * 0.9, -np.cos(side) * 0.9, 0.35])
    light = {
        "key": key,
        "key_color": strength * ratio * tint * 1.5,
        "rim": rim / np.linalg.norm(rim),
        "rim_color": rng.uniform(0, 0.35) * (0.3 if lab else 1.0) * np.exp(-warmth * np.array([1.0, 0.1, -1.0])),
        "up": np.array([0.0, 0.0, 1.0]),
        "sky": sky,
        "ground": ground,
        "softness": rng.uniform(0.12, 0.30),
        "exposure": rng.uniform(0.68, 0.98),
        "grain": rng.uniform(0.002, 0.010),
        **_sample_background(rng, lab),
    }
    return Shot(pose, framing.astype(np.float32), gaze.astype(np.float32), pack(Light, light))


def _sample_background(rng: np.random.Generator, lab: bool) -> dict:
    if lab:
        a = np.full(3, rng.uniform(0.25, 0.7)) * np.exp(rng.normal(0, 0.04, 3))
        b = a * rng.uniform(0.6, 0.95)
        blobs = 0.0
    else:
        a, b = (rng.uniform(0.04, 0.75) * np.exp(rng.normal(0, 0.15, 3)) for _ in range(2))
        blobs = rng.choice([0.0, 0.5, 1.0])
    return {
        "back_a": a,
        "back_b": b,
        "back_c": a * rng.uniform(0.4, 1.9) * np.exp(rng.normal(0, 0.15, 3)),
        "back_angle": rng.uniform(0, 2 * np.pi),
        "back_scale": rng.uniform(2.0, 7.0),
        "back_blobs": blobs,
        "back_seed": int(rng.integers(1, 1 << 12)),
    }


def _vary(rng: np.random.Generator, aus: np.ndarray, scale: float, jitter: float) -> np.ndarray:
    """A subject's variant of an expression: scaled, each of its units jittered, rarely with another unit added."""
    varied = aus * scale * np.exp(rng.normal(0, jitter, N_AUS))
    if rng.random() < 0.3:
        varied[rng.integers(N_AUS)] += rng.uniform(0.05, 0.2)
    return np.clip(varied, 0, 1).astype(np.float32)


def exclude_opposites(aus: np.ndarray) -> np.ndarray:
    """AUs (17,) in which opposites do not meet: the corners of the mouth go up, down or aside; the strongest stays."""
    kept = aus.copy()
    for group in (("AU12", "AU15", "AU14", "AU20"), ("AU05", "AU45"), ("AU23", "AU25"), ("AU23", "AU26")):
        index = [AU_NAMES.index(name) for name in group]
        strongest = index[int(kept[index].argmax())]
        for i in index:
            if i != strongest:
                kept[i] *= 0.2
    return kept


def sample_train_aus(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """AUs of a training photograph: neutral, a prototype at any intensity, a single unit, or a sparse mixture."""
    kind = rng.random()
    if kind < 0.12:
        return np.clip(rng.uniform(0, 0.08, N_AUS) * (rng.random(N_AUS) < 0.2), 0, 1).astype(np.float32), "neutral"
    if kind < 0.62:
        name = (*EXPRESSIONS, "contempt")[rng.integers(7)]
        return _vary(rng, au_vector(_PEAKS[name]), rng.uniform(0.35, 1.05), 0.25), name
    if kind < 0.72:
        return au_vector({AU_NAMES[rng.integers(N_AUS)]: rng.uniform(0.3, 1.0)}), ""
    aus = np.zeros(N_AUS, dtype=np.float32)
    chosen = rng.choice(N_AUS, rng.integers(2, 6), replace=False)
    aus[chosen] = rng.beta(1.6, 1.6, len(chosen))
    return exclude_opposites(aus), ""


def sample_wild_aus(rng: np.random.Generator) -> np.ndarray:
    """AUs of a wild photograph, near neutral: a few small intensities."""
    return (rng.uniform(0, 0.14, N_AUS) * (rng.random(N_AUS) < 0.25)).astype(np.float32)


def sample_peak_aus(rng: np.random.Generator, expression: str) -> np.ndarray:
    """AUs of an acted expression near its peak."""
    return _vary(rng, au_vector(_PEAKS[expression]), rng.uniform(0.82, 1.02), 0.10)


def role_expressions(role: str) -> tuple[str, ...]:
    """The expressions that each subject of an acted role shows."""
    return {"mug": MUG_EXPRESSIONS, "rafd": RAFD_EXPRESSIONS}[role]
