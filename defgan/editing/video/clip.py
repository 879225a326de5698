"""Clips by FFmpeg's libraries (PyAV): decoded and encoded as a stream, with their clock, sound, rotation and colours.

Frames are edited in RGB, but written as they were stored. A frame keeps the bits of every pixel that the edit leaves
alone: only the others are converted back to YUV.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from defgan.editing.image_file import NOTE, PRODUCT
from defgan.errors import UserError

ENCODERS = {".mp4": "libx264", ".m4v": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}
"""Kinds of files that are written, by suffix; clips in others are written as .mkv, which holds any sound."""
READ = (*ENCODERS, ".avi", ".3gp", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".ogv", ".wmv", ".flv")
"""Suffixes of the files that are read as clips."""
_QUALITY = {"libx264": {"crf": "17", "preset": "fast"}, "libvpx-vp9": {"crf": "24", "b": "0", "cpu-used": "4"}}
FRESH = {"crf": "18"}
"""Quality of clips that are made from photographs."""
_CLOCK = Fraction(1, 90_000)  # seconds; the usual frame rates are whole numbers of these
_BACK = 0.5  # seconds; files that were joined byte by byte begin anew
_EIGHT_BIT = ("yuv420p", "yuv422p", "yuv444p")
# What an encoder takes as it is stored; other frames are converted to the nearest of these.
_KEPT = {"libx264": (*_EIGHT_BIT, "yuvj420p", "yuvj422p", "yuvj444p", "yuv420p10le"), "libvpx-vp9": _EIGHT_BIT}
_HD = 720
"""Frames of at least so many rows that do not name their colour matrix have BT.709's, smaller ones BT.601's."""
_MATRICES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M}
_MATRICES |= {9: Colorspace.BT2020, 10: Colorspace.BT2020}
_TAGS = ("colorspace", "color_range", "color_primaries", "color_trc")
_FRESH_TAGS = (1, int(ColorRange.MPEG), 1, 1)  # BT.709: a player need not guess
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")


def is_edited_clip(path: Path) -> bool:
    """Whether a clip carries this project's note; False where it cannot be read."""
    if path.suffix.lower() not in READ or not path.is_file():
        return False
    try:
        with av.open(str(path)) as container:
            texts = {key.lower(): text for key, text in container.metadata.items()}
    except (av.FFmpegError, OSError):  # `Clip` will say what is wrong
        return False
    return NOTE in texts.get("comment", "")


def _colours(stored: VideoFrame) -> tuple[int, int]:
    """The matrix between YUV and RGB and the range of values, as PyAV numbers them."""
    guess = Colorspace.ITU709 if stored.height >= _HD else Colorspace.ITU601
    full = stored.color_range == ColorRange.JPEG or stored.format.name.startswith("yuvj")
    return int(_MATRICES.get(stored.colorspace, guess)), int(ColorRange.JPEG if full else ColorRange.MPEG)


def _to_rgb(stored: VideoFrame) -> np.ndarray:
    matrix, values = _colours(stored)
    rgb = stored.reformat(
        format="rgb24", src_colorspace=matrix, src_color_range=values, dst_color_range=int(ColorRange.JPEG), threads=1
    )
    return rgb.to_ndarray()


def _to_yuv(rgb: np.ndarray, pixel_format: str, like: VideoFrame) -> VideoFrame:
    """An RGB image in YUV, with the time and the colours of another frame."""
    matrix, values = _colours(like)
    yuv = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24").reformat(
        format=pixel_format, src_color_range=int(ColorRange.JPEG), dst_colorspace=matrix, dst_color_range=values,
        threads=1,
    )  # fmt: skip
    return _tagged(yuv, like)


def _tagged(frame: VideoFrame, like: VideoFrame) -> VideoFrame:
    frame.pts, frame.time_base = like.pts, like.time_base
    for tag in _TAGS:
        setattr(frame, tag, getattr(like, tag))
    return frame


def _nearest(pixel_format: str, encoder: str) -> str:
    """The format in which an encoder takes frames of another one."""
    if pixel_format in _KEPT[encoder]:
        return pixel_format
    return next((kept for kept in _KEPT[encoder] if kept[3:6] in pixel_format and "yuv" in pixel_format), "yuv420p")


def _values(plane: VideoPlane, pixel_format: str) -> np.ndarray:
    """A plane's values, uint8 or uint16 height×width; they share its memory."""
    rows = np.frombuffer(plane, np.uint16 if "10" in pixel_format else np.uint8).reshape(plane.height, -1)
    return rows[:, : plane.width]


