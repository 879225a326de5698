"""The files of a run are planned before the first photograph is edited."""

import os
from pathlib import Path

import pytest
from PIL import Image

from defgan.editing.inputs import NO_PHOTOGRAPHS, Given, find_photographs
from defgan.editing.plan import LONGEST, plan
from defgan.errors import UserError

PICTURE = Image.new("RGB", (8, 8))


def given(*names: str) -> list[Given]:
    return [Given(Path(name), Path(name).parent) for name in names]


def beside(each: Given, whole_name: bool) -> dict[str, Path]:
    """Each edit beside its photograph, as PNG, with one part."""
    stem = each.path.name if whole_name else each.path.stem
    edit = each.path.parent / f"{stem}.happy.png"
    return {"edit": edit, "mask": edit.with_suffix(".mask.png")}


def planned(photographs, name=beside, overwrite=False):
    """The files of each photograph, or the reason why there are none."""
    outcomes = plan(photographs, name, overwrite)
    return [str(each) if isinstance(each, UserError) else [str(path) for path in each.values()] for each in outcomes]


def test_photographs_with_one_stem_keep_their_whole_names():
    assert planned(given("a/p.bmp", "a/q.png", "a/p.gif", "b/p.gif")) == [
        ["a/p.bmp.happy.png", "a/p.bmp.happy.mask.png"],
        ["a/q.happy.png", "a/q.happy.mask.png"],
        ["a/p.gif.happy.png", "a/p.gif.happy.mask.png"],
        ["b/p.happy.png", "b/p.happy.mask.png"],
    ]


@pytest.mark.parametrize(
    "names", [("IMG.bmp", "img.gif"), ("caf\u00e9.bmp", "cafe\u0301.gif"), ("x/../a.bmp", "a.gif")]
)
def test_names_that_some_file_systems_take_for_one_are_one(names):
    assert len({path.casefold() for files in planned(given(*names)) for path in files}) == 4
    assert all(".bmp." in files[0] or ".gif." in files[0] for files in planned(given(*names)))


def test_what_still_is_one_file_is_refused_by_name():
    first, second, third = planned(given("k.bmp", "k.gif", "k.bmp.png"))
    assert first == "its edit and that of k.bmp.png would be one file; edit them one after the other"
    assert third == "its edit and that of k.bmp would be one file; edit them one after the other"
    assert second == ["k.gif.happy.png", "k.gif.happy.mask.png"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_photograph_of_the_run_is_replaced(tmp_path, monkeypatch, overwrite):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "a.happy.png", "b.jpg", "b.happy.mask.png"):
        PICTURE.save(name)
    first, _, third, _ = planned(given("a.jpg", "a.happy.png", "b.jpg", "b.happy.mask.png"), overwrite=overwrite)
    assert first == "its edit would replace a.happy.png, another photograph of this run; edit them one by one"
    assert third == "its edit would replace b.happy.mask.png, another photograph of this run; edit them one by one"


def test_files_that_are_there_are_kept_parts_among_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.happy.mask.png").write_text("mine")
    Path("b.happy.png").mkdir()
    os.symlink("nowhere", "c.happy.png")
    first, second, third = planned(given("a.jpg", "b.jpg", "c.jpg"))
    assert first.startswith("a.happy.mask.png exists already; --overwrite replaces it")
    assert second == "b.happy.png is a folder"
    assert third.startswith("c.happy.png exists already")
    first, second, third = planned(given("a.jpg", "b.jpg", "c.jpg"), overwrite=True)
    assert first == ["a.happy.png", "a.happy.mask.png"] and second == "b.happy.png is a folder"


def test_names_that_no_file_can_have_are_refused():
    fits, too_long, accents = planned(given("n" * (LONGEST - 15) + ".png", "n" * 250 + ".png", "é" * 122 + ".png"))
    assert fits[1] == "n" * (LONGEST - 15) + ".happy.mask.png"
    assert too_long == "the name of its edit would have 260 bytes, 255 are possible; name a file with --output"
    assert accents.startswith("the name of its edit would have 259 bytes")


def test_what_is_rejected_already_is_in_nobodys_way():
    missing = Given(Path("a.bmp"), Path(), "no such file")
    assert planned([missing, *given("a.gif")]) == ["no such file", ["a.happy.png", "a.happy.mask.png"]]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/x.jpg", "a/deep/y.png", "b/x.jpg", "top.bmp"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.save(path)
    Path("a/notes.txt").write_text("x")
    Path("a/raw.CR2").write_text("x")
    Path("empty").mkdir()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a"], ["deep/y", "x"]),
        (["a/x.jpg", "b/x.jpg"], ["a/x", "b/x"]),
        (["a", "b"], ["a/deep/y", "a/x", "b/x"]),
        (["a/**/*.png"], ["deep/y"]),
        (["*/x.*"], ["a/x", "b/x"]),
        (["a/x.jpg", "./a/x.jpg", "a", "b/../a/x.jpg"], ["x", "deep/y"]),
        (["top.bmp"], ["top"]),
        (["."], ["a/deep/y", "a/x", "b/x", "top"]),
    ],
)
def test_folders_are_kept_below_the_one_that_all_share(tree, arguments, expected):
    photographs, _ = find_photographs(arguments)
    assert [str(each.below / each.path.stem) for each in photographs] == expected


def test_what_is_skipped_is_counted_and_named(tree):
    for arguments in (["a"], ["a/*"]):
        _, skipped = find_photographs(arguments)
        counts = {"no photograph by its name (.txt)": 1, "no photograph by its name (.cr2)": 1}
        assert skipped.counts == counts
        assert Path(skipped.examples["no photograph by its name (.cr2)"]).name == "raw.CR2"


def test_what_is_not_there_is_named(tree):
    photographs, _ = find_photographs(["none.jpg", "empty", "*.heic", "top.bmp"])
    assert [each.reject for each in photographs] == ["no such file", NO_PHOTOGRAPHS, NO_PHOTOGRAPHS, ""]
