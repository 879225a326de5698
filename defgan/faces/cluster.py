"""Shards on many machines: the same function as Ray tasks (extra `cluster`).

`RAY_ADDRESS` names the cluster; without it Ray starts on this machine. Every node must see the photographs under the
same paths and have the project installed; shards come back through Ray, and are kept where the run was started.
"""

import os
from collections.abc import Iterator, Sequence

from defgan.datasets import Record
from defgan.errors import UserError
from defgan.faces.preparation import Recipe, Shard, prepare_shard
from defgan.faces.shards import use_one_core

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def ray_engine(
    tasks: Iterator[tuple[int, Sequence[Record]]], recipe: Recipe, workers: int
) -> Iterator[tuple[int, Shard | None]]:
    """Shards by a Ray cluster, at most twice as many on their way as it has cores; see `defgan.faces.shards.Engine`."""
    try:
        import ray
    except ImportError:
        raise UserError(
            "prepare.engine: ray needs the package ray; install the extra `cluster`, or set local"
        ) from None
    started = not ray.is_initialized()
    if started:
        # A cluster has its own cores; here there are as many as workers are wanted.
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="error", **local)
    try:
        # A crash is not tried again as it is: it is looked into, one photograph at a time.
        work = ray.remote(num_cpus=1, max_retries=0)(_work)
        recipe_everywhere = ray.put(recipe)
        most = 2 * max(1, int(ray.cluster_resources().get("CPU", workers)))
        running: dict[ray.ObjectRef, int] = {}
        for index, records in tasks:
            running[work.remote(records, recipe_everywhere)] = index
            if len(running) >= most:
                yield _next(running)
        while running:
            yield _next(running)
    finally:
        if started:
            ray.shutdown()


def _work(records: Sequence[Record], recipe: Recipe) -> Shard:
    use_one_core(recipe)
    return prepare_shard(records, recipe)


def _next(running: dict) -> tuple[int, Shard | None]:
    import ray

    [done], _ = ray.wait(list(running), num_returns=1)
    index = running.pop(done)
    try:
        return index, ray.get(done)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        return index, None