@dataclass(frozen=True)
class ClipFrame:
    """A frame of a clip, stored in planes of YUV; see `Frame`."""

    stored: VideoFrame
    time: float
    turns: int  # quarter turns counter-clockwise that bring it upright

    def pixels(self) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(_to_rgb(self.stored), self.turns))

    def edited(self, pixels: np.ndarray) -> "ClipFrame":
        stored, name = self.stored, self.stored.format.name
        as_stored = np.rot90(pixels, -self.turns)
        # 255 where no channel differs.
        same = cv2.inRange(cv2.absdiff(as_stored, _to_rgb(stored)), (0, 0, 0), (0, 0, 0))
        new, out = _to_yuv(as_stored, name, stored), VideoFrame(stored.width, stored.height, name)
        for old, fresh, plane in zip(stored.planes, new.planes, out.planes, strict=True):
            # A value of colour stands for up to 2×2 pixels: it changes where one of them does.
            size = (plane.width, plane.height)
            part = same if size == same.shape[::-1] else cv2.resize(same, size, interpolation=cv2.INTER_AREA)
            _values(plane, name)[:] = np.where(part < 255, _values(fresh, name), _values(old, name))
        return replace(self, stored=_tagged(out, stored))


class Clip:
    """A clip in a file; see `MovingPicture`.

    Raises UserError, whose message leaves out the file's name, where it is no clip or holds no frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise UserError("no moving picture in this file")
                stream = container.streams.video[0]
                self.expected, self._rate, self._aspect = stream.frames, stream.average_rate, stream.sample_aspect_ratio
                self._metadata = dict(container.metadata)
                first = next(container.decode(stream), None)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise UserError(f"not a readable clip ({_words(error)}); is the file whole?") from None
        if first is None:
            raise UserError("the clip has no frames")
        self._shape, self._turns = (first.width, first.height), round(first.rotation / 90) % 4
        self._first = self._plain(first)
        self.origin = 0.0 if first.pts is None else float(first.pts * first.time_base)
        width, height = self._first.width, self._first.height
        self.size = (height, width) if self._turns % 2 else (width, height)

    def frames(self) -> Iterator[ClipFrame]:
        time = 0.0
        with av.open(str(self.path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            try:
                for number, stored in enumerate(container.decode(video=0)):
                    if stored.pts is None:  # a file without a clock
                        stored.pts, stored.time_base = number, 1 / Fraction(self._rate or 25)
                    before, time = time, float(stored.pts * stored.time_base) - self.origin
                    if time < before - _BACK:
                        raise UserError(f"the clock of the clip jumps back after {before:.2f} s; cut it there")
                    if (stored.width, stored.height) != self._shape:
                        raise UserError(f"the frames change their size after {time:.2f} s; cut the clip there")
                    yield ClipFrame(self._plain(stored), time, self._turns)
            except av.FFmpegError as error:
                raise UserError(f"the clip is broken after {time:.2f} s ({_words(error)}); cut it there") from None

    def _plain(self, stored: VideoFrame) -> VideoFrame:
        """The frame in planes that can be edited, with even sides: H.264 stores one colour for 2×2 pixels."""
        name = _nearest(stored.format.name, "libx264")
        if stored.width % 2 or stored.height % 2:
            rgb = _to_rgb(stored)
            return _to_yuv(rgb[: stored.height // 2 * 2, : stored.width // 2 * 2], name, stored)
        if name == stored.format.name:
            return stored
        matrix, values = _colours(stored)
        plain = stored.reformat(
            format=name, src_colorspace=matrix, dst_colorspace=matrix, src_color_range=values, dst_color_range=values,
            threads=1,
        )  # fmt: skip
        return _tagged(plain, stored)

    @contextmanager
    def writer(self, path: Path, note: str, end: float = np.inf) -> Iterator["_ClipSink"]:
        encoder, first = ENCODERS[path.suffix.lower()], self._first
        with _create(path) as output, av.open(str(self.path)) as source:
            output.metadata.update({key: text for key, text in self._metadata.items() if key not in _OF_THE_FILE})
            before = self._metadata.get("comment")
            output.metadata.update(comment=f"{before}; {note}" if before else note, encoding_tool=PRODUCT)
            stream = output.add_stream(encoder, rate=self._rate or 25, options=_QUALITY[encoder])
            stream.width, stream.height = first.width, first.height
            stream.pix_fmt = _nearest(first.format.name, encoder)
            stream.codec_context.time_base = first.time_base or 1 / Fraction(self._rate or 25)
            if self._aspect:
                stream.codec_context.sample_aspect_ratio = self._aspect
            for tag in _TAGS:
                setattr(stream.codec_context, tag, getattr(first, tag))
            if self._turns:
                stream.set_display_rotation(90.0 * self._turns)
            sink = _ClipSink(output, stream, source, self.origin)
            yield sink
            sink.finish(end)


@contextmanager
def fresh_clip(
    path: Path, size: tuple[int, int], rate: float, note: str, sound: Clip | None = None
) -> Iterator[Callable[[np.ndarray, float], None]]:
    """A clip of pictures that are in no clip yet: `write(pixels, time)` encodes each, in their order.

    Args:
        path: its suffix is in `ENCODERS`; the caller makes it whole.
        size: width and height, both even.
        rate: frames per second, about; what counts are the times, in seconds.
        note: goes into the metadata.
        sound: a clip whose sound is copied.

    Raises UserError where the format of `path` cannot hold that sound.
    """
    encoder = ENCODERS[path.suffix.lower()]
    with ExitStack() as stack:
        output = stack.enter_context(_create(path))
        output.metadata.update(comment=note, encoding_tool=PRODUCT)
        stream = output.add_stream(
            encoder, rate=Fraction(rate).limit_denominator(1001), options=_QUALITY[encoder] | FRESH
        )
        stream.width, stream.height = size
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", _CLOCK
        origin, source = 0.0, None
        if sound is not None:
            origin, source = sound.origin, stack.enter_context(av.open(str(sound.path)))
        sink = _ClipSink(output, stream, source, origin)
        tags = VideoFrame(*size, "yuv420p")
        for tag, value in zip(_TAGS, _FRESH_TAGS, strict=True):
            setattr(tags, tag, value)
            setattr(stream.codec_context, tag, value)

        def write(pixels: np.ndarray, time: float) -> None:
            tags.pts, tags.time_base = round((origin + time) / _CLOCK), _CLOCK
            sink.write(ClipFrame(_to_yuv(pixels, "yuv420p", tags), time, 0))

        yield write
        sink.finish()


def _create(path: Path) -> OutputContainer:
    quick = path.suffix.lower() in (".mp4", ".m4v", ".mov")
    return av.open(str(path), "w", options={"movflags": "+faststart"} if quick else {})


class _ClipSink:
    """Encodes frames and copies the packets of a source's sound between them.

    `origin`: the source's time, seconds, at which the frames begin. Raises UserError where the output cannot hold the
    sound.
    """

    def __init__(
        self, output: OutputContainer, stream: VideoStream, source: InputContainer | None, origin: float
    ) -> None:
        self._output, self._stream, self._origin = output, stream, origin
        self._waiting, self._last, self._sounds = None, None, {}
        for heard in source.streams.audio if source else ():
            if heard.codec_context.name not in output.supported_codecs:
                raise UserError(
                    f"{Path(output.name).suffix} cannot hold sound in {heard.codec_context.name};"
                    " name an --output in .mkv"
                )
            self._sounds[heard.index] = output.add_stream_from_template(heard)
        self._packets = source.demux(*source.streams.audio) if self._sounds else iter(())

    def write(self, frame: ClipFrame) -> None:
        stored = frame.stored
        if self._last is not None and stored.pts <= self._last:
            return  # of two frames at one time the second would never be seen
        self._last = stored.pts
        self._copy_sound(frame.time)
        if stored.format.name != self._stream.pix_fmt:
            stored = _to_yuv(_to_rgb(stored), self._stream.pix_fmt, stored)
        stored.pict_type = 0  # the encoder decides which frames stand alone
        self._output.mux(self._stream.encode(stored))

    def _copy_sound(self, until: float) -> None:
        while (packet := self._waiting or next(self._packets, None)) is not None:
            self._waiting = None
            if packet.dts is None:  # the mark of the end
                continue
            if float(packet.dts * packet.time_base) - self._origin > until:
                self._waiting = packet
                return
            packet.stream = self._sounds[packet.stream_index]
            self._output.mux(packet)

    def finish(self, end: float = np.inf) -> None:
        """Write what is left; the sound up to `end`, seconds."""
        self._output.mux(self._stream.encode(None))
        self._copy_sound(end)


def _words(error: Exception) -> str:
    """What FFmpeg says, without its number and the file's name."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
