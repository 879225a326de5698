"""What `make mlflow` does before MLflow itself starts."""

import os
import socket

import pytest

from defgan.errors import UserError
from tools import mlflow_ui as command


def test_the_next_free_port_is_taken():
    with socket.socket() as busy:
        busy.bind((command.HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert port < command.free_port(port) <= port + command.PORTS_TRIED
    assert command.free_port(port) == port
    assert command.free_port(5060) > 5061  # which Chromium calls unsafe


def test_no_free_port_is_said(monkeypatch):
    monkeypatch.setattr(command, "PORTS_TRIED", 0)
    with pytest.raises(UserError, match="no free port from 5000 on"):
        command.free_port(5000)


def test_it_shows_the_store_of_the_repository(tracked, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(os, "execv", lambda program, words: started.append(words))
    command.mlflow_ui(port=45000)
    [words] = started
    assert words[1:4] == ["-m", "mlflow", "ui"] and f"sqlite:///{tracked / 'mlflow.db'}" in words
    assert f"mlflow: http://127.0.0.1:{words[words.index('--port') + 1]}" in capsys.readouterr().out
    assert (tracked / "mlflow.db").is_file()


def test_without_mlflow_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "mlflow_installed", lambda: False)
    with pytest.raises(SystemExit):
        command.mlflow_ui(port=5000)
    assert "make setup" in capsys.readouterr().err
