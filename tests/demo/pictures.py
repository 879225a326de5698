"""A group for the tests of the page."""

import numpy as np
from PIL import Image

from defgan.demo.examples import examples


def two_faces() -> np.ndarray:
    """The first two example faces beside each other, uint8 256×512×3."""
    return np.hstack([np.asarray(Image.open(path).convert("RGB").resize((256, 256))) for path in examples()[:2]])
