import numpy as np
import torch

from defgan.pixels import COLOR_DRAWS, change_colors
from defgan.training.augmentation import change_framing, compress
from tests.training.conftest import NO_CHANGE


def ramp(size: int = 33) -> torch.Tensor:
    """The coordinates of each pixel's centre in its first two channels, 1×3×size×size in (-1, 1)."""
    centres = (2 * torch.arange(size) + 1) / size - 1
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([columns, rows, 0 * rows])[None]


def framed(**options) -> torch.Tensor:
    """The ramp under one full draw of every change."""
    return change_framing(ramp(), torch.ones(1, 4), NO_CHANGE.model_copy(update=options))


def inner(image: torch.Tensor) -> torch.Tensor:
    """The middle, which no border reaches."""
    return image[..., 11:22, 11:22]


def test_a_shift_samples_elsewhere():
    expected = ramp() + torch.tensor([0.2, 0.2, 0])[None, :, None, None]
    assert torch.allclose(inner(framed(shift=0.1)), inner(expected), atol=1e-5)


def test_a_zoom_makes_the_face_larger():
    assert torch.allclose(inner(framed(zoom=0.25)), inner(ramp()) / 1.25, atol=1e-5)


def test_a_turn_keeps_the_centre_and_lengths():
    turned = framed(turn=30)
    assert torch.allclose(turned[0, :, 16, 16], torch.zeros(3), atol=1e-5)
    assert torch.allclose(inner(turned).norm(dim=1), inner(ramp()).norm(dim=1), atol=1e-5)
    # The pixel to the right of the centre shows what lay 30° further round.
    x, y, _ = turned[0, :, 16, 22]
    assert torch.allclose(torch.atan2(y, x), torch.tensor(torch.pi / 6), atol=1e-4)


def test_colors_change_by_their_draws_and_greys_stay_grey():
    images, draws = torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, COLOR_DRAWS) * 2 - 1
    assert torch.allclose(change_colors(images, draws, 0.0), images, atol=1e-6)
    first, second = change_colors(images[:1].expand(2, -1, -1, -1), draws[:2], 1.0)
    assert not torch.allclose(first, second, atol=0.05)
    grey = change_colors(images[:, :1].expand(-1, 3, -1, -1), draws, 1.0)
    assert torch.allclose(grey[:, :1], grey[:, 1:], atol=1e-5)


def test_contrast_is_never_turned_round():
    flat, draws = (torch.rand(50, 3, 32, 32) * 2 - 1).mean(1), torch.rand(50, COLOR_DRAWS) * 2 - 1
    changed = change_colors(flat[:, None].expand(-1, 3, -1, -1), draws, 1.0).mean(1)
    order, after = (values - values.mean((1, 2), keepdim=True) for values in (flat, changed))
    assert (order * after).min() > -1e-5


def test_lower_jpeg_quality_loses_more():
    smooth = (ramp(32)[0].permute(1, 2, 0).numpy() * 100 + 128).astype(np.uint8)
    pixels = np.repeat(smooth[None], 2, axis=0)
    best, worst = np.abs(compress(pixels, np.array([-1.0, 1.0]), 5).astype(int) - pixels).mean((1, 2, 3))
    assert best < 4 < worst
