"""Makes the role `pairs`: people of their own, each rendered under several AU vectors, with the true motion between.

The other roles are photographs for the methods to edit. Pairs are for methods to learn from: `defgan.pairs` holds them.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from defgan.alignment import crop, similarity_transform
from defgan.corpus.appearance import Look
from defgan.corpus.head import Head
from defgan.corpus.renderer import unpack
from defgan.corpus.roles import Studio
from defgan.corpus.sampling import ROLES, Shot, exclude_opposites, sample_peak_aus, sample_train_aus, sample_wild_aus
from defgan.corpus.scenes import Progress, Run, Scene, dress, image_points, motion, photograph
from defgan.corpus.variety import sample_pairs_person, sample_pairs_shot
from defgan.errors import UserError
from defgan.facs import AU_NAMES, EXPRESSIONS, N_AUS
from defgan.files import alone, atomic_file
from defgan.pairs import FILE, FLOW_STRIDE, PackedScene, encode, quantise, write_pairs

NUMBER = len(ROLES)
"""The role's own in the seeds: its people are in no other role."""
LEAST_IMAGES = 4
FLOW_SIDE = 128
"""Flows are stored in pixels of a crop of this side."""
_PHOTOGRAPH = 1.25
"""Side of a photograph over side of its crop."""
_FINE_UNITS = ("AU02", "AU05", "AU45", "AU25", "AU06", "AU26")
"""Units that move few pixels (brows, lids) or uncover what was not seen (the mouth): they are learnt last."""
_FINE_SHARES = (0.22, 0.22, 0.22, 0.12, 0.11, 0.11)
_ROUND = 64
"""Scenes handed to the workers at a time."""
_CODE = Path(__file__).parents[1]
_CODE_OF_SCENES = ("alignment.py", "facs.py", "pairs.py", *(f"corpus/{p.name}" for p in _CODE.glob("corpus/*.py")))


# --- what is drawn


def pair_order(images: int) -> list[tuple[int, int]]:
    """The ordered pairs (i, j) of a scene's images that have their true motion, the same in every scene.

    The first image, near neutral, to each other and back; the second, whose mouth is often open, to each later one;
    and each later one to the next.
    """
    others = range(1, images)
    start = [(0, k) for k in others] + [(k, 0) for k in others]
    return start + [(1, k) for k in range(2, images)] + [(k, k + 1) for k in range(2, images - 1)]


def sample_scene_aus(rng: np.random.Generator, images: int) -> np.ndarray:
    """The AU vectors of a scene, float32 images×17 in [0, 1].

    A near-neutral one; an open mouth, or a mixture as of the role train; then in turns a peak, a single unit of those
    that are hard to learn, another peak, two or three units, an expression on the way to its peak, any single unit, a
    mixture. Expressions do not repeat until all seven were shown; in half of the scenes the first of them is a smile
    with parted lips. The single units are set in the first vector, as in the edits of single AUs.
    """
    neutral = sample_wild_aus(rng)
    drawn = [neutral, _open_mouth(rng) if rng.random() < 0.5 else sample_train_aus(rng)[0]]
    peaks = _peaks(rng)
    while len(drawn) < images:
        drawn += [
            next(peaks),
            _with_unit(neutral, rng.choice(_FINE_UNITS, p=_FINE_SHARES), rng.uniform(0.6, 1.0)),
            next(peaks),
            _few_units(rng),
            next(peaks) * rng.uniform(0.3, 1.0),
            _with_unit(neutral, rng.choice(AU_NAMES), rng.uniform(0.4, 1.0)),
            sample_train_aus(rng)[0],
        ]
    return np.stack(drawn[:images]).astype(np.float32)


def _with_unit(aus: np.ndarray, unit: str, intensity: float) -> np.ndarray:
    changed = aus.copy()
    changed[AU_NAMES.index(unit)] = intensity
    return changed


def _open_mouth(rng: np.random.Generator) -> np.ndarray:
    """A face whose teeth show before any edit: lips parted, the jaw often down, mostly with a smile."""
    aus = _with_unit(sample_wild_aus(rng), "AU25", rng.uniform(0.4, 0.9))
    if rng.random() < 0.6:
        aus = _with_unit(aus, "AU26", rng.uniform(0.2, 0.9))
    if rng.random() < 0.75:
        smile = rng.uniform(0.3, 1.0)
        aus = _with_unit(_with_unit(aus, "AU12", smile), "AU06", smile * rng.uniform(0.4, 1.0))
    return aus


def _peaks(rng: np.random.Generator) -> Iterator[np.ndarray]:
    names = (*EXPRESSIONS, "contempt")
    smile_first = rng.random() < 0.5
    while True:
        order = list(rng.permutation(names))
        if smile_first:
            order.remove("happy")
            order.insert(0, "happy")
        for name in order:
            aus = sample_peak_aus(rng, name)
            yield _laugh(rng, aus) if name == "happy" else aus


def _laugh(rng: np.random.Generator, aus: np.ndarray) -> np.ndarray:
    """A smile with parted lips; in half of the draws the upper lip or the jaw shows the teeth as well."""
    aus = _with_unit(aus, "AU25", rng.uniform(0.4, 1.0))
    if rng.random() < 0.5:
        aus = _with_unit(aus, "AU10", rng.uniform(0.0, 0.4))
        aus = _with_unit(aus, "AU26", rng.uniform(0.0, 0.3))
    return aus


