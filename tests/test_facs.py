import numpy as np
import pytest

from defgan import facs


def test_units_are_openface_2s_in_its_order():
    numbers = [int(name.removeprefix("AU")) for name in facs.AU_NAMES]
    assert numbers == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45]
    assert facs.N_AUS == 17


def test_au_vector_puts_each_unit_in_its_place():
    vector = facs.au_vector({"AU12": 1.0, "AU01": 0.25})
    assert vector.dtype == np.float32
    assert vector[8] == 1.0 and vector[0] == 0.25
    assert np.count_nonzero(vector) == 2


def test_unknown_unit_is_named():
    with pytest.raises(KeyError, match="AU99"):
        facs.au_vector({"AU99": 1.0})


def test_every_expression_of_the_databases_has_a_preset_in_range():
    assert set(facs.PRESETS) == set(facs.RAFD_EXPRESSIONS)
    assert len(facs.MUG_EXPRESSIONS) == 7 and len(facs.RAFD_EXPRESSIONS) == 8
    assert set(facs.EXPRESSIONS) == set(facs.MUG_EXPRESSIONS) - {"neutral"}
    for expression in facs.PRESETS:
        vector = facs.preset(expression)
        assert vector.min() >= 0 and vector.max() <= 1
        assert bool(vector.any()) == (expression != "neutral")


def test_presets_can_be_told_apart():
    vectors = np.stack([facs.preset(expression) for expression in facs.PRESETS])
    distance = np.abs(vectors[:, None] - vectors[None]).sum(-1)
    assert distance[~np.eye(len(vectors), dtype=bool)].min() > 0.5
