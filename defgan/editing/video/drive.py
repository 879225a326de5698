"""The expression of somebody else over time: the AUs of an actor's clip, or of a table of one, become the targets.

They are put onto a clip, by `edit.edit_video`, or onto a photograph, which becomes a clip with the actor's sound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from av.error import FFmpegError

from defgan.editing.editor import Editor, render
from defgan.editing.face_finder import FaceFinder
from defgan.editing.image_file import open_photograph
from defgan.editing.pictures import resized
from defgan.editing.targets import HIGHEST, check_strength
from defgan.editing.video.clip import ENCODERS, Clip, fresh_clip
from defgan.editing.video.edit import (
    AUS_SPREAD,
    Choice,
    Progress,
    choose,
    chunks,
    everything,
    is_moving,
    one_thread,
    open_moving,
)
from defgan.editing.video.face_tracker import FaceTracker
from defgan.editing.video.frames import Frames
from defgan.editing.video.smoothing import smooth
from defgan.errors import UserError
from defgan.extras import how_to_install
from defgan.facs import AU_NAMES
from defgan.files import atomic_file

TABLES = (".csv", ".parquet")
"""Suffixes of the tables that are read."""
RATE = 25.0
"""Frames per second of a table without times; also how often per second at most the AUs of a clip are read."""
AT_REST = 10
"""Percentile of each AU over the actor's clip that counts as that face at rest."""
FULL_HD = 1920
"""Longest side of the clip that is made of a photograph, pixels."""
_NUMBERS = ("timestamp", "time", "frame", "success", "confidence", "face_id", "FaceRectWidth", "FaceRectHeight")
_SEEN = 0.05  # largest intensity of an AU that is not worth a word
_CHUNK = 8  # frames whose faces the networks see together


