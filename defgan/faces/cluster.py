"""Makes shards on many machines, as tasks of Ray (extra `cluster`).

`RAY_ADDRESS` names the cluster; without it Ray starts on this machine. Every node must have the project installed and
see the photographs under the same paths. Shards come back through Ray and are kept where the run was started.
"""

import os
from collections.abc import Iterator, Sequence

from defgan.errors import UserError
from defgan.extras import how_to_install
from defgan.faces.preparation import Recipe, Shard, prepare_shard
from defgan.faces.processes import use_one_core
from defgan.records import Record

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def ray_engine(
    tasks: Iterator[tuple[int, Sequence[Record]]], recipe: Recipe, workers: int
) -> Iterator[tuple[int, Shard | None]]:
    """An `Engine`: a Ray cluster, with at most twice as many shards in progress as it has cores."""
    try:
        import ray
    except ImportError:
        raise UserError(
            f"prepare.engine: ray needs the package ray; set local, or install it {how_to_install('cluster')}"
        ) from None
    started = not ray.is_initialized()
    if started:
        # A cluster knows its own cores; on this machine Ray gets as many as there are workers.
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="error", **local)
    try:
        # A crash is not retried: `isolate` then looks for the photograph that causes it.
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
