"""The pairs' people: their shares, their glasses, and that the other roles have nothing of them."""

from dataclasses import replace

import numpy as np
import pytest

from defgan.alignment import similarity_transform
from defgan.corpus import motion, photograph
from defgan.corpus.appearance import Look, Variety
from defgan.corpus.head import TEETH
from defgan.corpus.renderer import pack, unpack, variety_of, width
from defgan.corpus.roles import Studio, sample_role
from defgan.corpus.sampling import ROLES
from defgan.corpus.scenes import Scene, dress, image_points
from defgan.corpus.variety import FRINGE, GLASSES, sample_pairs_person, sample_pairs_shot
from defgan.facs import AU_NAMES, N_AUS, preset

SIZE = 96
NEUTRAL = np.zeros(N_AUS, dtype=np.float32)


@pytest.fixture(scope="module")
def studio():
    return Studio()


def _scene(studio, person, shot, look=None):
    anny = studio.vertices([person])[0]
    look = person.look if look is None else look
    return Scene(studio.head, dress(studio.head, anny, look), look, shot, NEUTRAL, SIZE, 2)


@pytest.fixture(scope="module")
def person(studio):
    """A subject of the pairs with thick black glasses that let nearly all light through, and fair skin."""
    person = sample_pairs_person(np.random.default_rng(4), studio.change_labels)
    shown = {name: getattr(unpack(Look, person.look), name) for name in Look.cls.__annotations__}
    shown |= {"skin": np.full(3, 0.5), "volume": 0.0, "curtain": 0.0}
    own = variety_of(person.look)
    worn = {name: getattr(own, name) for name in Variety.cls.__annotations__}
    worn |= {"glasses": 1.0, "rim": 0.004, "half_rim": 0.0, "rim_color": np.zeros(3), "lens": np.full(3, 0.95)}
    return replace(person, look=np.concatenate([pack(Look, shown), pack(Variety, worn)]))


@pytest.fixture(scope="module")
def shot():
    shot = sample_pairs_shot(np.random.default_rng(4))
    return replace(shot, pose=np.zeros(3, np.float32))


def _bare(look):
    worn = variety_of(look)
    worn.glasses = 0.0
    values = {name: getattr(worn, name) for name in Variety.cls.__annotations__}
    return np.concatenate([look[: width(Look)], pack(Variety, values)])


def test_other_roles_have_no_variety_and_zero_variety_changes_nothing(studio):
    zero = np.zeros(width(Variety), np.float32)
    for role in ROLES:
        people, frame, shots = sample_role(role, 1, 1, 0, studio.change_labels)
        assert len(people[0].look) == width(Look)
        aus = frame[list(AU_NAMES)].to_numpy(np.float32)[-1]
        plain = _scene(studio, people[0], shots[-1])
        zeroed = _scene(studio, people[0], shots[-1], np.concatenate([people[0].look, zero]))
        assert np.array_equal(photograph(plain, aus), photograph(zeroed, aus)), role


BEFORE = {
    "train": (9322.178, 16175.07, 10.63029, 127.3598, 165.018, 109.4864, 40.05432, 53.32128, 42.40785),
    "wild": (10018.53, 15917.78, 1.710712, 77.33171, 123.2478, 143.4399, 41.65805, 46.93508, 45.4949),
    "mug": (6911.157, 47026.94, 57.78473, 116.7592, 126.801, 136.6253, 57.51717, 36.38956, 62.48104),
    "rafd": (10851.73, 51811.27, 59.32317, 173.0229, 127.79, 143.4928, 33.33054, 51.99625, 50.12271),
}
"""Sums of the looks, lights and AUs drawn for three subjects of a role, then means and deviations of a photograph of
each, as they were before `Variety` came."""


