"""Clips and animations in files: what they keep."""

import av
import numpy as np
import pytest
from PIL import Image

from defgan.editing.video.animation import Animation, is_animation
from defgan.editing.video.clip import Clip, is_edited_clip
from defgan.errors import UserError
from tests.editing.video.clips import write_clip

UNEVEN = [0.0, 0.04, 0.1, 0.14, 0.3, 0.34, 0.5]


def noise(frames: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Smooth coloured frames."""
    rng = np.random.default_rng(0)
    small = [Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8)) for _ in range(frames)]
    return [np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)) for image in small]


def packets(path, kind="audio"):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(*getattr(container.streams, kind)) if packet.size]


def values(plane):
    """A plane's values, uint8 height×width, without what pads its rows."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]


def copied(source, target):
    """Write every frame of a clip as it is."""
    with source.writer(target, "a note") as sink:
        for frame in source.frames():
            sink.write(frame)
    return target


def test_clock_sound_and_metadata_are_kept(tmp_path):
    path = write_clip(tmp_path / "a.mp4", noise(7), UNEVEN, sound="aac")
    clip = Clip(path)
    assert (clip.size, clip.expected) == ((64, 48), 7)
    again = copied(clip, tmp_path / "b.mp4")
    assert [frame.time for frame in Clip(again).frames()] == pytest.approx(UNEVEN, abs=1e-3)
    assert packets(again) == packets(path)
    with av.open(str(again)) as container:
        assert container.metadata["title"] == "a pan"
        assert container.metadata["comment"] == "a note"
    for kept, made in zip(clip.frames(), Clip(again).frames(), strict=True):
        assert np.abs(kept.pixels().astype(int) - made.pixels()).mean() < 3


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_other_containers(tmp_path, suffix):
    path = write_clip(tmp_path / "a.mkv", noise(5), sound="libopus")
    again = copied(Clip(path), tmp_path / f"b{suffix}")
    assert packets(again) == packets(path)
    assert len(list(Clip(again).frames())) == 5


def test_sound_that_a_container_cannot_hold(tmp_path):
    path = write_clip(tmp_path / "a.mp4", noise(3), sound="aac")
    with pytest.raises(UserError, match=r"\.webm cannot hold sound in aac; name an --output in \.mkv"):
        copied(Clip(path), tmp_path / "b.webm")


@pytest.mark.parametrize("full_range", [False, True])
def test_an_edit_keeps_the_bits_of_what_it_leaves_alone(tmp_path, full_range):
    path = write_clip(tmp_path / "a.mp4", noise(2), full_range=full_range)
    frame = next(Clip(path).frames())
    pixels = frame.pixels()
    same = frame.edited(pixels)
    changed = pixels.copy()
    changed[10:20, 30:40] = (250, 40, 40)
    edited = frame.edited(changed)
    for old, kept, new in zip(*(map(values, f.stored.planes) for f in (frame, same, edited)), strict=True):
        assert (kept == old).all()
        half = 48 // len(old)
        inside = np.zeros(old.shape, bool)
        inside[10 // half : 20 // half, 30 // half : 40 // half] = True
        assert (old[~inside] == new[~inside]).all()
    # Range and matrix on the way back are those on the way there.
    assert np.abs(edited.pixels()[12:18, 32:38].astype(int) - (250, 40, 40)).max() < 5


def test_colours_and_rotation_are_told_to_the_player(tmp_path):
    path = write_clip(tmp_path / "a.mp4", noise(3), rotation=90, full_range=True)
    clip = Clip(path)
    assert clip.size == (48, 64)
    frames = list(clip.frames())
    assert frames[0].pixels().shape == (64, 48, 3)
    turned = frames[0].pixels().copy()
    turned[:10, :10] = 0  # above, left, as it is seen
    assert np.abs(frames[0].edited(turned).pixels()[:8, :8].astype(int)).max() < 12
    again = copied(clip, tmp_path / "b.mp4")
    with av.open(str(again)) as container:
        first = next(container.decode(video=0))
        assert (first.width, first.height, first.rotation % 360) == (64, 48, 90)
        assert first.color_range == 2
    assert Clip(again).size == (48, 64)


def test_odd_sides_lose_a_row(tmp_path):
    frames = [np.ascontiguousarray(frame[:47, :63]) for frame in noise(2)]
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 63, 47, "bgr0"
        for pixels in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        output.mux(stream.encode(None))
    clip = Clip(tmp_path / "a.mkv")
    assert clip.size == (62, 46)
    made = list(Clip(copied(clip, tmp_path / "b.mkv")).frames())
    assert np.abs(made[0].pixels().astype(int) - frames[0][:46, :62]).mean() < 8


def test_files_that_are_no_clips(tmp_path):
    whole = write_clip(tmp_path / "a.mp4", noise(5)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no clip")
    write_clip(tmp_path / "none.mkv", [])
    for name in ("cut.mp4", "empty.mp4", "text.mp4", "none.mkv", "not_there.mp4"):
        with pytest.raises(UserError) as problem:
            Clip(tmp_path / name)
        assert "\n" not in str(problem.value) and "[Errno" not in str(problem.value), name


def test_an_edited_clip_is_known(tmp_path, editor):
    clip = Clip(write_clip(tmp_path / "a.mp4", noise(2)))
    with clip.writer(tmp_path / "b.mp4", editor.note("happy", "clip")) as sink:
        sink.write(next(clip.frames()))
    assert [is_edited_clip(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4", "c.txt")] == [
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_animations_keep_their_clock(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    images = [Image.fromarray(frame) for frame in noise(4)]
    file_format = {".apng": "PNG"}.get(suffix, suffix[1:].upper())
    images[0].save(path, file_format, save_all=True, append_images=images[1:], duration=[100, 60, 200, 40], loop=0)
    assert is_animation(path)
    animation = Animation(path)
    assert [frame.time for frame in animation.frames()] == pytest.approx([0, 0.1, 0.16, 0.36])
    again = Animation(copied(animation, tmp_path / f"b{suffix}"))
    assert [frame.duration for frame in again.frames()] == pytest.approx([0.1, 0.06, 0.2, 0.04])
    for before, after in zip(animation.frames(), again.frames(), strict=True):
        assert np.abs(before.pixels().astype(int) - after.pixels()).mean() < 4
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.info["loop"] == 0


def test_a_photograph_is_no_animation(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    (tmp_path / "b.gif").write_bytes(b"GIF89a")
    assert not is_animation(tmp_path / "a.gif")
    assert not is_animation(tmp_path / "b.gif")
