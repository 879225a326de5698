"""Makes shards in processes of this machine: one core each, and a crash of one leaves the others alone."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

import cv2

from defgan.faces.preparation import Recipe, Shard, prepare_shard
from defgan.records import Record

Engine = Callable[[Iterator[tuple[int, Sequence[Record]]], Recipe, int], Iterator[tuple[int, Shard | None]]]
"""Makes shards (number, records) with so many workers; yields them in any order, None for one whose process died."""


class CrashError(Exception):
    """The process that made a shard died: by a bug in a decoder, or for lack of memory."""


def local_engine(
    tasks: Iterator[tuple[int, Sequence[Record]]], recipe: Recipe, workers: int
) -> Iterator[tuple[int, Shard | None]]:
    """An `Engine`: processes of this machine, or this process alone where one worker is wanted."""
    if workers == 1:
        with one_core(recipe):
            for index, records in tasks:
                yield index, prepare_shard(records, recipe)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=use_one_core, initargs=(recipe,)) as pool:
        running: dict[Future, int] = {}
        for index, records in tasks:
            try:
                running[pool.submit(prepare_shard, records, recipe)] = index
            except BrokenProcessPool:  # the rest is made one by one, in processes of their own
                yield index, None
                continue
            if len(running) >= 2 * workers:  # each works on one, and one waits
                yield from _finished(running, FIRST_COMPLETED)
        while running:
            yield from _finished(running, FIRST_COMPLETED)


def _finished(running: dict[Future, int], when: str) -> Iterator[tuple[int, Shard | None]]:
    for future in wait(running, return_when=when).done:
        index = running.pop(future)
        yield index, None if isinstance(future.exception(), BrokenProcessPool) else future.result()


def use_one_core(recipe: Recipe) -> None:
    """One core for this process: MTCNN's many small operations gain nothing from more."""
    cv2.setNumThreads(1)
    if recipe.source.points == "mtcnn":  # else torch, which takes seconds to load, is not needed
        import torch

        torch.set_num_threads(1)


@contextmanager
def one_core(recipe: Recipe) -> Iterator[None]:
    """`use_one_core`, undone afterwards."""
    threads = cv2.getNumThreads()
    torch_threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    use_one_core(recipe)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if torch_threads:
            sys.modules["torch"].set_num_threads(torch_threads)


def run_apart(records: Sequence[Record], recipe: Recipe) -> Shard:
    """The shard, made by a process of its own. Raises CrashError where it dies."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=use_one_core, initargs=(recipe,)) as pool:
        try:
            return pool.submit(prepare_shard, records, recipe).result()
        except BrokenProcessPool as error:
            raise CrashError from error