@pytest.mark.parametrize("role", ROLES)
def test_other_roles_look_as_before(studio, role):
    people, frame, shots = sample_role(role, 3, 2, 0, studio.change_labels)
    aus = frame[list(AU_NAMES)].to_numpy(np.float32)
    found = [np.sum([p.look for p in people]), np.sum([s.light for s in shots]), aus.sum()]
    images = []
    for subject, human in enumerate(people):
        row = int(np.flatnonzero(frame["subject_index"] == subject)[-1])
        images.append(photograph(_scene(studio, human, shots[row]), aus[row]))
    found += [image.mean() for image in images] + [image.std() for image in images]
    np.testing.assert_allclose(found, BEFORE[role], rtol=2e-4)


def test_frames_are_dark_and_stand_still(studio, person, shot):
    scene = _scene(studio, person, shot)
    surprise = preset("surprise")
    bare = replace(scene, look=_bare(scene.look))
    change = photograph(bare, NEUTRAL).mean(-1) - photograph(scene, NEUTRAL).mean(-1)
    eyes = image_points(scene, NEUTRAL)[:2].mean(axis=0)
    rows, columns = np.nonzero(change > 60)
    assert len(rows) > 60
    assert np.abs(rows.mean() - eyes[1]) < 8 and np.abs(columns.mean() - eyes[0]) < 8

    transform = similarity_transform(image_points(scene, NEUTRAL), SIZE)
    flow, valid, skin = motion(scene, NEUTRAL, surprise, transform, SIZE)
    free, free_valid, free_skin = motion(bare, NEUTRAL, surprise, transform, SIZE)
    still = (np.abs(flow).max(-1) == 0) & (np.abs(free).max(-1) > 0) & valid
    assert still.sum() > 60 and not skin[still].any() and free_skin[still].any()
    # What the frame hid before is not seen, although it is visible after; elsewhere nothing changes.
    hidden = free_valid & ~valid
    assert hidden.sum() > 5
    other = ~(still | hidden)
    assert np.array_equal(flow[other & valid], free[other & valid])


def test_teeth_hang_where_the_lips_meet(studio):
    people = [sample_pairs_person(np.random.default_rng(i), studio.change_labels) for i in range(4)]
    p = studio.head.canonical
    lips = (np.abs(p[:, 0]) < 0.004) & (np.abs(p[:, 2] - 0.0697) < 0.001) & (p[:, 1] < -0.135)
    upper = (studio.head.vertex_material == TEETH) & (p[:, 2] > 0.065) & (p[:, 2] < 0.068) & (np.abs(p[:, 0]) < 0.004)
    for human in people:
        vertices = dress(studio.head, studio.vertices([human])[0], human.look)
        below = vertices[lips, 2].mean() - vertices[upper, 2].mean()
        assert 0.0005 < below < 0.007


def test_sampling_gives_the_shares_asked_for(studio):
    people = [sample_pairs_person(np.random.default_rng([7, i]), studio.change_labels) for i in range(300)]
    looks, own = [unpack(Look, p.look) for p in people], [variety_of(p.look) for p in people]
    light = np.array([np.mean(look.skin) for look in looks])
    # sRGB 122, 81, 59 lies at two thirds of the way from light to very dark.
    assert 0.25 < (light < 0.105).mean() < 0.43
    assert 0.25 < (light > 0.30).mean() < 0.45
    assert abs(np.mean([v.glasses for v in own]) - GLASSES) < 0.05
    assert abs(np.mean([look.fringe >= 0.04 for look in looks]) - FRINGE) < 0.05
    dark_eyes = np.mean([max(look.iris) < 0.11 for look in looks])
    assert 0.6 < dark_eyes < 0.95
    assert {v.beard_cut for v in own} == {0.0, 1.0, 2.0, 3.0}
    assert all(v.own_teeth == 1.0 for v in own)
    assert np.isfinite(np.stack([p.look for p in people])).all()
    shots = [sample_pairs_shot(np.random.default_rng([8, i])) for i in range(300)]
    assert np.isfinite(np.stack([s.light for s in shots])).all()
    again = sample_pairs_person(np.random.default_rng([7, 0]), studio.change_labels)
    assert np.array_equal(again.look, people[0].look)