@dataclass(frozen=True)
class Drive:
    """An actor's AUs over time: a `timeline.Course`. `read_drive` makes it."""

    path: Path  # of the clip or table
    times: np.ndarray  # of N frames, seconds, rising from 0
    aus: np.ndarray  # N×17 in [0, 1], smoothed; NaN throughout for units that the table does not have
    strength: float = 1.0  # as of a target: y = x + α (goal − x)
    relative: bool = False  # what changes in the actor's face is added, rather than its AUs taken
    sound: Clip | None = None  # the clip, whose sound a photograph gets
    remarks: tuple[str, ...] = ()

    @cached_property
    def step(self) -> float:
        """Seconds from one frame to the next, usually."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1 / RATE

    @property
    def end(self) -> float:
        """When the last frame is over, seconds."""
        return float(self.times[-1]) + self.step

    @property
    def ranges(self) -> str:
        """The smallest and the largest value of each AU that was read; those near 0 are left out."""
        words = [
            f"{name} {values.min():.2f}–{values.max():.2f}"
            for name, values in zip(AU_NAMES, self.aus.T, strict=True)
            if values.max() >= _SEEN
        ]
        return ", ".join(words) or "all near 0"

    @property
    def said(self) -> str:
        """See `Course`."""
        return f"driven by {self.path.name} ({self.ranges}{'; relative to that face at rest' * self.relative}); "

    def __str__(self) -> str:
        words = [f"{len(self.times)} frames, {self.end:.1f} s: {self.ranges}", *self.remarks]
        return "; ".join(words)

    @cached_property
    def at_rest(self) -> np.ndarray:
        """The AUs of the actor's face at rest, (17,)."""
        return np.percentile(self.aus, AT_REST, axis=0)

    def vector(self, time: float, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Course`. Relative AUs are added to `rest`, so that the clip's own speech does not mix with the actor's;
        units that were not read stay as in `x`."""
        goal = np.array([np.interp(time, self.times, values) for values in self.aus.T])
        if self.relative:
            goal += rest - self.at_rest
        goal = np.where(np.isnan(goal), x, goal)
        return np.clip(x + self.strength * (goal - x), 0, HIGHEST).astype(np.float32)

    def presence(self, time: float) -> float:
        """See `Course`."""
        return float(self.strength > 0)


def read_drive(
    find: FaceFinder, path: Path, strength: float = 1.0, relative: bool = False, progress: Progress = everything
) -> Drive:
    """The AUs of the largest face in a clip or an animation, or those of a table by OpenFace 2 or Py-Feat.

    Of a table the columns `timestamp` or `time` (seconds), or `frame`, tell the time. With OpenFace's columns, AU01_r
    and so on, intensities are from 0 to 5; else they are from 0 to 1.

    Raises UserError where the file cannot be read or shows no face, and for a strength out of range.
    """
    check_strength(strength)
    try:
        if path.suffix.lower() in TABLES:
            times, aus, remarks = _read_table(path)
            return Drive(path, times, aus, strength, relative, None, remarks)
        if path.exists() and not is_moving(path):
            raise UserError("no clip, and no table in .csv or .parquet; --like takes the expression of a photograph")
        picture = open_moving(path)
        times, aus, remarks = _read_clip(find, picture, progress)
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    return Drive(path, times, aus, strength, relative, picture if isinstance(picture, Clip) else None, remarks)


def _smoothed(times: np.ndarray, aus: np.ndarray, pieces: Sequence[np.ndarray]) -> np.ndarray:
    """AUs of every frame, N×17, of measured ones, N×17 with NaN where nothing was measured.

    `pieces`: rows that are smoothed together. Between them, and around what was measured, the nearest values count.
    """
    result = np.full(aus.shape, np.nan)
    for unit, values in enumerate(aus.T):
        for piece in pieces:
            rows = piece[np.isfinite(values[piece])]
            if len(rows):
                result[rows, unit] = smooth(times[rows], values[rows], AUS_SPREAD)
        known = np.isfinite(result[:, unit])
        if known.any():
            result[:, unit] = np.interp(times, times[known], result[known, unit])
    return result.clip(0, 1)


def _read_clip(find: FaceFinder, picture: Frames, progress: Progress) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    tracker, moments = FaceTracker(find, RATE), []
    with one_thread():
        for number, frame in enumerate(progress(picture.frames(), picture.expected, "Reading the actor")):
            moments.append(frame.time)
            tracker.add(number, frame.time, frame.pixels())
    if not moments:
        raise UserError("no frame can be decoded")
    times = np.array(moments)
    tracks = choose(tracker.tracks, tracker.shots, times, "largest")
    aus, seen = np.full((len(times), len(AU_NAMES)), np.nan), set()
    for track in tracks:
        aus[[track.frames[position] for position in track.keys]] = track.aus
        seen |= set(track.frames)
    if not np.isfinite(aus).any():
        raise UserError("the AUs of no face can be read: each is too small, or seen from the side")
    people, unseen = len({track.person for track in tracker.tracks}), len(times) - len(seen)
    remarks = [f"the largest of {people} faces"] * (people > 1) + [_unseen(unseen, len(times))] * (unseen > 0)
    return times, _smoothed(times, aus, [np.array(track.frames) for track in tracks]), tuple(remarks)


def _unseen(count: int, of: int) -> str:
    return f"no face in {count} of {of} frames, which get what is around them"


def _read_table(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    try:
        from defgan.annotation_tables import au_columns, read_aus, read_numbers, read_table
        from defgan.faces.au_estimators import openface
    except ImportError:  # an installation that only edits
        raise UserError(f"tables need pandas; install what reads them {how_to_install('experiment')}") from None

    frame, remarks = read_table(path), []
    units = au_columns(frame.columns)
    if frame.empty or not units:
        raise UserError("needs rows and columns of action units, such as AU12_r (OpenFace 2) or AU12 (Py-Feat)")
    scale = openface.SCALE if any(column.strip("'\" ").endswith("_r") for column in units.values()) else 1.0
    try:
        numbers = {name: read_numbers(frame, name) for name in _NUMBERS if name in frame}
        aus = read_aus(frame, scale).astype(np.float64)
    except ValueError as error:
        raise UserError(str(error)) from None
    outside = aus[(aus < 0) | (aus > 1)]
    if len(outside):
        raise UserError(
            f"an action unit is {outside[0] * scale:g}; they are from 0 to 5 in OpenFace's columns, "
            "such as AU12_r, else from 0 to 1"
        )
    lost = (numbers.get("success", 1) == 0) | (numbers.get("confidence", 1) < openface.CONFIDENCE)
    aus[np.broadcast_to(lost, len(aus))] = np.nan
    clock = next((name for name in ("timestamp", "time") if name in numbers), None)
    if clock:
        times = numbers[clock]
    else:
        times = numbers.get("frame", np.arange(len(aus), dtype=float)) / RATE
        remarks.append(f"{RATE:g} frames per second, as the table has no column `timestamp` in seconds")
    if not np.isfinite(times).all():
        raise UserError(f"row {int(np.argmin(np.isfinite(times))) + 1} has no time")
    rows = _of_one_face(numbers, times, aus)
    if len(rows) < len(times):
        remarks.append(f"one of several faces, {len(rows)} of {len(times)} rows")
    times, aus = times[rows] - times[rows[0]], aus[rows]
    measured = np.isfinite(aus).any(axis=1)
    if not measured.any():
        raise UserError("no row shows a face that was found with confidence")
    remarks += [_unseen(int((~measured).sum()), len(rows))] * (not measured.all())
    missing = [name for name in AU_NAMES if name not in units]
    remarks += [f"without {', '.join(missing)}, which stay as they are"] * bool(missing)
    return times, _smoothed(times, aus, [np.arange(len(rows))]), tuple(remarks)


def _of_one_face(numbers: Mapping[str, np.ndarray], times: np.ndarray, aus: np.ndarray) -> np.ndarray:
    """Rows at rising times: of the face (`face_id`) that was measured most often; of several rows at one time that
    with the largest face."""
    rows = np.arange(len(times))
    if "face_id" in numbers:
        faces, counts = np.unique(numbers["face_id"][np.isfinite(aus).any(axis=1)], return_counts=True)
        if len(faces):
            rows = rows[numbers["face_id"] == faces[np.argmax(counts)]]
    area = numbers.get("FaceRectWidth", np.ones(len(times))) * numbers.get("FaceRectHeight", 1.0)
    rows = rows[np.lexsort((-np.nan_to_num(area[rows]), times[rows]))]
    return rows[np.diff(times[rows], prepend=-np.inf) > 0]


def drive_photograph(
    editor: Editor, path: Path, output: Path, drive: Drive, face: Choice = "only", progress: Progress = everything
) -> str:
    """Write a clip in which faces of a photograph have the actor's AUs, whole or not at all; what was done, in words.

    The clip has the actor's frame times and sound, and at most `FULL_HD` pixels at its longest side.

    Raises UserError where the photograph cannot be edited or the file cannot be written.
    """
    if output.suffix.lower() not in ENCODERS:
        raise UserError(f"{output}: unknown format for this; use one of {', '.join(ENCODERS)}")
    photograph = open_photograph(path)
    factor = min(1.0, FULL_HD / max(photograph.pixels.shape[:2]))
    faces = [found.within((0, 0), factor) for found in editor.find(photograph.pixels, face)]
    pixels = resized(photograph.pixels, factor)
    height, width = (side // 2 * 2 for side in pixels.shape[:2])  # H.264 stores one colour for 2×2 pixels
    pixels = np.ascontiguousarray(pixels[:height, :width])
    note = editor.note(drive.said.removesuffix("; "), "photograph")
    try:
        with (
            atomic_file(output) as temporary,
            fresh_clip(temporary, (width, height), 1 / drive.step, note, drive.sound) as write,
        ):
            for times in chunks(progress(drive.times, len(drive.times), "Editing"), _CHUNK):
                shown = [found for _ in times for found in faces]
                wanted = [drive.vector(time, found.x, found.x) for time in times for found in faces]
                parts = editor.generate_all(shown, wanted)
                for number, time in enumerate(times):
                    own = parts[number * len(faces) : (number + 1) * len(faces)]
                    write(render(pixels, own), float(time))
    except (OSError, FFmpegError) as error:
        raise UserError(f"{output}: cannot be written ({error.strerror or error})") from None
    return f"{len(drive.times)} frames"
