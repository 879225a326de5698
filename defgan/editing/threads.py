"""How many threads torch computes with: one where that is faster, and a batch in parts."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one core: networks as small as MTCNN's lose more by waiting for a second one than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="networks")


def in_parts(run: Callable[..., Sequence[Tensor | None]], *inputs: Tensor) -> list[Tensor | None]:
    """What `run` makes of a batch on the CPU, without gradients: tensors with N rows each, from inputs with N rows.

    Each thread takes whole images, where torch would divide every layer between the threads and wait for all of them
    in between. With more threads than images, an image has several.
    """
    threads = torch.get_num_threads()
    parts = min(threads, len(inputs[0]))
    if parts == 1:
        with torch.inference_mode():
            return list(run(*inputs))

    def one(chunks: tuple[Tensor, ...]) -> Sequence[Tensor | None]:
        # Of this thread alone, and of threads that start later; so it is set back below.
        torch.set_num_threads(threads // parts)
        with torch.inference_mode():
            return run(*(chunk.contiguous() for chunk in chunks))

    try:
        made = list(_pool().map(one, zip(*(tensor.tensor_split(parts) for tensor in inputs), strict=True)))
    finally:
        torch.set_num_threads(threads)
    return [None if whole[0] is None else torch.cat(whole) for whole in zip(*made, strict=True)]
