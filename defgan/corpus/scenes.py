"""The corpus on disk and its truth: scenes are kept, so that any face can be rendered under other action units.

A role is a directory of `images/*.png`, `annotations.parquet`, `scenes.npz` (what each photograph shows)
and `head.npz` (the shared head).
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import csr_matrix

from defgan.alignment import POINT_COLUMNS, apply, crop, invert
from defgan.corpus.appearance import Look
from defgan.corpus.head import SKIN, Head
from defgan.corpus.renderer import CAMERA_DISTANCE, Camera, Renderer, unpack, variety_of
from defgan.corpus.sampling import Shot
from defgan.errors import MissingInputError
from defgan.facs import AU_NAMES
from defgan.pixels import tile

Progress = Callable[[Iterable, int], Iterable]
"""Wraps an iterable of known length, for a progress bar."""

_BUILD = ("build_data", "build_indices", "build_indptr", "build_shape")


def no_progress(items: Iterable, total: int) -> Iterable:
    """The items as they are."""
    return items


@dataclass(frozen=True)
class Scene:
    """One photograph of the corpus, ready to be rendered again.

    `neutral` float32 V×3: the subject's vertices, hair included, with a neutral face; `look` and `shot` as sampled;
    `aus` (17,) as photographed; `size` side of the photograph in pixels; `supersample` rays per pixel and axis.
    """

    head: Head
    neutral: np.ndarray
    look: np.ndarray
    shot: Shot
    aus: np.ndarray
    size: int
    supersample: int

    @cached_property
    def camera(self) -> Camera:
        """The camera: it is framed on the neutral face, so no expression changes it."""
        points, average = five_points(self.neutral, self.head), five_points(self.head.canonical, self.head)
        ratio = np.mean([_length(points, pair) / _length(average, pair) for pair in ((0, 1), (0, 3), (1, 4))])
        yaw, pitch, roll = np.radians(self.shot.pose.astype(np.float64))
        cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
        about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
        x, y, span = map(float, self.shot.framing)
        return Camera(about_y @ about_x @ about_z, points[:2].mean(axis=0), (x, y), span * float(ratio))

    @cached_property
    def gaze(self) -> np.ndarray:
        """The head-space point that the eyes look at: at or near the camera, within the angles of `_GAZE_LIMIT`."""
        right, away, up = self.camera.rotation
        x, z = np.tan(np.radians(self.shot.gaze.astype(np.float64))) * CAMERA_DISTANCE
        x, y, z = -CAMERA_DISTANCE * away + x * right + z * up
        x = np.clip(x, y * _GAZE_LIMIT[0], -y * _GAZE_LIMIT[0])
        z = np.clip(z, y * _GAZE_LIMIT[1], -y * _GAZE_LIMIT[1])
        return self.camera.target + np.array([x, y, z])


_GAZE_LIMIT = np.tan(np.radians([20.0, 7.0]))
"""Tangents of the largest angles of the eyes, sideways and up or down."""


def _length(points: np.ndarray, pair: tuple[int, int]) -> float:
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))


def five_points(vertices: np.ndarray, head: Head) -> np.ndarray:
    """The five points in head space, float64 5×3."""
    return vertices[head.points].astype(np.float64).mean(axis=1)


def dress(head: Head, anny: np.ndarray, look: np.ndarray) -> np.ndarray:
    """A subject's neutral vertices with hair, float32 V×3, from anny's vertices and the packed `Look`."""
    style, variety = unpack(Look, look), variety_of(look)
    vertices = head.dressed(anny, style.volume, style.fringe, style.waves, style.seed, variety.fringe_hugs > 0)
    return head.seat_teeth(vertices, variety.tooth_drop) if variety.own_teeth else vertices


def image_points(scene: Scene, aus: np.ndarray) -> np.ndarray:
    """The five points in the photograph under AU intensities (17,), pixels, float64 5×2."""
    moved = scene.head.displaced(scene.neutral, aus)
    return scene.camera.screen(five_points(moved, scene.head), scene.size)[0]


_renderers: dict[int, tuple[Head, Renderer]] = {}


def renderer_of(head: Head) -> Renderer:
    """This process's renderer of a head."""
    if id(head) not in _renderers:
        _renderers.clear()
        _renderers[id(head)] = (head, Renderer(head))
    return _renderers[id(head)][1]


