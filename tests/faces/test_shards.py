"""A role in shards: in any number of processes, killed and gone on with, put together as if made at once."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defgan import alignment
from defgan.alignment import POINT_COLUMNS
from defgan.datasets import read_dataset
from defgan.errors import UserError
from defgan.faces import processes, shards
from defgan.faces.preparation import Recipe, prepare_shard, sharpness
from defgan.faces.processes import CrashError
from defgan.faces.shards import cut, isolate, prepare_faces
from defgan.faces.table import read_faces
from defgan.facs import AU_NAMES
from defgan.params import Source
from defgan.records import Record
from tests.conftest import ROOT

POINTS = alignment.template(80) + 8.0
COUNT = 40
FILES = ("faces.parquet", "pixels.npy", "rejects.parquet", "contact_sheet.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Annotated pictures of twenty subjects, every eighth without points."""
    directory, rows = tmp_path_factory.mktemp("photos"), []
    for number in range(COUNT):
        name = f"s{number // 2:02d}_{number % 2}.png"
        colours = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(colours).resize((96, 96)).save(directory / name)
        points = [None] * 10 if number % 8 == 7 else POINTS.ravel()
        row = {"path": name, "subject": name[:3], **dict.fromkeys(AU_NAMES, number / COUNT)}
        rows.append(row | dict(zip(POINT_COLUMNS, points, strict=True)))
    pd.DataFrame(rows).to_csv(directory / "annotations.csv", index=False)
    return directory


def source(path) -> Source:
    return Source(path=str(path), layout="folder", points="annotations", action_units="annotations")


def make(folder, out: Path, options, **changes) -> dict[str, bytes]:
    options = options.model_copy(update=changes)
    dataset = read_dataset("folder", folder)
    prepare_faces(dataset, "train", source(folder), 32, options, 0, out / "made", out / "state")
    return {name: (out / "made" / name).read_bytes() for name in FILES}


@pytest.fixture
def few(monkeypatch) -> None:
    """Shards of a few photographs, row groups of a few rows."""
    monkeypatch.setattr(shards.cut, "__defaults__", (7,))


def test_the_shards_leave_no_trace(folder, params, tmp_path, monkeypatch):
    options = params.prepare.model_copy(update={"workers": 1})
    whole = make(folder, tmp_path / "whole", options)
    monkeypatch.setattr(shards.cut, "__defaults__", (7,))
    assert make(folder, tmp_path / "cut", options) == whole
    assert len(read_faces(tmp_path / "cut/made").frame) == 35
    # Written a few rows at a time the table has other bytes and the same content.
    monkeypatch.setattr(shards, "ROW_GROUP", 10)
    make(folder, tmp_path / "groups", options)
    pd.testing.assert_frame_equal(
        read_faces(tmp_path / "groups/made").frame, read_faces(tmp_path / "whole/made").frame, check_exact=True
    )


def test_two_processes_make_the_same_as_one(folder, params, tmp_path, few):
    alone = make(folder, tmp_path / "alone", params.prepare, workers=1)
    assert make(folder, tmp_path / "two", params.prepare, workers=2) == alone


@pytest.mark.long
def test_a_ray_cluster_makes_the_same_as_one_process(folder, params, tmp_path, few):
    """Starting a cluster takes longer than all other tests of the shards; it serves those who install an extra."""
    pytest.importorskip("ray")
    alone = make(folder, tmp_path / "alone", params.prepare, workers=1)
    assert make(folder, tmp_path / "ray", params.prepare, workers=2, engine="ray") == alone


def test_ray_that_is_not_installed_is_one_line(folder, params, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"prepare\.engine: ray needs the package ray"):
        make(folder, tmp_path, params.prepare, workers=1, engine="ray")


def test_a_killed_run_goes_on_with_what_is_missing(folder, params, tmp_path, few, monkeypatch):
    made, calls = processes.prepare_shard, []

    def killed(records, recipe):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(len(records))
        return made(records, recipe)

    monkeypatch.setattr(processes, "prepare_shard", killed)
    with pytest.raises(KeyboardInterrupt):
        make(folder, tmp_path / "a", params.prepare, workers=1)
    assert calls == [7, 7, 7] and not (tmp_path / "a/made").exists()
    calls.clear()
    calls_again: list[int] = []
    monkeypatch.setattr(
        processes, "prepare_shard", lambda records, recipe: calls_again.append(len(records)) or made(records, recipe)
    )
    again = make(folder, tmp_path / "a", params.prepare, workers=1)
    assert calls_again == [7, 7, 5]
    assert not any((tmp_path / "a/state").iterdir())
    monkeypatch.setattr(processes, "prepare_shard", made)
    assert again == make(folder, tmp_path / "b", params.prepare, workers=1)


