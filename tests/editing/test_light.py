"""Coloured light is taken from a face and given back; usual light changes nothing."""

import numpy as np
import pytest
import torch

from defgan.editing.light import BLUE, LARGEST, RED, light_gains, relight, relight_change, same_light
from defgan.pixels import to_network, to_pixels

SIDE = 40


def skin(red: float, blue: float, green: float = 0.25) -> np.ndarray:
    """A crop of skin whose logarithms of red and blue over green are these; beside the face everything is blue."""
    linear = np.array([green * np.exp(red), green, green * np.exp(blue)])
    crop = np.zeros((SIDE, SIDE, 3), np.uint8)
    crop[...] = (0, 0, 255)
    crop[int(0.2 * SIDE) :, int(0.2 * SIDE) : int(0.8 * SIDE)] = (linear.clip(0, 1) ** (1 / 2.2) * 255).round()
    return crop


@pytest.mark.parametrize("color", [(0.5, -0.3), (0.0, 0.0), (RED[1] - 0.02, BLUE[0] + 0.02)])
def test_usual_light_and_grey_photographs_stay_to_the_bit(color):
    gains = light_gains([skin(*color)])
    assert same_light(gains).all()
    images, change = torch.randn(1, 3, SIDE, SIDE), torch.randn(1, 3, SIDE, SIDE)
    assert torch.equal(relight(images, gains), images)
    assert torch.equal(relight_change(images, change, gains), change)


@pytest.mark.parametrize(
    ("color", "wanted"),
    [((0.6, -1.5), (1, np.exp(1.5 + BLUE[0]))), ((1.5, -0.5), (np.exp(RED[1] - 1.5), 1)), ((-0.3, 0.3), None)],
)
def test_skin_is_brought_into_the_light_that_was_learnt_from(color, wanted):
    crop = skin(*color, green=0.15)
    gains = light_gains([skin(0.5, -0.3), crop])
    assert same_light(gains).flatten().tolist() == [True, False]
    red, green, blue = gains[1].flatten().tolist()
    assert green == 1
    assert (red, blue) == pytest.approx(wanted or (np.exp(0.3), np.exp(BLUE[1] - 0.3)), rel=0.03)
    seen = to_pixels(relight(to_network(torch.from_numpy(crop[None])), gains[1:]))
    assert np.allclose(light_gains(seen).numpy(), 1, atol=0.03)


def test_the_way_back_ends_where_it_began():
    gains = torch.tensor([0.8, 1.0, 1.7]).reshape(1, 3, 1, 1)
    images = torch.rand(1, 3, 8, 8) * 1.2 - 0.8  # not so bright that a channel is cut off
    assert torch.allclose(relight(relight(images, gains), 1 / gains), images, atol=1e-5)


def test_white_teeth_in_the_learnt_light_are_yellow_in_a_lamps():
    crop = skin(0.6, -1.6, green=0.2)
    gains = light_gains([crop])
    dark = torch.full((1, 3, 2, 2), -0.9)
    teeth = torch.full((1, 3, 2, 2), 1.5)
    red, green, blue = (dark + relight_change(dark, teeth, 1 / gains)).mean((0, 2, 3)).tolist()
    assert red == pytest.approx(0.6, abs=0.02) and green == pytest.approx(0.6, abs=0.02) and blue < 0.2


def test_a_channel_without_light_is_not_blown_up():
    crop = skin(0.5, -9.0)
    assert light_gains([crop])[0, 2].item() == LARGEST
    assert same_light(light_gains([np.zeros((SIDE, SIDE, 3), np.uint8)])).all()
