"""A Python that has loaded the large packages once: stages, MLflow's writers and DVC are forks of it.

What a tiny stage costs is mostly the import of torch, pandas and matplotlib, and of MLflow in its writer; the
end-to-end tests start some sixty of them. A fork imports the project's modules from where it runs, as
`python -m stages.NAME` does. It has its caller's arguments, directory, environment and standard streams, is killed with
its caller, and its caller ends as it does. The real program runs all else, and everything where PYTHONPATH is set.

    python -P forks.py FOLDER                           serves, until its standard input ends
    python -IS forks.py FOLDER python -m stages.targets calls; FOLDER/python and FOLDER/dvc do this
"""

import os
import socket
import sys

SOCKET = "socket"
MESSAGE = 150_000
"""Bytes of the longest call, with its environment."""
OF_WRITERS = ("mlflow", "mlflow.entities", "mlflow.store.tracking.sqlalchemy_store", "alembic.command")
OF_ALL = ("lightning_fabric", "torch.optim.swa_utils", "torch_fidelity", "torchmetrics.functional.image", "cv2")
OF_ALL += ("ai_edge_litert.interpreter", "efficientnet_lite_pytorch", "safetensors.torch", "pandas", "pyarrow.parquet")
OF_ALL += ("matplotlib.backends.backend_pdf", "matplotlib.pyplot", "seaborn", "scipy.ndimage", "scipy.sparse.csgraph")
OF_ALL += ("statsmodels.stats.multitest", "jinja2", "pydantic", "typer", "rich.progress", "dvc.cli.parser")


def call(folder: str, program: str, *words: str) -> None:
    """Have a fork do it and end as it does; else become the real program."""
    served = program == "dvc" or words[:1] == ("-P",) or (words[:1] == ("-m",) and words[1].startswith("stages."))
    if not served or "PYTHONPATH" in os.environ:
        real = os.path.join(os.path.dirname(sys.executable), program)
        os.execv(real, [real, *words])
    import json

    request = json.dumps([("-m", "dvc", *words) if program == "dvc" else words, os.getcwd(), dict(os.environ)])
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(os.path.join(folder, SOCKET))
        socket.send_fds(connection, [request.encode()], [0, 1, 2])
        code = int(connection.recv(100) or 1)
    if code < 0:  # by a signal
        os.kill(os.getpid(), -code)
    sys.exit(code)


def serve(folder: str) -> None:
    """Load the packages, then fork for every call."""
    import gc
    import importlib
    import select
    import signal

    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    sys.modules["pandas"] = None  # as in `defgan/tracking_writer.py`
    for name in OF_WRITERS:
        importlib.import_module(name)
    del sys.modules["pandas"]
    for name in OF_ALL:
        importlib.import_module(name)
    # A fork would lack the threads that an import has started. jemalloc, which pyarrow brings, starts its own anew.
    threads = [open(f"/proc/self/task/{number}/comm").read().strip() for number in os.listdir("/proc/self/task")]
    assert len(threads) - threads.count("jemalloc_bg_thd") == 1, threads
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(os.path.join(folder, SOCKET))
    listener.listen(16)
    gc.freeze()  # else the first collection of a fork copies all that it shares
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that `watch`
    while select.select([listener, 0], [], [])[0] == [listener]:
        connection = listener.accept()[0]
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            return watch(folder, connection)
        connection.close()


def watch(folder: str, connection: socket.socket) -> None:
    """Fork once more. When that fork ends, tell its caller; when the caller is gone, kill the fork and its children."""
    import json
    import select
    import signal

    request, streams, _, _ = socket.recv_fds(connection, MESSAGE, 3)
    worker = os.fork()
    if worker == 0:
        connection.close()
        os.setsid()
        become(folder, streams, *json.loads(request))
    for stream in streams:
        os.close(stream)
    if connection in select.select([connection, os.pidfd_open(worker)], [], [])[0]:
        for kill in (os.killpg, os.kill):  # it may not yet have a group of its own
            try:
                kill(worker, signal.SIGKILL)
            except ProcessLookupError:
                continue
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    try:
        connection.send(str(code).encode())
    except BrokenPipeError:
        pass
    os._exit(0)


def become(folder: str, streams: list[int], words: list[str], directory: str, environment: dict[str, str]) -> None:
    """Be what the caller has asked for, to its end."""
    import atexit
    import runpy
    import threading

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = os.path.join(folder, "python")  # what it starts are forks, too
    sys.argv, code = words[1:], 0
    try:
        if words[0] == "-m":
            sys.path.insert(0, directory)
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[1], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    # As Python ends, but for taking down every module: that would copy all that is shared, in seconds.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(*sys.argv[1:]) if len(sys.argv) == 2 else call(*sys.argv[1:])
