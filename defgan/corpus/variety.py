"""People and photographs of the rendered pairs: more varied than the other roles, since networks learn from them.

They start from `sampling.sample_person` and `sampling.sample_shot`. Skin tones are spread evenly from light to very
dark; teeth, tongue, lips, eyes, beards and glasses are drawn for `Variety`, lights are harder, dimmer or coloured.
"""

from dataclasses import replace

import numpy as np

from defgan.corpus.appearance import Light, Look, Variety
from defgan.corpus.renderer import pack, unpack
from defgan.corpus.sampling import Person, Shot, linear, sample_person, sample_shot

GLASSES = 0.12
"""Share of people who wear glasses."""

FRINGE = 0.12
"""Share of people whose hair falls to the brows."""

WILD = 0.25
"""Share of photographs framed and posed as the role wild, the rest as the role train."""

_SKIN = np.log(
    [
        linear(color)
        for color in (
            (238, 200, 178), (224, 182, 152), (204, 156, 122), (172, 122, 90),
            (134, 90, 65), (98, 64, 47), (70, 46, 36), (50, 34, 28),
        )
    ]
)  # fmt: skip
"""Albedo of skin from light to very dark, logarithms of linear light."""

_IRISES = {
    "black": ((0.012, 0.007, 0.005), (0.030, 0.015, 0.008)),
    "brown": ((0.045, 0.022, 0.010), (0.110, 0.055, 0.022)),
    "hazel": ((0.130, 0.085, 0.030), (0.090, 0.085, 0.040)),
    "green": ((0.090, 0.130, 0.070), (0.110, 0.120, 0.060)),
    "grey": ((0.170, 0.190, 0.200), (0.120, 0.130, 0.135)),
    "blue": ((0.090, 0.150, 0.240), (0.110, 0.170, 0.230)),
}
_FRAMES = (
    (0.010, 0.010, 0.011), (0.030, 0.014, 0.008), (0.100, 0.050, 0.022), (0.200, 0.190, 0.180), (0.280, 0.200, 0.090),
)  # fmt: skip
_FRAME_SHARES = (0.45, 0.15, 0.12, 0.16, 0.12)
_TINTS = ((0.10, 0.10, 0.11), (0.22, 0.17, 0.12), (0.35, 0.40, 0.34), (0.45, 0.33, 0.25))


def _between(rng: np.random.Generator, a: tuple, b: tuple) -> np.ndarray:
    """A colour between two, in the logarithm."""
    t = rng.random()
    return np.exp((1 - t) * np.log(a) + t * np.log(b))


def _values(struct, vector: np.ndarray) -> dict:
    """The fields of a packed struct, by name."""
    instance = unpack(struct, vector)
    return {name: np.array(getattr(instance, name)) for name in struct.cls.__annotations__}


def sample_pairs_person(rng: np.random.Generator, labels: list[str]) -> Person:
    """Draw a subject of the pairs; `labels` are anny's local changes. Its `look` is a `Look`, then a `Variety`."""
    tone = float(rng.random() ** 1.2)  # 0 light, 1 very dark
    origin = rng.dirichlet([0.1 + 2.4 * tone**2, 0.25 + 1.2 * tone * (1 - tone), 0.1 + 1.3 * (1 - tone) ** 1.5])
    person = sample_person(rng, labels, origin)
    look = _values(Look, person.look)
    female = person.phenotypes["gender"] > 0.5
    age = (person.phenotypes["age"] - 0.66) / 0.27

    position = tone * (len(_SKIN) - 1)
    low = min(int(position), len(_SKIN) - 2)
    skin = np.exp(_SKIN[low] + (position - low) * (_SKIN[low + 1] - _SKIN[low]))
    skin = skin * np.exp(rng.normal(0, 0.04)) * (1 + np.array([0.0, 1.0, 1.6]) * rng.normal(0, 0.04))
    dark = np.clip((tone - 0.35) / 0.4, 0, 1)  # how much the face is that of dark skin

    pink = skin * np.array([0.90, 0.56, 0.55]) * (1 - dark) + skin * np.array([0.78, 0.62, 0.64]) * dark
    lips = pink * np.exp(rng.normal(0, 0.08))
    makeup = float(female and rng.random() < 0.5) * rng.uniform(0.3, 1.0)
    stick = _between(rng, (0.42, 0.05, 0.06), (0.36, 0.13, 0.13)) * (1 - 0.5 * dark)
    cover = makeup * (0.75 - 0.3 * dark)
    look["lips"] = lips * (1 - cover) + stick * cover
    if not makeup:
        look["liner"] = 0.25 * female
        look["blush"] = 0.0

    pale = rng.random() < 0.75 * float(origin[2]) * (1 - dark)
    kind = (
        rng.choice(["hazel", "green", "grey", "blue"], p=[0.3, 0.2, 0.2, 0.3])
        if pale
        else ("black", "brown")[int(rng.random() < 0.62 - 0.35 * dark)]
    )
    look |= {
        "skin": skin,
        "iris": _between(rng, *_IRISES[kind]),
        "redness": rng.uniform(0.1, 1.7) * (1 - 0.6 * dark),
        "freckles": look["freckles"] * (1 - dark),
        "blotch": rng.uniform(0.4, 1.7),
        "oil": rng.uniform(0.5, 1.7) + dark * rng.uniform(0.2, 1.6),
        "stubble": 0.0 if female else rng.choice([0.0, 0.2, 0.45, 0.8]) * rng.uniform(0.6, 1.4),
        "teeth": _between(rng, (0.70, 0.58, 0.40), (0.92, 0.87, 0.77)) * (1 - 0.12 * age),
        "liner": np.clip(look["liner"] + rng.uniform(0.1, 0.5), 0, 1.3),
    }
    if rng.random() < 0.92 * dark and look["hair"].max() > 0.06 and np.ptp(look["hair"]) > 0.03:
        look["hair"] = _between(rng, (0.010, 0.009, 0.008), (0.034, 0.022, 0.015))
        look["brow"] = look["hair"] * 0.7
    if rng.random() < FRINGE:
        look["volume"] = np.maximum(look["volume"], rng.uniform(0.014, 0.022))
        look["fringe"] = rng.uniform(0.040, 0.070)
        look["recede"] = 0.0
        look["hairline"] = rng.uniform(-0.011, -0.006)
        look["hair_density"] = 1.1
        look["strand"] = np.array([650.0, 280.0, 40.0]) * rng.uniform(0.85, 1.15)  # combed down
    bearded = look["beard"] > 0 or (not female and rng.random() < 0.15)
    if bearded:
        look["beard"] = rng.uniform(0.75, 1.0)

    gum = _between(rng, (0.46, 0.17, 0.16), (0.38, 0.13, 0.13)) * (1 - dark) + dark * _between(
        rng, (0.30, 0.11, 0.11), (0.10, 0.045, 0.045)
    )
    variety = {
        "own_teeth": 1.0,
        "tooth_width": rng.uniform(0.88, 1.12),
        "tooth_gap": rng.uniform(0.0006, 0.0022) if rng.random() < 0.12 else 0.0,
        "tooth_drop": rng.uniform(0.0003, 0.0030),
        "gum_line": rng.uniform(0.10, 0.27),
        "gum": gum,
        "tongue": _between(rng, (0.50, 0.17, 0.16), (0.36, 0.11, 0.12)),
        "lip_inner": np.sqrt(skin * np.array([0.55, 0.17, 0.17])),
        "lip_inner_share": dark * rng.uniform(0.2, 0.9) * (1 - 0.7 * makeup),
        "sclera_stain": np.array([0.01, 0.03, 0.07]) * rng.uniform(0.3, 2.2) + dark * np.array([0.16, 0.19, 0.24]),
        "lid_line": rng.uniform(0.25, 0.75),
        "lid_crease": rng.uniform(0.0, 0.55) * (1 - 0.6 * float(origin[1])),
        "spots": np.clip(rng.uniform(-0.5, 0.9) * (0.3 + age), 0, 0.8),
        "fringe_hugs": 1.0,
        "beard_cut": float(rng.integers(4)) if bearded else 0.0,
        **_sample_glasses(rng),
    }
    return replace(person, look=np.concatenate([pack(Look, look), pack(Variety, variety)]))


