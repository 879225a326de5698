"""Edits a clip or an animation: faces are followed through it, smoothed over time, edited and rendered.

The file is read twice. In the first pass faces are followed and measured; of a frame only its points and AUs stay in
memory. In the second pass the networks see the aligned face `face_tracker.RATE` times per second. Their grid, mask and
texture are averaged over time in the frame of the face, which also gives them for the moments between. While they run,
the frames before are edited and encoded. Only the frames that wait for later ones are in memory, whatever the clip's
length.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from av.error import FFmpegError

from defgan import alignment
from defgan.editing.editor import Editor, Parts
from defgan.editing.eyes import lid_weight
from defgan.editing.face_finder import RIVAL, Face, FaceFinder
from defgan.editing.native import apply_edit, deform_crop
from defgan.editing.video import animation, clip
from defgan.editing.video.animation import Animation
from defgan.editing.video.clip import Clip
from defgan.editing.video.face_tracker import FaceTracker, Track
from defgan.editing.video.frames import Frame, Frames, MovingPicture
from defgan.editing.video.smoothing import REACH, kernel, smooth
from defgan.editing.video.timeline import Course
from defgan.errors import UserError
from defgan.facs import AU_NAMES
from defgan.files import atomic_file

POINTS_SPREAD = 0.10
"""Standard deviation of the smoothing of the crop over time, seconds. The crop need not follow a face to the pixel:
what the networks give is put back where their crop was."""
AUS_SPREAD = 0.08
GRID_SPREAD = 0.04
TEXTURE_SPREAD = 0.1
"""… of the present AUs, of the grid, and of mask and texture. The grid has to keep pace with lips and lids. What is
painted in the face, such as teeth, changes more slowly, and the networks' answers to it are less sure."""
FADE = 0.2
"""Seconds in which the edit of a face comes and goes that appears, is lost or turns aside within a shot."""
SHORTEST = 0.2
"""Seconds for which a face must be followed: what is seen for less is no face, unless its shot is as short."""
TOGETHER = 0.3
"""Seconds for which two people must be seen together before somebody has to choose between them."""
LEAST_SAID = 0.1
"""Seconds of an actor's clip that are left out without a word."""
_CHUNK, _CHUNK_BYTES = 12, 64_000_000  # frames whose faces the networks see together

_LIDS = AU_NAMES.index("AU45")

Choice = str | int | tuple[int, ...]
Progress = Callable[[Iterable, int, str], Iterable]
"""`progress(items, total, word)` wraps the frames of a pass, for a progress bar; a total of 0 is not known."""


@dataclass(frozen=True)
class Summary:
    """What became of a clip."""

    frames: int
    edited: int
    without_face: int  # frames within the time of the edit that stay as they are, because no face in them can be edited
    people: int
    shots: int
    seconds: float  # that the work took
    expected: int  # frames that the file says it has; 0: it does not say
    cut: bool = False  # the clip is cut where the course of the targets ends
    unused: float = 0.0  # seconds of that course for which there are no frames

    def __str__(self) -> str:
        rate = self.frames / max(self.seconds, 1e-9)
        words = [f"{self.edited} of {self.frames} frames edited, {rate:.1f} frames/s"]
        words += [f"{self.without_face} without a face that can be edited stay as they are"] * (self.without_face > 0)
        words += [f"{self.people} people"] * (self.people > 1) + [f"{self.shots} shots"] * (self.shots > 1)
        words += ["cut where the actor's clip ends"] * self.cut
        words += [f"the last {self.unused:.1f} s of the actor's clip are left out"] * (self.unused > LEAST_SAID)
        short = self.expected > self.frames and not self.cut
        return "; ".join(words + [f"the file promised {self.expected} frames: it is cut off"] * short)


def is_moving(path: Path) -> bool:
    """Whether a file is a clip, by its suffix, or an image with more than one frame; a pipe is never opened."""
    return path.is_file() and (path.suffix.lower() in clip.READ or animation.is_animation(path))


def open_moving(path: Path) -> MovingPicture:
    """A clip or an animation; raises UserError where it cannot be read."""
    return Clip(path) if path.suffix.lower() in clip.READ else Animation(path)


def output_suffix(path: Path) -> str:
    """The suffix of the edited file, where the user names none."""
    suffix = path.suffix.lower()
    if suffix in clip.READ:
        return suffix if suffix in clip.ENCODERS else ".mkv"
    return suffix if suffix in animation.FORMATS else ".apng"


def everything(items: Iterable, total: int, word: str) -> Iterable:
    """The `Progress` that shows nothing."""
    return items