def photograph(scene: Scene, aus: np.ndarray) -> np.ndarray:
    """The photograph of a scene under AU intensities (17,), uint8 size×size×3."""
    return renderer_of(scene.head).render(
        scene.head.displaced(scene.neutral, aus), aus, scene.look, scene.shot.light, scene.camera, scene.gaze,
        scene.size, scene.supersample,
    )  # fmt: skip


_SEEN = 0.003
"""A point is visible if the nearest surface on its ray is at most this far from it, metres."""


def motion(
    scene: Scene, aus_from: np.ndarray, aus_to: np.ndarray, transform: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The true 2D motion between two expressions of a scene, in a crop.

    `transform` (2×3) takes photograph pixels to the pixels of a crop of side `size`. Returns three arrays:

    - the backward flow, float32 size×size×2 (x, y in crop pixels): the point at pixel p of the image under `aus_to` was
      at p + flow[p] in the image under `aus_from`;
    - where the flow is valid, bool size×size: where the point is visible in both images, and on the still background;
      a frame of glasses stands still, and what it hides is not visible;
    - where it is valid and on skin, with lips and brows, bool size×size.
    """
    head, renderer = scene.head, renderer_of(scene.head)
    before, after = head.displaced(scene.neutral, aus_from), head.displaced(scene.neutral, aus_to)

    def in_crop(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        xy, nearness = scene.camera.screen(points, scene.size)
        return apply(transform, xy), nearness

    xy_after, near_after = in_crop(after)
    face, near = renderer.visible(xy_after, near_after, scene.look, size)
    finer = 2
    xy_before, near_before = in_crop(before)
    face_before, depth_before = renderer.visible(xy_before * finer, near_before, scene.look, size * finer)

    flow = np.zeros((size, size, 2), dtype=np.float32)
    valid = face_before[::finer, ::finer] < 0
    rows, columns = np.nonzero(face >= 0)
    corners = head.faces[face[rows, columns]]
    pixel = np.stack([columns + 0.5, rows + 0.5], axis=1)
    weights = _weights(xy_after[corners], pixel) * near_after[corners]
    weights /= weights.sum(axis=1, keepdims=True)
    xy, nearness = in_crop(np.einsum("nk,nkd->nd", weights, before[corners].astype(np.float64)))
    flow[rows, columns] = xy - pixel
    column, row = np.clip((xy * finer).astype(int), 0, size * finer - 1).T
    apart = np.abs(1 / np.maximum(depth_before[row, column], 1e-6) - 1 / nearness)
    inside = ((xy >= 0) & (xy < size)).all(axis=1)
    valid[rows, columns] = inside & (apart < _SEEN)
    skin = np.zeros_like(valid)

    def framed(vertices: np.ndarray, xy: np.ndarray, nearness: np.ndarray) -> np.ndarray:
        photographed = apply(invert(transform), xy)
        return renderer.framed(vertices, scene.look, scene.camera, photographed, nearness, scene.size)

    valid[rows, columns] &= ~framed(before, xy, nearness)
    skin[rows, columns] = valid[rows, columns] & (head.material[face[rows, columns]] == SKIN)
    pixels = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2) + 0.5
    frame = framed(after, pixels, near.ravel()).reshape(size, size)
    flow[frame], valid[frame], skin[frame] = 0, True, False
    return flow, valid, skin


def _weights(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Barycentric weights (N×3) of points (N×2) in triangles (N×3×2)."""
    a, b, c = triangles.transpose(1, 0, 2)
    ab, ac, ap = (b - a).T, (c - a).T, (points - a).T
    area = ab[0] * ac[1] - ab[1] * ac[0]
    v = (ap[0] * ac[1] - ap[1] * ac[0]) / area
    w = (ab[0] * ap[1] - ab[1] * ap[0]) / area
    return np.stack([1 - v - w, v, w], axis=1)


# --- many scenes in parallel

_shared_head: Head | None = None


def _start_worker(head: Head) -> None:
    global _shared_head
    _shared_head = head


def _in_worker(function: Callable, scene_arguments: tuple) -> object:
    return function(_shared_head, *scene_arguments)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


Run = Callable[[Callable, Sequence[tuple]], Iterator]
"""`run(function, arguments)`: `function(head, *item)` of each item, in order."""


@contextmanager
def crew(head: Head, workers: int) -> Iterator[Run]:
    """Processes that share a head; with one worker everything runs in this process."""
    if workers == 1:
        yield lambda function, arguments: (function(head, *item) for item in arguments)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(head,)) as pool:
        yield lambda function, arguments: pool.map(_in_worker, repeat(function), arguments)


