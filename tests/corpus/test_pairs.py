"""The role `pairs`: what is drawn, the motion between the images, resuming, and the table that holds them."""

import cv2
import numpy as np
import pytest

from defgan.corpus.pairs import make_pairs, pair_order, sample_scene_aus
from defgan.corpus.roles import sample_role
from defgan.corpus.sampling import ROLES
from defgan.corpus.scenes import crew, no_progress
from defgan.corpus.variety import sample_pairs_person
from defgan.errors import MissingInputError, UserError
from defgan.facs import AU_NAMES, N_AUS
from defgan.pairs import FILE, FLOW_UNITS, UNSEEN, PackedScene, encode, quantise, read_pairs, write_pairs

SIZE, SCENES, IMAGES = 48, 3, 4


def _make(directory, studio, state, scenes=SCENES, workers=1, progress=no_progress, held_out=1, images=IMAGES):
    with crew(studio.head, workers) as run:
        return make_pairs(directory, studio, run, scenes, images, held_out, 5, SIZE, 1, progress, state)


@pytest.fixture(scope="module")
def made(studio, tmp_path_factory):
    directory = tmp_path_factory.mktemp("pairs")
    _make(directory, studio, directory / "state")
    return directory


@pytest.fixture(scope="module")
def pairs(made):
    return read_pairs(made)


def test_two_workers_make_the_same_bytes(made, studio, tmp_path):
    path = _make(tmp_path, studio, tmp_path / "state", workers=2)
    assert path == tmp_path / FILE
    assert path.read_bytes() == (made / FILE).read_bytes()


def test_after_a_kill_only_the_missing_scenes_are_rendered(made, studio, tmp_path):
    def killed(items, total):
        yield next(iter(items))
        raise KeyboardInterrupt

    counts = []

    def counted(items, total):
        counts.append(total)
        return items

    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        _make(tmp_path, studio, state, progress=killed)
    assert not (tmp_path / FILE).exists()
    path = _make(tmp_path, studio, state, progress=counted)
    assert counts == [SCENES - 1]
    assert path.read_bytes() == (made / FILE).read_bytes()
    assert not list(state.rglob("*.npz"))


def test_scenes_do_not_depend_on_how_many_there_are(pairs, studio, tmp_path):
    _make(tmp_path, studio, tmp_path / "state", scenes=1, held_out=0)
    alone = read_pairs(tmp_path)
    assert np.array_equal(alone.images[0], pairs.images[0]) and np.array_equal(alone.flows[0], pairs.flows[0])
    assert pairs.held_out.tolist() == [False, False, True] and alone.held_out.tolist() == [False]
    assert ((pairs.tone > 0.01) & (pairs.tone < 0.9)).all() and len(set(pairs.tone.tolist())) == SCENES


