import numpy as np
import pytest

from defgan import alignment


def rotated(points: np.ndarray, scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ turn.T + shift


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray:
    """A soft white disc on black; its centre of mass is (x, y) with pixel centres at +0.5."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    distance = np.hypot(columns - x, rows - y)
    grey = 255 * np.clip(radius - distance + 0.5, 0, 1)
    return np.repeat(grey[..., None], 3, 2).astype(np.uint8)


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    weights = image[..., 0].astype(float)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def test_template_has_the_eyes_where_the_contract_says():
    left, right, nose, left_mouth, right_mouth = alignment.template(100)
    assert np.linalg.norm(right - left) == pytest.approx(36)
    assert (left + right) / 2 == pytest.approx([50, 34])
    assert left[0] < nose[0] < right[0]
    assert nose[1] < left_mouth[1] < 100
    assert nose[1] < right_mouth[1] < 100


def test_a_mouth_that_moves_does_not_move_the_crop():
    points = rotated(alignment.template(64), 2.7, 25, (130, 40))
    smiling = points + np.array([[0, 0], [0, 0], [0, 0], [-9, -7], [9, -7]])
    np.testing.assert_array_equal(
        alignment.similarity_transform(smiling, 64), alignment.similarity_transform(points, 64)
    )


def test_a_similar_configuration_lands_on_the_template():
    points = rotated(alignment.template(64), 2.7, 25, (130, 40))
    transform = alignment.similarity_transform(points, 64)
    np.testing.assert_allclose(alignment.apply(transform, points), alignment.template(64), atol=1e-9)
    np.testing.assert_allclose(alignment.apply(alignment.invert(transform), alignment.template(64)), points, atol=1e-9)


def test_the_fit_is_the_least_squares_one():
    rng = np.random.default_rng(0)
    source, destination = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    # Unknowns a, b, tx, ty of x' = a·x − b·y + tx, y' = b·x + a·y + ty.
    rows = [[x, -y, 1, 0] for x, y in source] + [[y, x, 0, 1] for x, y in source]
    a, b, tx, ty = np.linalg.lstsq(np.array(rows), destination.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(alignment.fit_similarity(source, destination), [[a, -b, tx], [b, a, ty]], atol=1e-9)


def test_coinciding_points_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        alignment.fit_similarity(np.ones((5, 2)), alignment.template(64))


def test_the_identity_crops_nothing_away():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(alignment.crop(image, np.eye(2, 3), 32), image)


def test_a_shifted_crop_is_the_shifted_image():
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    transform = np.array([[1.0, 0, -10], [0, 1, -7]])
    np.testing.assert_array_equal(alignment.crop(image, transform, 32), image[7:39, 10:42])


def test_halving_is_the_mean_of_two_by_two():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    small = alignment.crop(image, np.array([[0.5, 0, 0], [0, 0.5, 0]]), 32)
    mean = image.reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(small - mean).max() <= 0.5


@pytest.mark.parametrize("scale", [0.11, 0.37, 0.8, 1.0, 2.3])
def test_crop_and_transform_agree_to_a_tenth_of_a_pixel(scale):
    image = disc(400, 183.3, 216.8, 5 / min(scale, 1))
    transform = alignment.fit_similarity(
        np.array([[150.0, 200], [250, 230]]), np.array([[150.0, 200], [250, 230]]) * scale + (32 - 183 * scale)
    )
    transform[1, 2] -= 33 * scale
    expected = alignment.apply(transform, np.array([183.3, 216.8]))
    found = centre_of_mass(alignment.crop(image, transform, 64))
    assert np.abs(found - expected).max() < 0.1


def test_strong_shrinking_does_not_alias():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    small = alignment.crop(stripes, np.array([[0.121, 0, 0], [0, 0.121, 0]]), 60)
    assert small.astype(int).min() > 100
    assert small.max() < 155


@pytest.mark.parametrize("degrees", [-40.0, 0.0, 25.0])
def test_yaw_of_a_turned_head(degrees):
    """Three points of a head turned about the vertical, seen from far away, and tilted in the image."""
    angle = np.radians(degrees)
    head = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.6, 0.62]])
    turned = np.column_stack([head[:, 0] * np.cos(angle) + head[:, 2] * np.sin(angle), head[:, 1]])
    tilt = np.array([[0.8, -0.6], [0.6, 0.8]])
    assert alignment.yaw(100 * turned @ tilt.T + 50) == pytest.approx(degrees)


def test_the_nose_leaves_the_middle_of_a_turned_head():
    frontal = alignment.template(100)
    assert abs(alignment.nose_offset(frontal)) < 0.02
    spin = np.array([[0.0, -1.0], [1.0, 0.0]])
    # A head that lies on its side is not turned.
    assert alignment.nose_offset(frontal @ spin.T) == pytest.approx(alignment.nose_offset(frontal))
    profile = frontal.copy()
    profile[2, 0] = frontal[0, 0]  # the nose in front of the left eye
    assert alignment.nose_offset(profile) == pytest.approx(-0.5, abs=0.02)
    both = alignment.nose_offset(np.stack([frontal, profile]))
    np.testing.assert_array_equal(both, [alignment.nose_offset(frontal), alignment.nose_offset(profile)])
