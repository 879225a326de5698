import numpy as np
import pytest

from defgan.spacing import spread


@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 60), (60, 60), (61, 60), (1001, 60), (7, 4), (50, 1)])
def test_indices_are_evenly_spaced(count, most):
    chosen = spread(count, most)
    assert len(chosen) == min(count, most) and chosen[0] == 0
    assert most == 1 or chosen[-1] == count - 1
    assert len(chosen) < 2 or np.ptp(np.diff(chosen)) <= 1


def test_of_nothing_nothing_is_chosen():
    assert spread(0, 5).tolist() == []
