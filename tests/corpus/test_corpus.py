"""The embedded corpus: determinism, exactness of the truth, roles, five points."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan.alignment import POINT_COLUMNS, apply, crop, invert, similarity_transform
from defgan.corpus import edit_motions, load_scenes, motion, photograph, render_edits
from defgan.corpus.head import MOUTH, SKIN, TEETH, TONGUE
from defgan.corpus.roles import make_role, sample_role
from defgan.corpus.sampling import ROLES, sample_train_aus
from defgan.corpus.scenes import crew, image_points, renderer_of
from defgan.errors import MissingInputError
from defgan.evaluation.change import changes
from defgan.faces.detection import Detector
from defgan.facs import AU_NAMES, EXPRESSIONS, MUG_EXPRESSIONS, N_AUS, RAFD_EXPRESSIONS, au_vector, preset

SIZE = 128
NEUTRAL = np.zeros(N_AUS, dtype=np.float32)


def _make(directory, studio, role="wild", subjects=3, images=1, seed=0, size=SIZE, workers=1):
    with crew(studio.head, workers) as run:
        return make_role(directory, role, studio, run, subjects, images, seed, size, 1)


@pytest.fixture(scope="module")
def wild(studio, tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus") / "wild"
    _make(directory, studio)
    return directory


@pytest.fixture(scope="module")
def scene(wild):
    return next(iter(load_scenes(wild).values()))


def _transform(scene, size=64):
    return similarity_transform(image_points(scene, scene.aus), size)


def _hashes(directory):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(directory.rglob("*")) if p.is_file()}


def test_bytes_depend_on_the_seed_and_not_on_the_workers(studio, tmp_path):
    _make(tmp_path / "one", studio, size=48)
    _make(tmp_path / "two", studio, size=48, workers=2)
    _make(tmp_path / "other", studio, size=48, subjects=1, seed=1)
    one, two, other = (_hashes(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two and len(one) == 6
    image = "wild_0000_0_neutral.png"
    assert one[image] != other[image]


def test_a_scene_under_its_own_aus_gives_its_own_photograph(wild):
    scenes = load_scenes(wild)
    path, scene = list(scenes.items())[1]
    image = np.array(Image.open(wild / path))
    assert np.array_equal(photograph(scene, scene.aus), image)
    transform = _transform(scene)
    edit = render_edits([scene], scene.aus[None], transform[None], 64, workers=1)
    assert np.array_equal(edit[0], crop(image, transform, 64))


def test_edits_keep_their_order(wild):
    scenes = list(load_scenes(wild).values())
    order = [scenes[1], scenes[0], scenes[1]]
    aus = np.stack([preset("happy"), preset("sad"), preset("surprise")])
    transforms = np.stack([_transform(s, 32) for s in order])
    edits = render_edits(order, aus, transforms, 32, workers=1)
    for edit, scene, target, transform in zip(edits, order, aus, transforms, strict=True):
        assert np.array_equal(edit, crop(photograph(scene, target), transform, 32))


def test_every_action_unit_moves_the_face_and_leaves_the_background(scene):
    transform = _transform(scene)
    targets = np.stack([NEUTRAL, *np.eye(N_AUS, dtype=np.float32)])
    images = render_edits([scene] * len(targets), targets, np.stack([transform] * len(targets)), 64, workers=1)
    for name, image in zip(AU_NAMES, images[1:], strict=True):
        difference = np.abs(image.astype(int) - images[0]).max(axis=-1)
        assert (difference > 0.04 * 255).sum() >= 25, f"{name} changes too little"
    # What lies well off the head keeps its value.
    off = cv2.erode((_seen(scene, NEUTRAL)[0] < 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert off.sum() > 100
    assert np.array_equal(photograph(scene, au_vector({"AU12": 1.0}))[off], photograph(scene, NEUTRAL)[off])


def _seen(scene, aus, size=SIZE):
    vertices = scene.head.displaced(scene.neutral, np.asarray(aus, np.float32))
    xy, nearness = scene.camera.screen(vertices, size)
    return renderer_of(scene.head).visible(xy, nearness, scene.look, size)


def test_au25_and_au26_open_the_mouth_only(scene):
    inside = (MOUTH, TONGUE, TEETH)

    def open_pixels(aus):
        face, _ = _seen(scene, aus, 256)
        return (np.isin(scene.head.material[face], inside) & (face >= 0)).sum()

    closed = open_pixels(NEUTRAL)
    assert closed < 60
    assert open_pixels(au_vector({"AU25": 1.0})) > closed + 150
    assert open_pixels(au_vector({"AU26": 1.0})) > closed + 400
    transform = _transform(scene)
    before, after = render_edits(
        [scene] * 2,
        np.stack([NEUTRAL, au_vector({"AU25": 1.0, "AU26": 1.0})]),
        np.stack([transform] * 2),
        64,
        workers=1,
    )
    difference = np.abs(before.astype(int) - after).max(axis=-1)
    assert difference[40:58, 22:42].max() > 60
    assert difference[:14].max() <= 2


def test_teeth_never_show_outside_the_open_mouth(wild):
    """A tooth seen has the mouth's inside around it: its pixels are a part of the mouth seen without teeth."""
    for scene in load_scenes(wild).values():
        for expression in EXPRESSIONS:
            face, _ = _seen(scene, preset(expression), 256)
            material = np.where(face >= 0, scene.head.material[np.maximum(face, 0)], -1)
            rows, columns = np.nonzero(material == TEETH)
            if len(rows):
                points = image_points(scene, preset(expression)) * (256 / scene.size)
                low, high = points[3:, 0].min() - 4, points[3:, 0].max() + 4
                assert (columns > low).all() and (columns < high).all(), expression
                assert (rows > points[2, 1]).all(), expression