def _edit_scene(scene: Scene, aus: np.ndarray, transforms: np.ndarray, size: int) -> list[np.ndarray]:
    """The crops of one scene under other AUs."""
    return [crop(photograph(scene, target), transform, size) for target, transform in zip(aus, transforms, strict=True)]


def _move_scene(scene: Scene, aus: np.ndarray, transforms: np.ndarray, size: int) -> list[np.ndarray]:
    """The motion of one scene's skin from its own AUs to others."""
    moved = []
    for target, transform in zip(aus, transforms, strict=True):
        flow, _, skin = motion(scene, scene.aus, target, transform, size)
        moved.append(np.where(skin[..., None], flow, np.nan).astype(np.float16))
    return moved


def _of_scene(head: Head, function: Callable, fixed: tuple, *arguments: object) -> list[np.ndarray]:
    """In a worker: `function` of a scene, whose head the worker has already."""
    return function(Scene(head, *fixed), *arguments)


def _per_scene(
    function: Callable, scenes: Sequence[Scene], aus: np.ndarray, transforms: np.ndarray, size: int,
    workers: int | None, progress: Progress,
) -> list[np.ndarray]:  # fmt: skip
    """`function` of every scene with all its rows, in parallel; the results are in the order of the rows."""
    assert len(scenes) == len(aus) == len(transforms)
    rows_of: dict[int, list[int]] = {}
    for row, scene in enumerate(scenes):
        rows_of.setdefault(id(scene), []).append(row)
    groups = list(rows_of.values())
    jobs = []
    for rows in groups:
        scene = scenes[rows[0]]
        fixed = (scene.neutral, scene.look, scene.shot, scene.aus, scene.size, scene.supersample)
        jobs.append((function, fixed, aus[rows], transforms[rows], size))
    results = [None] * len(scenes)
    if groups:
        with crew(scenes[0].head, workers or available_cores()) as run:
            for rows, made in zip(groups, progress(run(_of_scene, jobs), len(groups)), strict=True):
                for row, result in zip(rows, made, strict=True):
                    results[row] = result
    return results


