"""What clips and animations share: frames one by one, and a file that frames are written to."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import numpy as np


class Frame(Protocol):
    """One frame as it was decoded, at `time`, seconds after the first one."""

    time: float

    def pixels(self) -> np.ndarray:
        """The frame upright, uint8 H×W×3, RGB."""
        ...

    def edited(self, pixels: np.ndarray) -> "Frame":
        """The frame with other pixels; where they are those of `pixels`, it keeps its bits as they are stored."""
        ...


class Sink(Protocol):
    """A file that frames are written to, in their order."""

    def write(self, frame: Frame) -> None:
        """Encode a frame."""
        ...


class Frames(Protocol):
    """Frames that can be read again and again.

    `size`: width and height of the upright frames, pixels; `expected`: how many the file says that it has, 0 where it
    does not say.
    """

    size: tuple[int, int]
    expected: int

    def frames(self) -> Iterator[Frame]:
        """All frames from the first, decoded one at a time; each call begins anew.

        Raises UserError, with the time, where the file is broken.
        """
        ...


class MovingPicture(Frames, Protocol):
    """A clip or an animation in a file."""

    def writer(self, path: Path, note: str, end: float = np.inf) -> AbstractContextManager[Sink]:
        """A file at `path` with this one's clock, sound and metadata, and a note; the caller makes it whole.

        The sound is left out from `end` on, seconds.

        Raises UserError where the format of `path` cannot hold these.
        """
        ...