def _few_units(rng: np.random.Generator) -> np.ndarray:
    """Two or three units at middle to high intensity, the hard ones twice as often as the others."""
    shares = np.array([2.0 if name in _FINE_UNITS else 1.0 for name in AU_NAMES])
    aus = np.zeros(N_AUS, np.float32)
    chosen = rng.choice(N_AUS, rng.integers(2, 4), replace=False, p=shares / shares.sum())
    aus[chosen] = rng.uniform(0.4, 1.0, len(chosen))
    return exclude_opposites(aus)


# --- what is rendered


def render_scene(
    head: Head, anny: np.ndarray, look: np.ndarray, shot: Shot, aus: np.ndarray, size: int, supersample: int
) -> PackedScene:
    """A person in one light, pose and camera under K AU vectors (K×17): crops of `size` pixels and the motion between.

    `anny`: the person's neutral vertices of anny; `look`: the packed `Look`. All crops are those of a neutral face, so
    no expression moves them.
    """
    scene = Scene(head, dress(head, anny, look), look, shot, aus[0], round(_PHOTOGRAPH * size), supersample)
    transform = similarity_transform(image_points(scene, np.zeros(N_AUS, np.float32)), size)
    images = [encode(crop(photograph(scene, intensities), transform, size)) for intensities in aus]
    side = size // FLOW_STRIDE
    flows = []
    for i, j in pair_order(len(aus)):
        flow, seen, _ = motion(scene, aus[i], aus[j], transform / FLOW_STRIDE, side)
        flows.append(quantise(flow * (FLOW_SIDE / side), seen))
    skin = np.array(unpack(Look, look).skin)
    return PackedScene(images, aus, np.stack(flows), float(skin @ (0.2126, 0.7152, 0.0722)))


def make_pairs(
    directory: str | Path, studio: Studio, run: Run, scenes: int, images_per_scene: int, held_out: int, seed: int,
    size: int, supersample: int, progress: Progress, state: Path,
) -> Path:  # fmt: skip
    """Render `scenes` scenes into `directory`/pairs.parquet, whole or not at all; returns its path.

    `run` comes from `scenes.crew(studio.head, workers)`; the bytes do not depend on the number of workers. Methods do
    not learn from the last `held_out` scenes. `size`: side of the images, a multiple of 4. Each finished scene is kept
    in `state` until all are there, so a run after a kill renders only the missing ones; `progress` wraps those. Scenes
    do not depend on how many there are. Raises UserError where the numbers make no set of pairs.
    """
    if images_per_scene < LEAST_IMAGES:
        raise UserError(f"pairs: {images_per_scene} images a scene; at least {LEAST_IMAGES} are needed")
    if not 0 <= held_out < scenes:
        raise UserError(f"pairs: {held_out} of {scenes} scenes are held out; fewer than all must be, none at least")
    if size < 32 or size % FLOW_STRIDE:
        raise UserError(f"pairs: images of {size} pixels; the side must be a multiple of {FLOW_STRIDE}, 32 at least")
    path = Path(directory, FILE)
    with alone(state):
        parts = state / _key(images_per_scene, seed, size, supersample)
        parts.mkdir(parents=True, exist_ok=True)
        files = [parts / f"{scene:05d}.npz" for scene in range(scenes)]
        missing = [scene for scene, file in enumerate(files) if not file.is_file()]
        made = _rendered(studio, run, missing, images_per_scene, seed, size, supersample)
        for scene, packed in zip(missing, progress(made, len(missing)), strict=True):
            _keep(files[scene], packed)
        with atomic_file(path) as temporary:
            write_pairs(temporary, [_kept(file) for file in files], pair_order(images_per_scene), held_out, size)
        for file in files:
            file.unlink()
    return path


def _rendered(
    studio: Studio, run: Run, scenes: list[int], images: int, seed: int, size: int, supersample: int
) -> Iterator[PackedScene]:
    for start in range(0, len(scenes), _ROUND):
        jobs = []
        for scene in scenes[start : start + _ROUND]:
            person = sample_pairs_person(np.random.default_rng([seed, NUMBER, scene]), studio.change_labels)
            shot = sample_pairs_shot(np.random.default_rng([seed, NUMBER, scene, 1]))
            aus = sample_scene_aus(np.random.default_rng([seed, NUMBER, scene, 2]), images)
            # One person at a time: in a batch the last bits depend on the others.
            jobs.append((studio.vertices([person])[0], person.look, shot, aus, size, supersample))
        yield from run(render_scene, jobs)


def _key(*recipe: int) -> str:
    """A hash of everything that decides a scene but its number."""
    digest = hashlib.blake2b(json.dumps(recipe).encode(), digest_size=8)
    for name in sorted(_CODE_OF_SCENES):
        digest.update((_CODE / name).read_bytes())
    return digest.hexdigest()


def _keep(file: Path, scene: PackedScene) -> None:
    lengths = [len(image) for image in scene.images]
    blob = np.frombuffer(b"".join(scene.images), np.uint8)
    with atomic_file(file) as temporary:
        np.savez(temporary, blob=blob, lengths=lengths, aus=scene.aus, flows=scene.flows, tone=scene.tone)


def _kept(file: Path) -> PackedScene:
    with np.load(file, allow_pickle=False) as content:
        ends = np.cumsum(content["lengths"])
        images = [part.tobytes() for part in np.split(content["blob"], ends[:-1])]
        return PackedScene(images, content["aus"], content["flows"], float(content["tone"]))