def test_an_image_warped_by_its_flow_comes_closer_to_the_other(pairs):
    """Where both images show the point, summed over the pairs of large motion."""
    before = after = 0.0
    centres = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1).astype(np.float32)
    for images, flows in zip(pairs.images, pairs.flows, strict=True):
        for (i, j), flow in zip(pairs.order, flows, strict=True):
            seen = flow[..., 0] != UNSEEN
            moved = np.where(seen[..., None], flow / FLOW_UNITS * SIZE / 128, 0).astype(np.float32)
            if np.hypot(*moved[seen].T).max() < 1:
                continue
            whole = cv2.resize(moved, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
            shown = cv2.resize(seen.astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST) > 0
            warped = cv2.remap(images[i], centres + whole, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            before += np.abs(images[i].astype(float) - images[j])[shown].mean()
            after += np.abs(warped.astype(float) - images[j])[shown].mean()
    assert before > 1
    assert after < 0.8 * before


def test_the_two_directions_of_a_pair_are_opposite_on_average(pairs):
    order = pairs.order.tolist()
    there, back = pairs.flows[:, order.index([0, 2])], pairs.flows[:, order.index([2, 0])]
    both = (there[..., 0] != UNSEEN) & (back[..., 0] != UNSEEN)
    there, back = there[both].astype(float), back[both].astype(float)
    assert np.sqrt((there**2).mean()) > 2
    assert np.sqrt(((there + back) ** 2).mean()) < 0.5 * np.sqrt((there**2).mean())


def test_people_are_in_no_other_role(studio):
    labels = studio.change_labels
    own = [sample_pairs_person(np.random.default_rng([5, len(ROLES), scene]), labels) for scene in range(3)]
    others = [person for role in ROLES for person in sample_role(role, 3, 1, 5, labels)[0]]
    looks = {person.look.tobytes() for person in own + others}
    assert len(looks) == len(own) + len(others)


@pytest.mark.parametrize("images", [4, 8, 12])
def test_scenes_begin_near_neutral_and_then_show_what_is_hard(images):
    drawn = np.stack([sample_scene_aus(np.random.default_rng(seed), images) for seed in range(200)])
    assert drawn.shape == (200, images, N_AUS) and drawn.dtype == np.float32
    assert drawn.min() >= 0 and drawn.max() <= 1 and drawn[:, 0].max() < 0.15
    assert (drawn[:, 1, AU_NAMES.index("AU25")] >= 0.4).mean() > 0.4
    # The fourth image differs from the first in one unit, strong.
    changed = drawn[:, 3] != drawn[:, 0]
    assert (changed.sum(axis=1) == 1).all() and drawn[:, 3][changed].min() >= 0.6
    shares = dict(zip(AU_NAMES, changed.mean(axis=0), strict=True))
    assert min(shares[name] for name in ("AU02", "AU05", "AU45")) > 0.12
    smiles = drawn[:, 2][drawn[:, 2, AU_NAMES.index("AU12")] > 0.7]
    assert len(smiles) > 80 and smiles[:, AU_NAMES.index("AU25")].min() >= 0.4


@pytest.mark.parametrize("images", [4, 8, 9])
def test_pairs_go_from_the_first_image_and_back_and_between(images):
    order = pair_order(images)
    assert len(set(order)) == len(order) and all(i != j for i, j in order)
    assert {j for i, j in order if i == 0} == {i for i, j in order if j == 0} == set(range(1, images))
    assert {j for i, j in order if i == 1} == {0, *range(2, images)}


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"held_out": SCENES}, "pairs: 3 of 3 scenes are held out"),
        ({"held_out": -1}, "pairs: -1 of 3 scenes are held out"),
        ({"scenes": 0, "held_out": 0}, "pairs: 0 of 0 scenes are held out"),
        ({"images": 3}, "pairs: 3 images a scene; at least 4 are needed"),
    ],
)
def test_numbers_that_make_no_set_are_refused(studio, tmp_path, numbers, message):
    with pytest.raises(UserError, match=message):
        _make(tmp_path, studio, tmp_path / "state", **numbers)
    assert not list(tmp_path.iterdir())


def test_the_table_gives_back_what_was_written(tmp_path):
    rng = np.random.default_rng(0)
    flow = rng.uniform(-20, 20, (2, 8, 8, 2))
    seen = rng.random((2, 8, 8)) < 0.7
    flows = np.stack([quantise(*pair) for pair in zip(flow, seen, strict=True)])
    image = np.full((32, 32, 3), (200, 60, 30), np.uint8)
    aus = rng.random((4, N_AUS)).astype(np.float32)
    scenes = [
        PackedScene([encode(image)] * 4, aus, flows, 0.25),
        PackedScene([encode(image)] * 4, aus, -flows // 2, 0.5),
    ]
    write_pairs(tmp_path / FILE, scenes, [(0, 1), (1, 0)], 1, 32)
    read = read_pairs(tmp_path)
    assert np.array_equal(read.flows, np.stack([flows, -flows // 2])) and read.flows.dtype == np.int8
    assert (read.flows[0][~seen] == UNSEEN).all() and (read.flows[0][seen] > UNSEEN).all()
    error = np.abs(read.flows[0] / FLOW_UNITS - np.clip(flow, -127 / 8, 127 / 8))[seen]
    assert error.max() <= 0.5 / FLOW_UNITS + 1e-6
    assert np.array_equal(read.aus, np.stack([aus, aus])) and read.order.tolist() == [[0, 1], [1, 0]]
    assert read.images.shape == (2, 4, 32, 32, 3) and np.abs(read.images.astype(int) - image).max() < 12
    assert read.tone.tolist() == [0.25, 0.5] and read.held_out.tolist() == [False, True]


def test_no_table_and_another_file_are_told_apart(tmp_path):
    with pytest.raises(MissingInputError, match="no such file"):
        read_pairs(tmp_path)
    (tmp_path / FILE).write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match="not a table of pairs"):
        read_pairs(tmp_path)
