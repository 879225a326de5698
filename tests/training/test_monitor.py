import math

import pytest
import torch

from defgan.errors import UserError
from defgan.methods.base import Edit
from defgan.training.monitor import LONG, Guard, Interval, Timings, edit_figures
from defgan.warp import identity_grid, to_grid


def test_an_interval_averages_its_steps_and_starts_anew():
    interval = Interval("defgan")
    interval.add(1, {"cyc": torch.tensor(1.0), "id": torch.tensor(4.0)})
    interval.add(2, {"cyc": torch.tensor(3.0), "id": torch.tensor(8.0)})
    assert interval.close("state.pt") == {"cyc": torch.tensor(2.0), "id": torch.tensor(6.0)}
    interval.add(3, {"cyc": torch.tensor(5.0)})
    assert interval.close("state.pt") == {"cyc": torch.tensor(5.0)}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_named_with_its_iteration_and_the_last_good_checkpoint(value):
    interval = Interval("defgan")
    interval.add(41, {"cyc": torch.tensor(1.0), "grad_g": torch.tensor(1.0)})
    interval.add(42, {"cyc": torch.tensor(1.0), "grad_g": torch.tensor(value)})
    interval.add(43, {"cyc": torch.tensor(math.nan), "grad_g": torch.tensor(value)})
    with pytest.raises(UserError, match=r"grad_g is (nan|inf) at iteration 42;.* checkpoint is here/state\.pt"):
        interval.close("here/state.pt")


@pytest.mark.parametrize(
    ("row", "remedy"),
    [
        ({"mask_mean": 0.001, "offset_mean": 1.0}, "lower the one"),
        ({"mask_mean": 0.99, "offset_mean": 1.0}, "raise the other"),
        ({"mask_mean": 0.3, "offset_mean": 0.001}, "lambda_eye_g"),
    ],
)
def test_a_failure_that_lasts_is_said_once_with_its_remedy(row, remedy):
    guard = Guard(("lower the one", "raise the other"))
    assert [guard.check(row) for _ in range(LONG - 1)] == [[]] * (LONG - 1)
    (warning,) = guard.check(row)
    assert remedy in warning
    assert guard.check(row) == []


def test_healthy_and_passing_failures_are_not_worth_a_word():
    guard = Guard(("", ""))
    frozen = {"mask_mean": 0.001, "offset_mean": 0.001}
    for _ in range(3):
        for row in [frozen] * (LONG - 1) + [{"mask_mean": 0.3, "offset_mean": 1.0}]:
            assert guard.check(row) == []
    # A model without a mask or a grid has no such figures.
    assert [guard.check({}) for _ in range(2 * LONG)] == [[]] * (2 * LONG)


def test_figures_of_an_edit():
    images = torch.zeros(1, 3, 8, 8)
    offsets = torch.zeros(1, 8, 8, 2)
    offsets[0, 2, 3] = torch.tensor([3.0, 4.0])
    figures = edit_figures(Edit(images, images, to_grid(offsets), torch.full((1, 1, 8, 8), 0.25), images))
    assert figures["mask_mean"] == 0.25
    assert figures["offset_max"].item() == pytest.approx(5.0, rel=1e-4)
    assert figures["offset_mean"].item() == pytest.approx(5 / 64, rel=1e-3)
    assert edit_figures(Edit(images)) == {}


def test_a_grid_is_folded_where_it_runs_backward():
    grid = identity_grid(8, 8)
    images, mask = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    assert edit_figures(Edit(images, images, grid, mask))["folded"] == 0
    assert edit_figures(Edit(images, images, grid.flip(2), mask))["folded"] == 1


def test_timings_count_images_and_waiting():
    timings = Timings(torch.device("cpu"))
    timings.batch(waited=0.0, images=8)
    timings.batch(waited=0.0, images=8)
    first = timings.close()
    assert first["images_per_s"] > 0
    assert first["data_wait"] == 0
    assert first["memory_gb"] > 0.01
    assert timings.close()["images_per_s"] == 0
