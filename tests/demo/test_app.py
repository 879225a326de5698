"""The page, driven in a browser."""

import re
import threading

import pytest
from PIL import Image

pytest.importorskip("gradio", reason="needs the extra `demo`")

from defgan import methods
from defgan.demo.app import build, launch
from defgan.demo.command import load_editors
from defgan.demo.examples import examples
from defgan.demo.photograph_tab import FIRST
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.video.clip import is_edited_clip
from tests.demo.pictures import two_faces
from tests.editing.video.clips import pan, write_clip

RIVAL = methods.get(DEFAULT).rival
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where Gradio writes."""
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def address(weights, folder):
    """The page, served on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        page = build(load_editors(weights))
        _, url, _ = launch(page, "127.0.0.1", None, block=False)
        yield url
        page.close()


@pytest.fixture
def page(browser, address):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.hosts = set()
    opened.on("request", lambda request: opened.hosts.add(re.match(r"\w+:(//[^/:]*)?", request.url)[0]))
    opened.set_default_timeout(PATIENCE)
    opened.goto(address)
    opened.wait_for_selector('figure[data-name="input"] img')
    yield opened
    opened.close()


def source(page, name):
    return page.locator(f'figure[data-name="{name}"] img').first.get_attribute("src")


def changed(page, name, before):
    page.wait_for_function(
        '([name, before]) => document.querySelector(`figure[data-name="${name}"] img`)?.src !== before',
        arg=[name, before],
    )
    return source(page, name)


def upload(page, button, file):
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(file)


@pytest.fixture
def gate(monkeypatch):
    """Holds the rival's edits while it is cleared; `asked` has the last target of each model."""
    gate, generate = threading.Event(), Editor.generate
    gate.asked = {}

    def waiting(editor, face, y):
        gate.asked[editor.name] = y.tolist()
        if editor.name == RIVAL:
            gate.wait(PATIENCE / 1000)
        return generate(editor, face, y)

    monkeypatch.setattr(Editor, "generate", waiting)
    gate.set()
    yield gate
    gate.set()


def test_it_opens_with_an_edit_that_can_be_changed_neutralised_and_downloaded(page, folder, gate, tmp_path):
    assert "Action units of the photograph" in page.locator("#aus").inner_text()
    names = (DEFAULT, RIVAL, f"{DEFAULT}-deformed", f"{DEFAULT}-grid", f"{DEFAULT}-difference")
    first = {name: source(page, name) for name in names}
    assert page.get_by_label(FIRST).first.is_checked() and first[DEFAULT] != source(page, "input")

    page.get_by_label("happy").first.check()
    happy = {name: changed(page, name, before) for name, before in first.items()}
    assert page.locator("#AU12 input[type=number]").input_value() == "1"

    strength = page.locator("#strength input[type=number]")
    gate.clear()
    stronger = happy[DEFAULT]
    for value in ("0.3", "1.5"):  # the second change does not wait for the rival's edit of the first one
        strength.fill(value)
        strength.press("Tab")
        stronger = changed(page, DEFAULT, stronger)
        assert source(page, RIVAL) == happy[RIVAL], "the default's edit comes first"
    gate.set()
    changed(page, RIVAL, happy[RIVAL])
    for _ in range(PATIENCE // 100):
        if gate.asked[RIVAL] == gate.asked[DEFAULT]:
            break
        page.wait_for_timeout(100)
    assert gate.asked[RIVAL] == gate.asked[DEFAULT], "the rival follows the newest change"

    photograph = source(page, "input")
    page.locator("#face2").click()
    changed(page, "input", photograph)
    smiling = changed(page, DEFAULT, stronger)
    assert page.get_by_label("happy").first.is_checked(), "another face keeps the wanted expression"

    page.locator("#neutralise").click()
    changed(page, DEFAULT, smiling)
    page.wait_for_function("document.querySelector('#AU12 input[type=number]').value === '0'")

    page.locator("#make").click()
    with page.expect_download() as download:
        page.locator("#download").click()
    download.value.save_as(tmp_path / "edited.jpg")
    assert (tmp_path / "edited.jpg").read_bytes().startswith(b"\xff\xd8")
    assert list(folder.rglob(f"edited.{DEFAULT}.jpg")), "Gradio writes elsewhere: nothing is said about what it keeps"
    assert page.hosts <= {"http://127.0.0.1", "data:", "blob:"}, "something was fetched from elsewhere"


def test_photographs_and_clips_are_uploaded_edited_and_not_kept(page, folder, face_pixels, tmp_path):
    group = tmp_path / "group.png"
    Image.fromarray(two_faces()).save(group)
    photograph = source(page, "input")
    upload(page, "#upload", group)
    largest = changed(page, "input", photograph)
    page.wait_for_selector('#group figure[data-name="numbered"]')
    page.locator("#face input:not(:checked)").check()
    changed(page, "input", largest)

    edited = source(page, DEFAULT)
    page.get_by_role("tab", name="Like this photograph").click()
    upload(page, "#like-face", examples()[1])
    page.locator("#read").get_by_text("their expression").wait_for()
    changed(page, DEFAULT, edited)
    kept = [path for path in folder.rglob("*") if path.is_file() and path.name in (group.name, examples()[1].name)]
    assert not kept
    (tmp_path / "no_photograph.png").write_bytes(b"<script>alert(1)</script>")
    upload(page, "#upload", tmp_path / "no_photograph.png")
    page.get_by_text("not a photograph").wait_for()
    assert not [path for path in folder.rglob("*") if path.name == "no_photograph.png"]

    page.get_by_role("tab", name="Short clip").click()
    example = page.locator('figure[data-name="clip"] video').get_attribute("src")
    upload(page, "#upload-clip", write_clip(tmp_path / "pan.mp4", pan(face_pixels, 4)))
    page.wait_for_function(
        "before => document.querySelector('figure[data-name=clip] video').src !== before", arg=example
    )
    assert not list(folder.rglob("pan.mp4"))
    page.locator("#edit-clip").click()
    page.locator('figure[data-name="edited-clip"]').get_by_text("4 of 4 frames edited").wait_for()
    with page.expect_download() as download:
        page.locator("#download-clip").click()
    download.value.save_as(tmp_path / "edited.mp4")
    assert is_edited_clip(tmp_path / "edited.mp4")


def test_on_a_phone_nothing_is_cut_off(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector('figure[data-name="input"] img')
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # The results stay in view above the sliders.
    page.locator("#AU12").scroll_into_view_if_needed()
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(200)
    assert page.locator("#results").bounding_box()["y"] >= -1
    page.close()


def test_the_page_is_for_this_machine_only(address):
    assert address.startswith("http://127.0.0.1:")
