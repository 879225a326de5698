"""A batch in parts is the batch, and leaves torch's threads as they were."""

import threading

import pytest
import torch

from defgan.editing.threads import in_parts, one_thread


@pytest.fixture(params=[1, 2, 3, 7])
def threads(request):
    """So many threads, of which the caller has as many afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_a_batch_in_parts_is_the_batch(threads):
    seen = []

    def run(images, x):
        assert torch.is_inference_mode_enabled() and (threads == 1 or images.is_contiguous())
        seen.append((threading.get_ident(), len(images), torch.get_num_threads()))
        return images * x[:, :, None], None, x.sum(1)

    images, x = torch.randn(3, 2, 4).transpose(1, 2), torch.randn(3, 4)
    product, nothing, total = in_parts(run, images, x)
    assert torch.equal(product, images * x[:, :, None]) and nothing is None and torch.equal(total, x.sum(1))
    parts = min(threads, 3)
    assert sorted(rows for _, rows, _ in seen) == {1: [3], 2: [1, 2], 3: [1, 1, 1]}[parts]
    assert {own for *_, own in seen} == {threads // parts}
    assert torch.get_num_threads() == threads
    # A thread that starts later computes with as many as before.
    found = []
    late = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    late.start()
    late.join()
    assert found == [threads]


def test_an_error_is_the_callers_and_threads_stay(threads):
    def run(images):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_parts(run, torch.zeros(4, 1))
    assert torch.get_num_threads() == threads


def test_one_thread_for_a_while(threads):
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads
