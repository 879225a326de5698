"""Clips as people bring them: who crosses somebody, goes and comes back; cuts, joined and broken files, 4K."""

import resource
import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image

from defgan.demo.examples import examples
from defgan.editing.targets import make_target
from defgan.editing.video.clip import Clip
from defgan.editing.video.edit import make_plan
from defgan.editing.video.face_tracker import FaceTracker
from defgan.editing.video.timeline import steady
from defgan.errors import UserError
from tests.conftest import ROOT
from tests.editing.video.clips import Memory, pan, write_clip
from tests.editing.video.test_clip import noise

SIDE = 96
HAPPY = steady(make_target("happy"))


@pytest.fixture(scope="module")
def people():
    """Two rendered people, uint8 SIDE×SIDE×3."""
    opened = [Image.open(path).convert("RGB") for path in examples()[:2]]
    return [np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)) for image in opened]


def crossing(front: np.ndarray, behind: np.ndarray, frames: int) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    """Frames in which two heads pass each other, and where both are, x of the middle; the first begins on the left."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    head = np.clip(12 * (1 - np.hypot((x - 0.52) / 0.46, (y - 0.48) / 0.52)), 0, 1)[..., None]
    images, middles = [], []
    for share in np.linspace(0, 1, frames):
        image, places = np.full((SIDE + 16, 3 * SIDE, 3), (90.0, 110.0, 120.0)), (8 + share * 176, 184 - share * 176)
        for face, place in ((behind, places[1]), (front, places[0])):
            part = image[8 : 8 + SIDE, round(place) : round(place) + SIDE]
            part[:] = part * (1 - head) + face * head
        images.append(image.round().astype(np.uint8))
        middles.append(tuple(round(place) + SIDE // 2 for place in places))
    return images, middles


@pytest.mark.parametrize("first", [0, 1])
def test_who_crosses_somebody_keeps_the_number(find, people, first):
    images, middles = crossing(people[first], people[1 - first], 26)
    tracker = FaceTracker(find, rate=1)
    for number, image in enumerate(images):
        tracker.add(number, number / 25, image)
    for track in tracker.tracks:
        for number, points in zip(track.frames, track.points, strict=True):
            own, other = middles[number][track.person], middles[number][1 - track.person]
            # While one hides the other, there is one face.
            assert abs(own - other) < 0.6 * SIDE or abs(points[:, 0].mean() - own) < 0.25 * SIDE, number
    assert {track.person for track in tracker.tracks} == {0, 1}
    seen = {number for track in tracker.tracks if track.person == 0 for number in track.frames}
    assert seen == set(range(26))  # who is in front is never lost


def test_who_goes_and_comes_back_is_the_same_person(editor, face_pixels):
    frames = pan(face_pixels, 20)
    empty = np.full_like(frames[0], 120)
    plan = make_plan(editor, Memory([*frames[:7], *[empty] * 8, *frames[7:]]), HAPPY, 1)
    first, *others = plan.edits
    assert first.track.frames[0] == 0 and others and others[-1].track.frames[-1] == 27
    assert {edit.track.person for edit in plan.edits} == {0}
    shown = {number for edit in plan.edits for number in range(28) if edit.shows(number)}
    assert not shown & set(range(7, 15)) and {0, 27} <= shown


def test_cuts_every_few_frames(editor, people):
    shots = [pan(people[number % 2], 3, step=0.5) for number in range(5)]
    plan = make_plan(editor, Memory([frame for shot in shots for frame in shot]), HAPPY, "all")
    assert plan.shots == [0, 3, 6, 9, 12]
    assert [edit.track.frames for edit in plan.edits] == [[n, n + 1, n + 2] for n in plan.shots]
    assert [edit.track.person for edit in plan.edits] == [0, 1, 0, 1, 0]


def test_a_file_joined_byte_by_byte_is_named(tmp_path):
    once = write_clip(tmp_path / "a.ts", noise(16)).read_bytes()
    (tmp_path / "b.ts").write_bytes(once + once)
    with pytest.raises(UserError, match=r"the clock of the clip jumps back after 0\.60 s; cut it there"):
        list(Clip(tmp_path / "b.ts").frames())


def test_a_download_that_broke_off_is_read_as_far_as_it_goes(tmp_path):
    """With its index in front, as on the web; the index still names the sound and the frames that are missing."""
    path = write_clip(tmp_path / "a.mp4", noise(40, 240, 320), sound="aac")
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "+faststart"}) as web:
        streams = {stream.index: web.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                web.mux(packet)
    content = (tmp_path / "b.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(content[: 2 * len(content) // 3])
    clip = Clip(tmp_path / "b.mp4")
    times = [frame.time for frame in clip.frames()]
    assert clip.expected == 40 and 10 < len(times) < 40
    with clip.writer(tmp_path / "c.mp4", "a note") as sink:
        for frame in clip.frames():
            sink.write(frame)
    assert [frame.time for frame in Clip(tmp_path / "c.mp4").frames()] == pytest.approx(times, abs=1e-3)


@pytest.mark.long
def test_4k_takes_bounded_memory(people, weights, tmp_path):
    large = [np.repeat(np.repeat(frame, 20, axis=0), 20, axis=1) for frame in pan(people[0], 8, (192, 108), 0.2)]
    path = write_clip(tmp_path / "a.mp4", large)
    words = ["edit", path, "-e", "happy", "-o", tmp_path / "b.mp4", "--weights", weights]
    subprocess.run([sys.executable, "-m", "defgan.cli", *map(str, words)], cwd=ROOT, check=True)
    assert len(list(Clip(tmp_path / "b.mp4").frames())) == 8 and Clip(tmp_path / "b.mp4").size == (3840, 2160)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 3_000_000  # kB
