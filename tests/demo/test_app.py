"""The page, driven in a browser."""

import re

import pytest

pytest.importorskip("gradio", reason="needs the extra `demo`")

from defgan import methods
from defgan.demo.app import build, launch
from defgan.demo.command import load_editors
from defgan.demo.examples import examples
from defgan.editing import DEFAULT

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


def test_a_face_is_picked_edited_neutralised_and_downloaded(page, folder, tmp_path):
    page.locator("#face1").click()
    page.wait_for_selector('figure[data-name="input"] img')
    assert "Action units of the photograph" in page.locator("#aus").inner_text()
    first = {
        name: source(page, name)
        for name in (DEFAULT, RIVAL, f"{DEFAULT}-deformed", f"{DEFAULT}-grid", f"{DEFAULT}-difference")
    }

    page.get_by_label("surprise").check()
    happy = {name: changed(page, name, before) for name, before in first.items()}
    assert page.locator("#AU01 input[type=number]").input_value() == "0.95"

    smile = page.locator("#AU12 input[type=number]")
    smile.fill("1")
    smile.press("Tab")
    smiling = changed(page, DEFAULT, happy[DEFAULT])

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


def test_an_upload_is_shown_and_not_kept(page, folder, tmp_path):
    page.set_input_files("#upload input[type=file], input[type=file]", examples()[1])
    page.wait_for_selector('figure[data-name="input"] img')
    kept = [path for path in folder.rglob("*") if path.is_file() and path.name == examples()[1].name]
    assert not kept
    (tmp_path / "no_photograph.png").write_bytes(b"<script>alert(1)</script>")
    page.set_input_files("#upload input[type=file], input[type=file]", tmp_path / "no_photograph.png")
    page.get_by_text("not a photograph").wait_for()
    assert not [path for path in folder.rglob("*") if path.name == "no_photograph.png"]


def test_on_a_phone_nothing_is_cut_off(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.locator("#face1").click()
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