def render_edits(
    scenes: Sequence[Scene], aus: np.ndarray, transforms: np.ndarray, size: int, workers: int | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:  # fmt: skip
    """The true crops of N scenes under other AU vectors (N×17): the same camera, light and pose.

    `transforms` (N×2×3) take photograph pixels to crop pixels. Returns uint8 N×size×size×3; a scene under its own
    AUs gives its own crop to the bit. The result does not depend on `workers`, by default the cores of this machine.
    `progress(items, total)` wraps the scenes, for a progress bar.
    """
    images = _per_scene(_edit_scene, scenes, aus, transforms, size, workers, progress)
    return np.array(images, np.uint8).reshape(-1, size, size, 3)


def edit_motions(
    scenes: Sequence[Scene], aus: np.ndarray, transforms: np.ndarray, size: int, workers: int | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:  # fmt: skip
    """The true motion of the skin from each scene's own AUs to others; arguments as of `render_edits`.

    Returns the backward flow of `motion`, float16 N×size×size×2 in crop pixels, NaN where no skin is visible in both.
    """
    flows = _per_scene(_move_scene, scenes, aus, transforms, size, workers, progress)
    return np.array(flows, np.float16).reshape(-1, size, size, 2)


# --- on disk


def save_scenes(
    directory: Path, head: Head, anny: np.ndarray, looks: np.ndarray, frame: pd.DataFrame, shots: list[Shot],
    size: int, supersample: int,
) -> None:  # fmt: skip
    """Write `scenes.npz` and `head.npz`; `frame` has `path`, `subject_index` and the AUs, one row per shot."""
    np.savez_compressed(
        directory / "scenes.npz",
        path=frame["path"].to_numpy(dtype=np.str_),
        subject=frame["subject_index"].to_numpy(np.int32),
        aus=frame[list(AU_NAMES)].to_numpy(np.float32),
        anny=anny,
        look=looks,
        pose=np.stack([shot.pose for shot in shots]),
        framing=np.stack([shot.framing for shot in shots]),
        gaze=np.stack([shot.gaze for shot in shots]),
        light=np.stack([shot.light for shot in shots]),
        size=size,
        supersample=supersample,
    )
    arrays = {field.name: getattr(head, field.name) for field in fields(Head) if field.name != "build"}
    build = (head.build.data, head.build.indices, head.build.indptr, np.array(head.build.shape))
    np.savez_compressed(directory / "head.npz", **arrays, **dict(zip(_BUILD, build, strict=True)))


def _load_head(path: Path) -> Head:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    data, indices, indptr, shape = (arrays.pop(name) for name in _BUILD)
    return Head(build=csr_matrix((data, indices, indptr), shape=tuple(shape)), **arrays)


def load_scenes(role_dir: str | Path) -> dict[str, Scene]:
    """The scenes of a role, by the path of the photograph in the role's directory.

    Raises MissingInputError where the directory is no rendered role.
    """
    role_dir = Path(role_dir)
    if not (role_dir / "scenes.npz").is_file():
        raise MissingInputError(f"{role_dir}/scenes.npz: no such file; only a rendered role of the corpus has scenes")
    head = _load_head(role_dir / "head.npz")
    with np.load(role_dir / "scenes.npz", allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    size, supersample = int(data["size"]), int(data["supersample"])
    neutral = [dress(head, anny, look) for anny, look in zip(data["anny"], data["look"], strict=True)]
    scenes = {}
    for i, path in enumerate(data["path"]):
        shot = Shot(data["pose"][i], data["framing"][i], data["gaze"][i], data["light"][i])
        subject = data["subject"][i]
        scenes[str(path)] = Scene(
            head, neutral[subject], data["look"][subject], shot, data["aus"][i], size, supersample
        )
    return scenes


# --- making a role


def render_subject(
    head: Head, anny: np.ndarray, look: np.ndarray, shots: list[Shot], aus: np.ndarray, size: int, supersample: int,
    files: list[str],
) -> np.ndarray:  # fmt: skip
    """Write a subject's photographs; returns their five points, float32 N×5×2."""
    neutral, points = dress(head, anny, look), []
    for shot, intensities, file in zip(shots, aus, files, strict=True):
        scene = Scene(head, neutral, look, shot, intensities, size, supersample)
        Image.fromarray(photograph(scene, intensities)).save(file, compress_level=1)
        points.append(image_points(scene, intensities))
    return np.array(points, dtype=np.float32)


def annotations(frame: pd.DataFrame, points: np.ndarray) -> pd.DataFrame:
    """The table of a role: `path`, `subject`, `expression`, five points, action units."""
    table = frame[["path", "subject", "expression"]].copy()
    table[list(POINT_COLUMNS)] = points.reshape(len(frame), -1)
    return table.join(frame[list(AU_NAMES)].astype(np.float32))


def contact_sheet(role_dir: str | Path, n: int = 48, columns: int = 8) -> Image.Image:
    """Photographs of a role side by side, evenly spaced in its table."""
    table = pd.read_parquet(Path(role_dir) / "annotations.parquet")
    paths = table["path"].iloc[np.unique(np.linspace(0, len(table) - 1, n).astype(int))]
    return Image.fromarray(tile([np.asarray(Image.open(Path(role_dir) / path)) for path in paths], columns))