def edit_video(
    editor: Editor, path: Path, output: Path, timeline: Course, face: Choice = "only", progress: Progress = everything
) -> Summary:
    """Edit a clip or an animation into a file of its kind, whole or not at all.

    Args:
        face: "only", "largest", "all", a number or several: people are counted from the left where they first appear.

    Raises:
        UserError: the file or the output is none that can be read or written; no face; more than one and no choice.
    """
    started = time.perf_counter()
    picture = open_moving(path)
    writable = clip.ENCODERS if isinstance(picture, Clip) else animation.FORMATS
    if output.suffix.lower() not in writable:
        raise UserError(f"{output}: unknown format for this; use one of {', '.join(writable)}")
    plan = make_plan(editor, picture, timeline, face, progress)
    note = editor.note(f"{timeline.said}{_described(plan.edits)}", "clip")
    try:
        with atomic_file(output) as temporary, picture.writer(temporary, note, timeline.end) as sink:
            edited = render(editor, picture, plan, sink.write, progress)
    except (OSError, FFmpegError) as error:
        raise UserError(f"{output}: cannot be written ({error.strerror or error})") from None
    wanted = sum(timeline.presence(moment) > 0 for moment in plan.times)
    return Summary(
        frames=len(plan.times),
        edited=edited,
        without_face=int(wanted) - edited,
        people=len({edit.track.person for edit in plan.edits}),
        shots=len(plan.shots),
        seconds=time.perf_counter() - started,
        expected=picture.expected,
        cut=plan.cut,
        unused=float(timeline.end - 2 * plan.times[-1] + plan.times[-2:][0]) if np.isfinite(timeline.end) else 0.0,
    )


@dataclass(frozen=True)
class Plan:
    """What the first pass finds: the time of every frame, the first frame of each shot, and the edits of faces.

    `cut`: the file has more frames, after the end of the targets.
    """

    times: np.ndarray
    shots: list[int]
    edits: list["TrackEdit"]
    cut: bool = False


def make_plan(
    editor: Editor, picture: Frames, timeline: Course, face: Choice = "only", progress: Progress = everything
) -> Plan:
    """The first pass: faces are followed, chosen and smoothed; arguments and errors as of `edit_video`."""
    tracker, times, cut = FaceTracker(editor.find), [], False
    with one_thread():
        for number, frame in enumerate(progress(picture.frames(), picture.expected, "Following")):
            if cut := frame.time > timeline.end - 1e-6:
                break
            times.append(frame.time)
            if timeline.presence(frame.time) > 0:
                tracker.add(number, frame.time, frame.pixels())
            else:
                tracker.rest()
    if not times:
        raise UserError("no frame can be decoded")
    times = np.array(times)
    if not any(timeline.presence(moment) > 0 for moment in times):
        raise UserError(f"no frame is edited: the clip ends at {times[-1]:.2f} s")
    chosen = choose(tracker.tracks, tracker.shots, times, face)
    rest = {track.person: _level([t for t in chosen if t.person == track.person]) for track in chosen}
    edits = [
        TrackEdit(editor.find, track, times, tracker.shots, timeline, rest[track.person])
        for track in chosen
        if rest[track.person] is not None
    ]
    if not any(edit.presence.any() for edit in edits):
        raise UserError("no face in this clip can be edited: each is too small, or seen from the side")
    return Plan(times, tracker.shots, edits, cut)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one core: networks as small as MTCNN's lose more by waiting for a second one than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose(tracks: Sequence[Track], shots: Sequence[int], times: np.ndarray, face: Choice) -> list[Track]:
    """The tracks of the chosen people, by number of the first frame.

    "only" leaves out people beside somebody more than twice as large. Raises UserError where nobody is left, and where
    "only" is not clear.
    """
    ends = [*shots[1:], len(times)]
    tracks = [
        track
        for track in tracks
        if track.times[-1] - track.times[0] >= SHORTEST
        or times[ends[track.shot] - 1] - times[shots[track.shot]] < SHORTEST
    ]
    if not tracks:
        raise UserError("no face found; faces must be upright, fully visible and photographed, not drawn")
    people = list(dict.fromkeys(track.person for track in tracks))
    if face == "all":
        return tracks
    if not isinstance(face, str):
        numbers = (face,) if isinstance(face, int) else face
        if max(numbers) > len(people):
            raise UserError(
                f"there is no face {max(numbers)}; {len(people)} found, counted from the left as they appear"
            )
        return [track for track in tracks if track.person in {people[number - 1] for number in numbers}]
    if face == "largest":
        sizes = dict.fromkeys(people, 0.0)
        for track in tracks:
            sizes[track.person] += sum(track.side(position) for position in range(len(track.frames)))
        largest = max(sizes, key=sizes.get)
        return [track for track in tracks if track.person == largest]
    beside = set()
    for one in tracks:
        for other in tracks:
            shared = np.intersect1d(one.frames, other.frames)
            if one.person == other.person or not len(shared) or times[shared[-1]] - times[shared[0]] < TOGETHER:
                continue
            first, second = (track.side(track.frames.index(shared[0])) for track in (one, other))
            if min(first, second) >= RIVAL * max(first, second):
                raise UserError(
                    f"two faces at {times[shared[0]]:.1f} s; choose: --face largest, --face all or --face N, counted "
                    "from the left as they appear"
                )
            beside.add(id(one if first < second else other))
    return [track for track in tracks if id(track) not in beside]


