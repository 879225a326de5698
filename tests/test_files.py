import signal
import subprocess
import sys
import textwrap

import pytest

from defgan.files import atomic_directory, atomic_file


def test_file_appears_whole_and_keeps_its_suffix(tmp_path):
    target = tmp_path / "new" / "table.csv"
    with atomic_file(target) as path:
        assert path.suffix == ".csv" and path.parent == target.parent
        path.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_failure_keeps_the_old_file(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(target) as path:
        path.write_text("ha")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_directory_takes_the_place_of_the_old_one(tmp_path):
    target = tmp_path / "role"
    target.mkdir()
    (target / "old").write_text("old")
    with atomic_directory(target) as path:
        (path / "new").write_text("new")
        assert (target / "old").exists()
    assert [entry.name for entry in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_failure_keeps_the_old_directory(tmp_path):
    target = tmp_path / "role"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(RuntimeError), atomic_directory(target) as path:
        (path / "new").write_text("ha")
        raise RuntimeError
    assert (target / "old").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("writer", ["atomic_file", "atomic_directory"])
def test_kill_leaves_nothing_that_looks_whole(tmp_path, writer):
    target = tmp_path / "out.bin"
    script = f"""
        import os, signal
        from defgan.files import {writer}
        with {writer}({str(target)!r}) as path:
            (path / "part" if path.is_dir() else path).write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not target.exists()
    with getattr(__import__("defgan.files", fromlist=[writer]), writer)(target) as path:
        (path / "part" if path.is_dir() else path).write_text("whole")
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_as_long_as_it_may_be_is_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".txt")
    with atomic_file(path) as temporary:
        assert temporary.suffix == ".txt" and temporary.parent == tmp_path
        temporary.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == [path.name] and path.read_text() == "whole"