def _sample_glasses(rng: np.random.Generator) -> dict:
    """The glasses' fields of `Variety`."""
    worn = float(rng.random() < GLASSES)
    thick = rng.random() < 0.5
    power = rng.choice([2.0, 2.6, 4.0])
    width = rng.uniform(0.0215, 0.0265)
    tinted = rng.random() < 0.22
    return {
        "glasses": worn,
        "lens_width": width,
        "lens_height": width * (rng.uniform(0.88, 1.0) if power == 2.0 else rng.uniform(0.62, 0.85)),
        "lens_power": power,
        "rim": rng.uniform(0.0022, 0.0042) if thick else rng.uniform(0.0009, 0.0016),
        "half_rim": float(rng.random() < 0.2),
        "rim_color": np.array(_FRAMES[rng.choice(len(_FRAMES), p=_FRAME_SHARES)]) * rng.uniform(0.8, 1.2),
        "lens": np.array(_TINTS[rng.integers(len(_TINTS))]) if tinted else np.full(3, rng.uniform(0.9, 0.97)),
    }


def sample_pairs_shot(rng: np.random.Generator) -> Shot:
    """Draw the pose, framing, light and background of a photograph of the pairs."""
    shot = sample_shot(rng, "wild" if rng.random() < WILD else "train")
    light = _values(Light, shot.light)
    kind = rng.choice(["plain", "hard", "dim", "coloured", "back", "flat"], p=[0.42, 0.16, 0.12, 0.12, 0.10, 0.08])
    light["exposure"] = light["exposure"] * np.exp(rng.normal(0, 0.12))
    if kind == "hard":
        light["softness"] = rng.uniform(0.03, 0.10)
        light["key_color"] = light["key_color"] * rng.uniform(1.0, 1.25)
        for name in ("sky", "ground"):
            light[name] = light[name] * rng.uniform(0.35, 0.8)
    elif kind == "dim":
        light["exposure"] = light["exposure"] * rng.uniform(0.4, 0.75)
        light["grain"] = rng.uniform(0.006, 0.018)
    elif kind == "coloured":
        for name in ("key_color", "sky", "rim_color"):
            warm = rng.normal(0, 0.22) * np.array([1.0, 0.15, -1.0])
            light[name] = light[name] * np.exp(warm + rng.normal(0, 0.06, 3))
    elif kind == "back":
        light["key_color"] = light["key_color"] * rng.uniform(0.25, 0.6)
        light["rim_color"] = rng.uniform(0.6, 1.4) * np.exp(rng.normal(0, 0.06, 3))
        light["back_a"] = rng.uniform(0.6, 1.0) * np.exp(rng.normal(0, 0.05, 3))
        light["exposure"] = light["exposure"] * rng.uniform(0.9, 1.2)
    elif kind == "flat":
        light["key_color"] = light["key_color"] * rng.uniform(0.15, 0.4)
        for name in ("sky", "ground"):
            light[name] = light[name] * rng.uniform(1.5, 2.1)
    return replace(shot, light=pack(Light, light))
