"""Every run of every stage in the browser: `python -m tools.mlflow_ui`, or `make mlflow PORT=5000`.

It first writes the runs that still wait and sets right what MLflow says of a repository that was moved.
"""

import os
import socket
import sys
from typing import Annotated

import typer

from defgan.errors import UserError, plain_errors
from defgan.tracking import mlflow_installed
from defgan.tracking_writer import ADDRESS, WAITING, artifacts, database, open_store, write_waiting
from stages.common import console, repository_root

HOST = "127.0.0.1"
PORTS_TRIED = 100
REFUSED = {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
"""Ports that browsers refuse (the fetch standard's "bad ports")."""
NO_JOBS = ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
"""MLflow's server would start seven more processes, for jobs that judge language models."""


def free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on and browsers accept."""
    for port in sorted({*range(first, min(first + PORTS_TRIED, 65536))} - REFUSED):
        with socket.socket() as probe:
            # As servers do: a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise UserError(f"no free port from {first} on; name another one with --port")


def mlflow_ui(port: Annotated[int, typer.Option(min=1, max=65535, help="or the next free one")] = 5000) -> None:
    """Show MLflow's records in the browser."""
    with plain_errors("mlflow"):
        if not mlflow_installed():
            raise UserError("MLflow is not installed; `make setup` installs it")
        root, address = repository_root(), os.environ.get(ADDRESS, "")
        with open_store(root):
            pass
        if left := write_waiting(root):
            console.print(f"mlflow: {left} runs still wait in {WAITING}", highlight=False)
        if address.startswith(("http:", "https:")):
            console.print(f"mlflow: the runs are on the server that {ADDRESS} names: {address}", highlight=False)
            return
        chosen = free_port(port)
        busy = "" if chosen == port else f" (port {port} is in use, or refused by browsers)"
        console.print(f"mlflow: http://{HOST}:{chosen}{busy}; Ctrl-C ends it", highlight=False)
    store = address or f"sqlite:///{database(root)}"
    places = ("--backend-store-uri", store, "--default-artifact-root", artifacts(root).as_uri())
    os.environ.setdefault(*NO_JOBS)
    command = [sys.executable, "-m", "mlflow", "ui", *places, "--host", HOST, "--port", str(chosen), "--workers", "1"]
    os.execv(sys.executable, command)


def main() -> None:
    """Entry point of `python -m tools.mlflow_ui`."""
    typer.run(mlflow_ui)


if __name__ == "__main__":
    main()
