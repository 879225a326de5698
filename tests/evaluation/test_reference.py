"""The reference set's features on disk, and which faces they are of."""

import numpy as np
import pytest

from defgan.errors import MissingInputError
from defgan.evaluation.reference import ReferenceFacts, read_reference, subsample, write_reference


def test_features_are_read_as_written_and_only_of_the_wanted_network(tmp_path):
    features = np.random.default_rng(0).uniform(0, 1, (5, 7)).astype(np.float32)
    facts = ReferenceFacts("train", 5, 12, "efficientnet-lite0")
    write_reference(tmp_path, features, facts)
    read, described = read_reference(tmp_path, "efficientnet-lite0")
    np.testing.assert_array_equal(read, features)
    assert described == facts
    with pytest.raises(MissingInputError, match="features of efficientnet-lite0, not of inception-v3-compat"):
        read_reference(tmp_path, "inception-v3-compat")
    (tmp_path / "features.npy").unlink()
    with pytest.raises(MissingInputError, match=r"features\.npy: no such file"):
        read_reference(tmp_path, "efficientnet-lite0")


def test_subsample_is_seeded_and_without_repetition():
    assert subsample(5, 10, seed=0).tolist() == [0, 1, 2, 3, 4]
    chosen = subsample(100, 10, seed=0)
    assert len(set(chosen)) == 10 and chosen.tolist() == sorted(chosen)
    assert chosen.tolist() == subsample(100, 10, seed=0).tolist() != subsample(100, 10, seed=1).tolist()
