"""Rendered clips whose truth is known: a person turns, speaks and blinks, the light moves, and each frame is rendered
again under other AUs. They stand for the corpus where time matters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from defgan.corpus.appearance import Light
from defgan.corpus.renderer import pack, unpack
from defgan.corpus.roles import Studio
from defgan.corpus.sampling import Shot, sample_person, sample_shot, sample_wild_aus
from defgan.corpus.scenes import Scene, dress, image_points, motion, photograph
from defgan.facs import AU_NAMES, N_AUS

RATE = 25
"""Frames per second."""
NUMBER = 100
"""Of these clips in the seeds: their people are in no role of the corpus."""
_FIELDS = tuple(Light.cls.__annotations__)


@dataclass(frozen=True)
class RenderedFrame:
    """A frame in memory; see `defgan.editing.video.frames.Frame`."""

    time: float
    image: np.ndarray

    def pixels(self) -> np.ndarray:
        return self.image

    def edited(self, pixels: np.ndarray) -> "RenderedFrame":
        return replace(self, image=pixels)


@dataclass(frozen=True)
class RenderedClip:
    """N frames with their truth; they are `defgan.editing.video.frames.Frames`."""

    images: np.ndarray  # uint8 N×S×S×3
    truth: np.ndarray  # uint8 N×S×S×3, under the target AUs
    points: np.ndarray  # N×5×2, of the neutral face: they move with the head alone
    x: np.ndarray  # float32 N×17, the AUs of `images`
    y: np.ndarray  # float32 N×17, those of `truth`
    flow: np.ndarray  # float32 N×S×S×2, backward, from `truth` to `images`, pixels; NaN where no skin is seen in both

    @property
    def size(self) -> tuple[int, int]:
        return self.images.shape[2], self.images.shape[1]

    @property
    def expected(self) -> int:
        return len(self.images)

    def frames(self) -> Iterator[RenderedFrame]:
        for number, image in enumerate(self.images):
            yield RenderedFrame(number / RATE, image)


def _waves(rng: np.random.Generator, times: np.ndarray, hertz: tuple[float, ...]) -> np.ndarray:
    """A smooth course over time within about ±1, of some frequencies, the slow ones the largest."""
    phases, sizes = rng.uniform(0, 2 * np.pi, len(hertz)), 1 / np.array(hertz)
    return (sizes / sizes.sum()) @ np.sin(2 * np.pi * np.outer(hertz, times) + phases[:, None])


def sample_aus(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """AUs over time, float32 N×17 in [0, 1]: nearly neutral, with syllables (about 2.5 per second) and blinks.

    Both are smooth: almost nothing in them is faster than 5 Hz, so what is faster in an edit was made by the edit.
    """
    aus = np.tile(sample_wild_aus(rng), (len(times), 1))
    loudness = 0.5 + 0.5 * _waves(rng, times, (0.7, 1.3))
    speech = loudness * (0.5 + 0.5 * np.sin(2 * np.pi * 2.5 * times + rng.uniform(0, 2 * np.pi)))
    aus[:, AU_NAMES.index("AU25")] = 0.6 * speech
    aus[:, AU_NAMES.index("AU26")] = 0.4 * speech
    blinks = np.arange(rng.uniform(0.2, 0.8), times[-1], rng.uniform(0.9, 1.4))
    lids = np.exp(-0.5 * ((times[:, None] - blinks) / 0.08) ** 2).max(axis=1) if len(blinks) else 0.0
    aus[:, AU_NAMES.index("AU45")] = lids
    return aus.clip(0, 1).astype(np.float32)


def _light_at(light: np.ndarray, turn: float, gain: float) -> np.ndarray:
    lamps = unpack(Light, light)
    values = {name: np.array(getattr(lamps, name), np.float64) for name in _FIELDS}
    cosine, sine = np.cos(turn), np.sin(turn)
    values["key"] = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ values["key"]
    values["exposure"] *= gain
    values["grain"] = 0.0  # it would stand still
    return pack(Light, values)


def render_clip(
    studio: Studio, seed: int, number: int, target: Callable[[np.ndarray, np.ndarray], np.ndarray],
    seconds: float = 2.0, size: int = 240, supersample: int = 2, grain: float = 1.2,
    progress: Callable[[range], range] = lambda frames: frames,
) -> RenderedClip:  # fmt: skip
    """Clip `number` of a seed: the head turns, nods and moves, the light goes round it, the camera has grain.

    `target(x, rest)`: the target AUs of a moment from the present ones and their median over the clip, all (17,);
    `grain`: standard deviation of the noise of each pixel, in units of 0 … 255, anew in each frame; the truth's is the
    same.
    """
    rng = np.random.default_rng([seed, NUMBER, number])
    person, shot = sample_person(rng, studio.change_labels), sample_shot(rng, "wild")
    times = np.arange(round(seconds * RATE)) / RATE
    pose = shot.pose + np.stack([a * _waves(rng, times, (0.4, 0.9)) for a in (14, 6, 5)], axis=1)
    framing = shot.framing + np.stack([a * _waves(rng, times, (0.3, 0.8)) for a in (0.04, 0.03, 0.006)], axis=1)
    turns, gains = 0.5 * _waves(rng, times, (0.3, 0.5)), 1 + 0.08 * _waves(rng, times, (0.4, 0.8))
    x = sample_aus(rng, times)
    rest = np.median(x, axis=0)
    y = np.stack([target(own, rest) for own in x])
    neutral = dress(studio.head, studio.vertices([person])[0], person.look)
    images, truth, points, flows = [], [], [], []
    for frame in progress(range(len(times))):
        moment = Shot(
            pose[frame].astype(np.float32), framing[frame].astype(np.float32), shot.gaze,
            _light_at(shot.light, turns[frame], gains[frame]),
        )  # fmt: skip
        scene = Scene(studio.head, neutral, person.look, moment, x[frame], size, supersample)
        noise = np.random.default_rng([seed, NUMBER, number, frame]).normal(0, grain, (size, size, 3))
        for made, aus in ((images, x[frame]), (truth, y[frame])):
            made.append((photograph(scene, aus) + noise).round().clip(0, 255).astype(np.uint8))
        points.append(image_points(scene, np.zeros(N_AUS, np.float32)))
        flow, _, skin = motion(scene, x[frame], y[frame], np.eye(2, 3), size)
        flows.append(np.where(skin[..., None], flow, np.nan))
    return RenderedClip(np.stack(images), np.stack(truth), np.stack(points), x, y, np.stack(flows))