def test_two_runs_of_one_role_do_not_get_in_each_others_way(folder, params, tmp_path, few):
    """They share the state, as queued experiments do, and each ends with all of it."""
    with ThreadPoolExecutor(2) as pool:
        state = tmp_path / "state"
        options = params.prepare.model_copy(update={"workers": 1})
        runs = [
            pool.submit(
                prepare_faces,
                read_dataset("folder", folder),
                "train",
                source(folder),
                32,
                options,
                0,
                tmp_path / name,
                state,
            )
            for name in "ab"
        ]
        assert [run.result().faces for run in runs] == [35, 35]
    assert (tmp_path / "a/pixels.npy").read_bytes() == (tmp_path / "b/pixels.npy").read_bytes()


@pytest.mark.parametrize("change", ["photograph", "annotation", "param", "code"])
def test_a_finished_shard_counts_only_for_what_made_it(folder, params, change, tmp_path, monkeypatch):
    records = read_dataset("folder", folder).records[:4]
    recipe = Recipe("train", source(folder), 32, params.prepare)
    key = shards._shard_key(records, recipe, b"")
    same = recipe.options.model_copy(update={"workers": 3, "engine": "ray", "val_share": 0.5})
    assert shards._shard_key(records, Recipe("train", source(folder), 32, same), b"") == key
    if change == "photograph":
        copy = tmp_path / "s00_0.png"
        copy.write_bytes(records[0].path.read_bytes() + b" ")
        records = [Record(records[0].source, str(copy), "s00", points=records[0].points, aus=records[0].aus)]
        key = shards._shard_key([read_dataset("folder", folder).records[0]], recipe, b"")
    elif change == "annotation":
        records[2].aus[3] += 0.1
    elif change == "param":
        recipe = Recipe("train", source(folder), 32, recipe.options.model_copy(update={"max_yaw": 30.0}))
    assert shards._shard_key(records, recipe, b"new" if change == "code" else b"") != key


