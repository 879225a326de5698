"""Small clips that tests make: the camera pans over a rendered person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame


def pan(face: np.ndarray, frames: int, size: tuple[int, int] = (128, 96), step: float = 0.5) -> list[np.ndarray]:
    """Frames, uint8 h×w×3 of `size` (w, h), of a photograph that moves to the right by `step` pixels a frame."""
    width, height = size
    scale = height / face.shape[0]
    made = []
    for number in range(frames):
        shift = (width - face.shape[1] * scale) / 2 + step * (number - frames / 2)
        matrix = np.array([[scale, 0, shift], [0, scale, 0]])
        small = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix[:, :2] = np.eye(2)
        made.append(cv2.warpAffine(small, matrix, size, borderMode=cv2.BORDER_REPLICATE))
    return made


def write_clip(
    path: Path, frames: Sequence[np.ndarray], times: Sequence[float] | None = None, rate: int = 25, sound: str = "",
    rotation: int = 0, full_range: bool = False,
) -> Path:  # fmt: skip
    """A clip of frames shown at `times`, seconds, by default `rate` per second; `sound`: the codec of a tone."""
    times = [n / rate for n in range(len(frames))] if times is None else times
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=rate, options={"crf": "10", "preset": "ultrafast"})
        height, width = frames[0].shape[:2] if frames else (96, 128)
        video.width, video.height = width, height
        video.pix_fmt = "yuvj420p" if full_range else "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            video.set_display_rotation(float(rotation))
        heard = output.add_stream(sound, rate=48000) if sound else None
        output.metadata["title"] = "a pan"
        for pixels, time in zip(frames, times, strict=True):
            frame = VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if heard is not None:
            tone = np.sin(np.arange(round(48000 * (times[-1] + 1 / rate))) / 10).astype(np.float32)[None] * 0.1
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, 0
            output.mux(heard.encode(frame))
            output.mux(heard.encode(None))
    return path


@dataclass(frozen=True, eq=False)
class MemoryFrame:
    """A `Frame` in memory."""

    time: float
    image: np.ndarray

    def pixels(self) -> np.ndarray:
        return self.image

    def edited(self, pixels: np.ndarray) -> "MemoryFrame":
        return MemoryFrame(self.time, pixels)


class Memory:
    """`Frames` in memory, 25 per second."""

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self._images = images
        self.size, self.expected = images[0].shape[1::-1], len(images)

    def frames(self) -> Iterator[MemoryFrame]:
        for number, image in enumerate(self._images):
            yield MemoryFrame(number / 25, image)
