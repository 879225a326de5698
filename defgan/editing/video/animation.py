"""Animations in GIF, WebP and PNG by Pillow. Their clock is one duration for each frame.

Pillow keeps the frames of a GIF in memory until it is written: `LARGEST` bounds them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence, UnidentifiedImageError

from defgan.editing.image_file import PRODUCT
from defgan.errors import UserError

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
"""File formats that are read and written, by suffix."""
LARGEST = 600_000_000
"""Pixels of all frames of an animation together: 600 MB of a GIF's."""
_DURATION = 0.1
"""Seconds that a frame is shown where the file says 0, as browsers do."""


def is_animation(path: Path) -> bool:
    """Whether a file is an image with more than one frame in one of the formats; False where it cannot be read."""
    if path.suffix.lower() not in (*FORMATS, ".png"):
        return False
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except Exception:  # whoever reads it as a photograph will say what is wrong
        return False


@dataclass(frozen=True)
class AnimationFrame:
    """A frame of an animation; see `Frame`."""

    image: Image.Image  # RGB, or RGBA where the animation is transparent
    time: float
    duration: float  # seconds

    def pixels(self) -> np.ndarray:
        return np.array(self.image.convert("RGB"))

    def edited(self, pixels: np.ndarray) -> "AnimationFrame":
        image = Image.fromarray(pixels)
        if self.image.mode == "RGBA":
            image.putalpha(self.image.getchannel("A"))
        return replace(self, image=image)


class Animation:
    """An animation in a file; see `MovingPicture`. Raises UserError where it cannot be read, or is too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with Image.open(path) as image:
                self.size, self.expected, self._info = image.size, getattr(image, "n_frames", 1), dict(image.info)
        except UnidentifiedImageError:
            raise UserError("not a readable animation") from None
        except OSError as error:
            raise UserError(f"not a readable animation ({error})") from None
        if self.size[0] * self.size[1] * self.expected > LARGEST:
            raise UserError(
                f"{self.expected} frames of {self.size[0]}×{self.size[1]} are too many; make it an .mp4 first"
            )

    def frames(self) -> Iterator[AnimationFrame]:
        time = 0.0
        try:
            with Image.open(self.path) as image:
                for frame in ImageSequence.Iterator(image):
                    frame.load()  # a WebP's duration is known only then
                    duration = frame.info.get("duration", 0) / 1000 or _DURATION
                    transparent = frame.mode in ("RGBA", "LA", "PA") or "transparency" in frame.info
                    yield AnimationFrame(frame.convert("RGBA" if transparent else "RGB"), time, duration)
                    time += duration
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise UserError(f"the animation is broken after {time:.2f} s ({error})") from None

    @contextmanager
    def writer(self, path: Path, note: str, end: float = np.inf) -> Iterator["_AnimationSink"]:
        if path.suffix.lower() not in FORMATS:
            raise UserError(f"an animation is written as {' or '.join(FORMATS)}, not as {path.suffix}")
        sink = _AnimationSink()
        yield sink
        durations = [round(1000 * frame.duration) for frame in sink.frames]
        options = {"save_all": True, "append_images": [frame.image for frame in sink.frames[1:]], "duration": durations}
        file_format = FORMATS[path.suffix.lower()]
        if file_format == "GIF":
            # Each frame has a palette of its own. A GIF without a number of repeats is shown once.
            options |= {"comment": note.encode()[:255], "disposal": 2 if sink.frames[0].image.mode == "RGBA" else 1}
            options |= {"loop": self._info["loop"]} if "loop" in self._info else {}
        else:
            exif = Image.Exif()
            exif[0x0131], exif.get_ifd(0x8769)[0x9286] = PRODUCT, b"ASCII\0\0\0" + note.encode("ascii", "replace")
            options |= {"loop": self._info.get("loop", 0), "exif": exif.tobytes()}
            options |= {"quality": 90, "method": 2} if file_format == "WEBP" else {"default_image": False}
        sink.frames[0].image.save(path, file_format, **options)


class _AnimationSink:
    def __init__(self) -> None:
        self.frames: list[AnimationFrame] = []

    def write(self, frame: AnimationFrame) -> None:
        self.frames.append(frame)