def test_motion_is_nothing_between_equal_expressions(scene):
    flow, valid, skin = motion(scene, preset("happy"), preset("happy"), _transform(scene), 64)
    assert flow.shape == (64, 64, 2) and flow.dtype == np.float32 and valid.dtype == bool
    assert np.abs(flow).max() < 1e-3
    assert valid.mean() > 0.9
    assert 0.2 < skin.mean() < 0.9 and (valid | ~skin).all()


@pytest.mark.parametrize("expression", ["happy", "surprise"])
def test_motion_explains_the_difference_between_expressions(scene, expression):
    size = 96
    transform = _transform(scene, size)
    target = preset(expression)
    before, after = render_edits([scene] * 2, np.stack([NEUTRAL, target]), np.stack([transform] * 2), size, workers=1)
    flow, valid, skin = motion(scene, NEUTRAL, target, transform, size)
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).astype(np.float32)
    warped = cv2.remap(before, grid + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    moving = valid & (np.linalg.norm(flow, axis=-1) > 0.5)
    assert moving.sum() > 200
    still = np.abs(before.astype(float) - after)[moving].mean()
    moved = np.abs(warped.astype(float) - after)[moving].mean()
    assert moved < 0.8 * still
    assert not valid.all()  # the inside of the mouth, at least, was hidden before
    own = replace(scene, aus=NEUTRAL)
    (together,) = edit_motions([own], target[None], transform[None], size, workers=1)
    np.testing.assert_array_equal(np.isnan(together).any(-1), ~skin)
    np.testing.assert_array_equal(together[skin], flow[skin].astype(np.float16))


def test_true_changes_fall_into_the_regions_of_their_action_units(scene):
    size = 64
    units = np.eye(N_AUS, dtype=np.float32)
    transforms = np.stack([_transform(scene, size)] * (N_AUS + 1))
    images = render_edits([scene] * (N_AUS + 1), np.vstack([NEUTRAL, units]), transforms, size, workers=1)
    found = changes(images[1:], np.stack([images[0]] * N_AUS), units > 0)
    for name, share, area in zip(AU_NAMES, found["concentration"], found["region_share"], strict=True):
        assert share > 0.5 and share > 2 * area, (name, share, area)
    # Raised brows also lift the scalp, above the ellipse; of the other units hardly anything is seen outside it.
    outside = dict(zip(AU_NAMES, found["background_change"] / found["change"], strict=True))
    assert outside.pop("AU01") < 0.35 and outside.pop("AU02") < 0.35 and max(outside.values()) < 0.15, outside


def test_subjects_are_disjoint_and_complete(studio):
    frames = {role: sample_role(role, 4, 2 if role == "train" else 1, 0, studio.change_labels)[1] for role in ROLES}
    subjects = [set(frame["subject"]) for frame in frames.values()]
    assert len(set.union(*subjects)) == sum(len(s) for s in subjects) == 16
    assert {role: len(frame) for role, frame in frames.items()} == {"train": 8, "wild": 4, "mug": 28, "rafd": 32}
    for role, names in (("mug", MUG_EXPRESSIONS), ("rafd", RAFD_EXPRESSIONS)):
        for _, own in frames[role].groupby("subject"):
            assert sorted(own["expression"]) == sorted(names)
    assert frames["wild"][list(AU_NAMES)].to_numpy().max() < 0.2
    people = [sample_role(role, 2, 1, 0, studio.change_labels)[0] for role in ROLES]
    looks = np.stack([person.look for group in people for person in group])
    assert len(np.unique(looks, axis=0)) == 8


def test_train_intensities_cover_their_range():
    aus = np.stack([sample_train_aus(np.random.default_rng(i))[0] for i in range(400)])
    assert aus.min() >= 0 and aus.max() <= 1 and np.isfinite(aus).all()
    assert ((aus > 0.6).sum(axis=0) >= 4).all()
    assert ((aus == 0).mean(axis=0) > 0.3).all()


def test_annotations_hold_exact_intensities_and_points(wild):
    table = pd.read_parquet(wild / "annotations.parquet")
    assert list(table.columns) == ["path", "subject", "expression", *POINT_COLUMNS, *AU_NAMES]
    assert not table.isna().any().any()
    scenes = load_scenes(wild)
    for row in table.to_dict("records"):
        scene = scenes[row["path"]]
        assert np.array_equal(scene.aus, np.array([row[name] for name in AU_NAMES], np.float32))
        points = np.array([row[name] for name in POINT_COLUMNS]).reshape(5, 2)
        left_eye, right_eye, nose, left_mouth, right_mouth = points
        assert ((points > 0) & (points < SIZE)).all()
        assert left_eye[0] < nose[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        # The face fills the photograph, with room for the jaw to drop.
        assert 0.22 < np.linalg.norm(right_eye - left_eye) / SIZE < 0.36
        # The eyes lie on eyes, the mouth's corners on skin or in the mouth.
        face, _ = _seen(scene, scene.aus)
        seen = [scene.head.material[face[int(y), int(x)]] for x, y in points]
        assert seen[2] == SKIN


def test_points_agree_with_detection(wild):
    table = pd.read_parquet(wild / "annotations.parquet")
    images = [np.array(Image.open(wild / path)) for path in table["path"]]
    points = table[list(POINT_COLUMNS)].to_numpy().reshape(-1, 5, 2)
    for found, exact in zip(Detector(0.9)(images), points, strict=True):
        assert found is not None
        assert np.linalg.norm(found.points - exact, axis=1).mean() < 5


def test_transform_maps_crop_to_photograph(scene):
    """The crop's geometry agrees with the renderer's: the eyes land where the template has them."""
    transform = _transform(scene, 64)
    points = apply(transform, image_points(scene, scene.aus))
    assert np.abs(points[:2, 1] - 0.34 * 64).max() < 4
    assert np.allclose(apply(invert(transform), points), image_points(scene, scene.aus))


def test_a_folder_without_scenes_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match=r"scenes\.npz: no such file"):
        load_scenes(tmp_path)