def _level(tracks: Sequence[Track]) -> np.ndarray | None:
    """A person's usual AUs, (17,); None where they were never estimated."""
    aus = np.array([aus for track in tracks for aus in track.aus])
    aus = aus[np.isfinite(aus).all(axis=1)]
    return np.median(aus, axis=0).astype(np.float32) if len(aus) else None


class TrackEdit:
    """The smoothed edit of one face from frame to frame.

    `presence` in [0, 1] says how much of it shows in each of the track's frames.
    """

    def __init__(
        self, find: FaceFinder, track: Track, times: np.ndarray, shots: Sequence[int], timeline: Course,
        rest: np.ndarray,
    ) -> None:  # fmt: skip
        self.track, self.times = track, np.array(track.times)
        points = smooth(self.times, np.array(track.points), POINTS_SPREAD)
        self._transforms = [find.transform(five) for five in points]
        self.points, self._size = points, find.crop_size
        self._key_times = self.times[track.keys]
        x = np.array(track.aus, np.float64)
        known = np.isfinite(x).all(axis=1)
        if known.any():
            x = np.stack([np.interp(self._key_times, self._key_times[known], unit) for unit in x[known].T], axis=1)
            x = smooth(self._key_times, x, AUS_SPREAD).clip(0, 1)
        else:
            x = np.tile(rest, (len(x), 1))
        self.x = x.astype(np.float32)
        self.y = [timeline.vector(t, own, rest) for t, own in zip(self._key_times, self.x, strict=True)]
        self._closed = np.minimum(self.x, np.stack(self.y))[:, _LIDS]
        self.presence = self._fade(times, shots) * [timeline.presence(t) for t in self.times]
        self._keys = {track.frames[position]: row for row, position in enumerate(track.keys)}
        self._positions = {number: position for position, number in enumerate(track.frames)}
        self._grids: dict[int, np.ndarray | None] = {}
        self._masks: dict[int, np.ndarray | None] = {}
        self._painted: dict[int, np.ndarray | None] = {}

    def _fade(self, times: np.ndarray, shots: Sequence[int]) -> np.ndarray:
        """1 where the face can be edited for a while; it falls to 0 where it cannot, and where it comes or goes."""
        absent = [t for i, t in enumerate(self.times) if not self.track.editable(i)]
        first, last = self.track.frames[0], self.track.frames[-1]
        if first not in shots and first > 0:
            absent.append(times[first - 1])
        if last + 1 not in shots and last + 1 < len(times):
            absent.append(times[last + 1])
        if not absent:
            return np.ones(len(self.times))
        return (np.abs(self.times[:, None] - np.array(absent)).min(axis=1) / FADE).clip(0, 1)

    def asks(self, number: int) -> bool:
        """Whether the networks should see the face in a frame."""
        if number not in self._keys:
            return False
        near = np.abs(self.times - self.times[self._positions[number]]) <= REACH * TEXTURE_SPREAD + 1e-6
        return bool(self.presence[near].any())

    def face(self, number: int, pixels: np.ndarray) -> Face:
        """The face in a frame that `asks`, as the networks should see it."""
        position = self._positions[number]
        points, transform = self.points[position], self._transforms[position]
        crop = alignment.crop(pixels, transform, self._size)
        box = np.concatenate([points.min(axis=0), points.max(axis=0)])
        return Face(self.track.person + 1, box, points, transform, crop, self.x[self._keys[number]])

    def wanted(self, number: int) -> np.ndarray:
        """The target AUs of a frame that the networks see."""
        return self.y[self._keys[number]]

    def learn(self, number: int, parts: Parts) -> None:
        """Keep what the networks gave for a frame, for the moments around it."""
        row, masked = self._keys[number], parts.mask is not None
        self._grids[row] = parts.offsets
        self._masks[row] = parts.mask[..., None] if masked else None
        # ℳ ⊙ 𝒯, from ℐ_y − ℐ*_y = ℳ ⊙ (𝒯 − ℐ*_y) of eq. 6.
        deformed = deform_crop(parts.face.crop, parts.offsets)
        self._painted[row] = parts.change + self._masks[row] * deformed if masked else None

    def shows(self, number: int) -> bool:
        """Whether the edit changes a frame."""
        position = self._positions.get(number)
        return position is not None and self.presence[position] > 0

    def render(self, number: int, pixels: np.ndarray) -> np.ndarray:
        """A frame with the face edited; what the networks gave for moments that are past is forgotten."""
        return apply_edit(pixels, *self.fields(number, pixels))

    def fields(self, number: int, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """What `render` applies to a frame: the transform to the crop, the offsets of the grid, the change of colour.

        Mask and texture are averaged, not the change: lips and lids move below them, and the change that hides these at
        one moment shows them at another. No earlier frame can be asked for afterwards.
        """
        position = self._positions[number]
        moment, transform = self.times[position], self._transforms[position]
        offsets = self._mean(self._grids, moment, GRID_SPREAD)
        mask, painted = (self._mean(given, moment, TEXTURE_SPREAD) for given in (self._masks, self._painted))
        change = None
        if mask is not None:
            eyes = alignment.apply(transform, self.points[position][:2])
            closed = np.interp(moment, self._key_times, self._closed)
            change = painted - mask * deform_crop(alignment.crop(pixels, transform, self._size), offsets)
            change *= 1 - lid_weight(eyes, closed, self._size)[..., None]
        share = np.float32(self.presence[position])
        offsets, change = (None if field is None else share * field for field in (offsets, change))
        return transform, offsets, change

    def _mean(self, given: dict[int, np.ndarray | None], moment: float, spread: float) -> np.ndarray | None:
        """The mean around a moment of what the networks gave; what will not be needed any more is forgotten."""
        weights = kernel(self._key_times - moment, spread)
        for row in [row for row in given if self._key_times[row] < moment and not weights[row]]:
            del given[row]
        rows = [row for row in given if weights[row]]
        if given[rows[0]] is None:
            return None
        shares = (weights[rows] / weights[rows].sum()).astype(np.float32)
        return sum(share * given[row] for share, row in zip(shares, rows, strict=True))


def _described(edits: Sequence[TrackEdit]) -> str:
    """What was asked for, in words, for the note in the file."""
    peak = np.max([y for edit in edits for y in edit.y], axis=0)
    aus = ", ".join(f"{name} {value:.2f}" for name, value in zip(AU_NAMES, peak, strict=True) if value >= 0.005)
    return f"largest target action units {aus or 'all 0'}"


def chunks(items: Iterable, size: int) -> Iterator[list]:
    """Lists of `size` items, the last one of what is left."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def render(
    editor: Editor, picture: Frames, plan: Plan, write: Callable[[Frame], None], progress: Progress = everything
) -> int:
    """The second pass: `write` gets every frame, edited or as it is. Returns how many were edited."""
    edits = plan.edits
    size = int(np.clip(_CHUNK_BYTES // (3 * picture.size[0] * picture.size[1]), 1, _CHUNK))
    waiting: deque[tuple[int, Frame]] = deque()
    edited = number = 0

    def flush(until: float) -> int:
        count = 0
        while waiting and waiting[0][1].time < until:
            index, frame = waiting.popleft()
            shown = [edit for edit in edits if edit.shows(index)]
            if shown:
                pixels = frame.pixels()
                for edit in shown:
                    pixels = edit.render(index, pixels)
                frame = frame.edited(pixels)
                count += 1
            write(frame)
        return count

    with ThreadPoolExecutor(1) as networks:
        until = -np.inf
        for chunk in chunks(progress(islice(picture.frames(), len(plan.times)), len(plan.times), "Editing"), size):
            asked = []
            for frame in chunk:
                asked += [(edit, number, edit.face(number, frame.pixels())) for edit in edits if edit.asks(number)]
                waiting.append((number, frame))
                number += 1
            if asked:
                ys = [edit.wanted(index) for edit, index, _ in asked]
                generated = networks.submit(editor.generate_all, [face for *_, face in asked], ys)
            edited += flush(until)
            if asked:
                for (edit, index, _), parts in zip(asked, generated.result(), strict=True):
                    edit.learn(index, parts)
            until = chunk[-1].time - REACH * TEXTURE_SPREAD
    return edited + flush(np.inf)
