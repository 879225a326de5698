"""Edits of rendered people against the truth that the renders come with."""

import numpy as np
import pytest
import torch

from defgan.corpus.pairs import pair_order
from defgan.facs import AU_NAMES, N_AUS
from defgan.methods.base import Edit
from defgan.pairs import FLOW_UNITS, UNSEEN, Pairs
from defgan.pixels import to_network
from defgan.warp import identity_grid, to_grid
from tools.assess_renders import EDITS, PEAKS, SINGLE, edits, measure, sample_aus, summarise

PEOPLE, SIDE, VECTORS = 2, 32, 1 + len(EDITS)


@pytest.fixture(scope="module")
def pairs():
    """People whose faces change everywhere, and move one pixel at 128 px to the right where they are seen."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (PEOPLE, VECTORS, SIDE, SIDE, 3), dtype=np.uint8)
    aus = np.stack([sample_aus(rng) for _ in range(PEOPLE)])
    order = np.array(pair_order(VECTORS))
    flows = np.zeros((PEOPLE, len(order), SIDE // 4, SIDE // 4, 2), np.int8)
    flows[..., 0] = FLOW_UNITS
    flows[:, :, 0] = UNSEEN
    return Pairs(images, aus, flows, order, np.zeros(PEOPLE, bool), np.zeros(PEOPLE, np.float32))


class Oracle:
    """Knows the true images; its deformed image is the input."""

    def __init__(self, pairs, moves):
        self.pairs, self.moves = pairs, moves

    def edit(self, images, x, y):
        k = int((self.pairs.aus[0] == y[0].numpy()).all(1).argmax())
        true = to_network(torch.from_numpy(self.pairs.images[:, k]))
        offsets = torch.zeros(PEOPLE, SIDE, SIDE, 2)
        offsets[..., 0] = 1.0
        grid = to_grid(offsets) if self.moves else identity_grid(SIDE, SIDE).expand(PEOPLE, -1, -1, -1)
        return Edit(true, images, grid)


@pytest.mark.parametrize("moves", [True, False])
def test_gain_and_motion_are_measured_against_the_truth(pairs, moves):
    oracle = Oracle(pairs, moves)
    made = [edits(oracle, pairs, k) for k in range(1, VECTORS)]
    table = summarise("defgan", measure(made, pairs))
    assert set(table["edit"]) == {"all peaks", *PEAKS, *AU_NAMES}
    assert (table.loc[table["edit"] == "all peaks", "n"] == PEOPLE * len(PEAKS)).all()
    for edit, own in table.groupby("edit"):
        values = own.set_index("measure")["value"]
        assert values["gain over copying, final"] == 1, edit
        assert values["gain over copying, deformed"] == pytest.approx(0), edit
        assert values["share of the end-point error removed"] == pytest.approx(float(moves), abs=1e-4)
        assert values["share of the true motion"] == pytest.approx(float(moves), abs=1e-4)


def test_single_units_change_one_unit_each():
    aus = sample_aus(np.random.default_rng(1))
    assert aus.shape == (VECTORS, N_AUS)
    changed = aus[1 + len(PEAKS) :] != aus[0]
    assert np.array_equal(changed, np.eye(N_AUS, dtype=bool))
    assert (aus[1 + len(PEAKS) :][changed] == np.float32(SINGLE)).all()