def test_a_stage_that_was_killed_for_real_goes_on(folder, tmp_path):
    """SIGKILL in the middle, to the whole process group; the second run ends with the rows of an undisturbed one."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from defgan.datasets import read_dataset\n"
        "from defgan.faces import shards\n"
        "from defgan.params import Source, load_params\n"
        "shards.cut.__defaults__ = (4,)\n"
        "made = shards._write_part\n"
        "shards._write_part = lambda *given: (made(*given), time.sleep(float(sys.argv[2])))\n"
        f"source = Source(path={str(folder)!r}, layout='folder', points='annotations', action_units='annotations')\n"
        f"options = load_params({str(ROOT / 'params.yaml')!r}).prepare.model_copy(update={{'workers': 1}})\n"
        f"shards.prepare_faces(read_dataset('folder', {str(folder)!r}), 'train', source, 32, options, 0,\n"
        "    Path(sys.argv[1]) / 'made', Path(sys.argv[1]) / 'state')\n"
    )

    def start(out: str, pause: float) -> subprocess.Popen:
        command = [sys.executable, script, tmp_path / out, str(pause)]
        return subprocess.Popen(command, cwd=ROOT, start_new_session=True)

    first = start("a", 60.0)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "a/state").glob("000000-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert len(list((tmp_path / "a/state").glob("0*"))) == 1 and not (tmp_path / "a/made").exists()
    for out in ("a", "b"):
        assert start(out, 0.0).wait() == 0
    for name in FILES:
        assert (tmp_path / "a/made" / name).read_bytes() == (tmp_path / "b/made" / name).read_bytes()


def test_what_kills_the_process_is_found_and_refused(folder, params):
    records = read_dataset("folder", folder).records
    recipe = Recipe("train", source(folder), 32, params.prepare)
    killers = {"s03_1.png", "s11_0.png"}
    runs = []

    def run(given, recipe):
        runs.append(len(given))
        if killers & {record.source for record in given}:
            raise CrashError
        return prepare_shard(given, recipe)

    shard = isolate(records, recipe, run)
    died = shard.rejects[shard.rejects["reason"] == "unreadable image: the process that read it died"]
    assert set(died["source"]) == killers
    assert len(shard.frame) + len(shard.rejects) == shard.inputs == COUNT
    expected = prepare_shard([record for record in records if record.source not in killers], recipe)
    pd.testing.assert_frame_equal(shard.frame, expected.frame)
    np.testing.assert_array_equal(shard.pixels, expected.pixels)
    assert len(runs) < 30


def test_a_worker_that_dies_stops_nothing(folder, params, tmp_path, few, monkeypatch):
    """The pool breaks; its shards are made again, each by a process of its own."""
    apart = []

    def broken(tasks, recipe, workers):
        for index, records in tasks:
            yield index, None if index in (1, 4) else prepare_shard(records, recipe)

    monkeypatch.setattr(shards, "local_engine", broken)
    monkeypatch.setattr(
        shards, "run_apart", lambda records, recipe: apart.append(len(records)) or prepare_shard(records, recipe)
    )
    found = make(folder, tmp_path / "a", params.prepare, workers=2)
    assert apart == [7, 7]
    monkeypatch.undo()
    assert found == make(folder, tmp_path / "b", params.prepare, workers=1)


def die(records, recipe):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_of_its_own_that_is_killed_is_a_crash(folder, params, monkeypatch):
    monkeypatch.setattr(processes, "prepare_shard", die)
    recipe = Recipe("train", source(folder), 32, params.prepare)
    with pytest.raises(CrashError):
        processes.run_apart(read_dataset("folder", folder).records[:1], recipe)
    tasks = iter([(0, read_dataset("folder", folder).records[:1])] * 5)
    assert [shard for _, shard in processes.local_engine(tasks, recipe, 2)] == [None] * 5


def test_frames_of_a_take_stay_together():
    takes = ["a"] * 3 + ["b"] * 5 + [""] * 4
    records = [Record(str(number), "", "", take=take) for number, take in enumerate(takes)]
    assert list(cut(records, 4)) == [(0, 8), (8, 12)]
    assert list(cut(records, 1)) == [(0, 3), (3, 8), (8, 9), (9, 10), (10, 11), (11, 12)]
    assert list(cut([], 4)) == []


def test_blur_lowers_the_sharpness():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    blurred = np.asarray(Image.fromarray(image).reduce(4).resize((64, 64), Image.Resampling.BICUBIC))
    assert sharpness(blurred) < sharpness(image) / 10
    assert sharpness(np.full((64, 64, 3), 80, np.uint8)) == 0


def test_turned_blurred_and_small_faces_are_refused_by_params(folder, params, tmp_path):
    options = params.prepare
    recipe = Recipe("train", source(folder), 32, options)
    turned = POINTS.copy()
    turned[2, 0] += 20
    record = read_dataset("folder", folder).records[0]
    records = [record, Record(record.source, record.file, "x", points=turned, aus=record.aus)]

    def reasons(**changes):
        changed = options.model_copy(update=changes)
        shard = prepare_shard(records, Recipe("train", recipe.source, 32, changed))
        return [len(shard.frame), *shard.rejects["reason"]]

    assert reasons() == [2]
    assert reasons(max_yaw=40.0) == [1, f"turned aside: by {abs(alignment.yaw(turned)):.0f}°, prepare.max_yaw is 40"]
    assert reasons(min_face=81)[0] < 2
    assert reasons(min_sharpness=1e6)[1].startswith("blurred: sharpness ")


def test_a_small_face_in_a_large_photograph_is_read_again(params, tmp_path):
    """It is read small first; the crop has the detail of the file, and the transform is to the file's pixels."""
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    face = Image.fromarray(colours).resize((128, 128), Image.Resampling.NEAREST)
    large = Image.new("RGB", (4000, 3000), (90, 90, 90))
    large.paste(face, (1000, 700))
    large.save(tmp_path / "a.png")
    points = alignment.template(128) + np.array([1000.0, 700.0])
    record = Record("a.png", str(tmp_path / "a.png"), "a", points=points, aus=np.zeros(17, np.float32))
    shard = prepare_shard([record], Recipe("wild", source(tmp_path), 64, params.prepare))
    assert np.abs(shard.pixels[0].astype(int) - colours).mean() < 8
    transform = shard.frame.filter(like="crop_").to_numpy(float).reshape(2, 3)
    np.testing.assert_allclose(alignment.apply(transform, points), alignment.template(64), atol=1e-9)
