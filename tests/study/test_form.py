"""Both forms in a real browser, from disk and offline; what they save goes through `votes` to Fig. 7 and the tables."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pytest

from defgan.study.bundle import write_bundle
from defgan.study.responses import Study, read_responses
from defgan.study.results import evaluate_responses, read_studies
from stages import votes
from tests.study.conftest import CONSENT, make_pixels
from tools import study_screenshots


@pytest.fixture
def study(tmp_path, monkeypatch, keys) -> dict[int, str]:
    """The current directory holds both bundles and their key; stage to bundle id."""
    monkeypatch.chdir(tmp_path)
    votes.KEYS.mkdir(parents=True)
    ids = {}
    for stage, key in keys.items():
        directory = study_screenshots.BUNDLES / f"stage{stage}"
        ids[stage] = write_bundle(directory, stage, key, make_pixels(key, stage), CONSENT, "")
        key.to_csv(votes.KEYS / f"stage{stage}.csv", index=False)
    bundles = {bundle: stage for stage, bundle in ids.items()}
    (votes.KEYS / "study.json").write_text(json.dumps({"bundles": bundles}))
    (tmp_path / "responses").mkdir()
    return ids


@pytest.fixture
def context(browser):
    """A browser's profile of its own, without network; 390 pixels wide, as a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 780}, has_touch=True, offline=True)
    context.set_default_timeout(20_000)
    yield context
    context.close()


def open_form(context, tmp_path, stage, code="A17", trial=False):
    """The form's page with a list of what it complains about or asks the network for."""
    page = context.new_page()
    page.heard = []
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("console", lambda message: page.heard.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.heard.append(request.url) if request.url.startswith("http") else None)
    page.goto(
        (tmp_path / f"reports/user_study/stage{stage}/form.html").as_uri() + f"#p={code}" + ("&trial" if trial else "")
    )
    return page


def shown(page):
    """Place, text, and the pictures from first to last."""
    sources = page.eval_on_selector_all("#pictures img", "images => images.map(image => image.src)")
    return page.text_content("#count"), page.text_content("#text"), sources


def save(page, folder, button="#save"):
    with page.expect_download() as saving:
        page.click(button)
    path = folder / saving.value.suggested_filename
    saving.value.save_as(path)
    return path


def expected_order(bundle, code, count, stage):
    """The order and the mirroring, computed apart from the form: FNV-1a and mulberry32."""
    word = 2**32
    seed = 2166136261
    for byte in f"{bundle}/{code}".encode():
        seed = ((seed ^ byte) * 16777619) % word

    def random():
        nonlocal seed
        seed = (seed + 0x6D2B79F5) % word
        t = ((seed ^ (seed >> 15)) * (1 | seed)) % word
        t = ((t + ((t ^ (t >> 7)) * (61 | t)) % word) % word) ^ t
        return (t ^ (t >> 14)) / word

    mirrored = stage == 2 and random() < 0.5
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = int(random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order, mirrored


@pytest.mark.parametrize("stage", [1, 2])
def test_filled_in_by_mouse_with_a_reload_in_the_middle(context, study, tmp_path, keys, stage):
    page = open_form(context, tmp_path, stage, trial=True)
    count = keys[stage]["question"].nunique()
    assert page.is_visible("#trial") and page.input_value("#participant") == "A17"
    assert page.is_visible("text=Write to <b>us</b> & agree.") and not page.is_visible("#pictures")
    page.click("text=Start")
    assert "tick the box" in page.text_content("#consent-missing") and page.is_hidden("#asking")
    page.check("#consent")
    page.click("text=Start")
    page.click("#next")
    assert "choose an answer" in page.text_content("#missing")
    given = []
    for place in range(count):
        options = page.locator(".option")
        chosen = (3 * place + 1) % options.count()
        options.nth(chosen).click()
        given.append((shown(page), chosen))
        if place == count // 2:
            page.reload()
            assert shown(page) == given[-1][0]
            assert page.eval_on_selector_all(".option input", "all => all.findIndex(one => one.checked)") == chosen
        page.click("#next")
    # Back and on again: the answer stands, and can be changed.
    page.click("#review")
    assert shown(page) == given[-1][0]
    page.locator(".option").nth(0).click()
    page.click("#next")
    page.fill("#comment", 'said "so" </script> | ü')
    page.reload()
    assert page.is_visible("#end") and "all questions" in page.text_content("#complete")
    response = json.loads(save(page, tmp_path / "responses").read_text())
    assert response["made_up"] is True and response["participant"] == "A17" and response["bundle"] == study[stage]
    assert response["comment"] == 'said "so" </script> | ü'
    order, mirrored = expected_order(study[stage], "A17", count, stage)
    assert response["mirrored"] == mirrored
    names = sorted(keys[stage]["question"].unique())
    answers = {answer["question"]: answer for answer in response["answers"]}
    for place, (_, chosen) in enumerate(given):
        name = names[order[place]]
        images = keys[stage][keys[stage]["question"] == name].set_index("slot")["image"]
        chosen = 0 if place == count - 1 else chosen
        if stage == 1:
            expected = chosen + 1
        else:
            left, right = ("right", "left") if mirrored else ("left", "right")
            expected = images[(left, right)[chosen]]
            assert answers[name]["left"] == images[left]
        assert answers[name]["answer"] == expected and answers[name]["shown"] == place + 1
        assert answers[name]["milliseconds"] >= 0
    assert page.heard == []


@pytest.mark.parametrize("stage", [1, 2])
def test_filled_in_by_keyboard_alone_and_evaluated_to_fig_7(context, study, tmp_path, stage):
    page = open_form(context, tmp_path, stage, "keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    count = 20 if stage == 1 else 16
    keys = ["1", "2", "3", "4"] if stage == 1 else ["1", "ArrowRight", "2", "ArrowLeft"]
    page.keyboard.press("Enter")
    assert "choose an answer" in page.text_content("#missing")
    for place in range(count):
        page.keyboard.press(keys[place % 4])
        if place == 5:
            page.keyboard.press("b")
            assert f"Question {place} " in page.text_content("#count")
            page.keyboard.press("Enter")
            page.reload()
        page.keyboard.press("Enter")
    assert page.is_visible("#end")
    # Buttons by Tab: comment, then the files.
    page.keyboard.press("Tab")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    with page.expect_download() as saving:
        page.keyboard.press("Enter")
    saving.value.save_as(tmp_path / "responses/one.json")
    table = save(page, tmp_path, "#save-csv")
    assert page.heard == []

    responses, _ = evaluate_responses("responses", votes.KEYS, votes.ANSWERS, votes.REPORTS)
    assert responses.problems.empty and len(responses.answers) == count
    counted = responses.answers["rating" if stage == 1 else "side"].value_counts()
    assert (counted == count / len(counted)).all() and len(counted) == (4 if stage == 1 else 2)
    reports = {path.name for path in votes.REPORTS.iterdir()}
    assert {"tests.csv", "questions.csv"} < reports
    if stage == 2:
        assert {"fig_07_user_study.png", "fig_07_user_study.pdf", "votes.csv", "votes.md"} < reports
        assert pd.read_csv(votes.REPORTS / "votes.csv")["votes"].sum() == 2 * count
    else:
        assert "plausibility.csv" in reports and "fig_07_user_study.png" not in reports
    assert responses.comments["comment"].tolist() == ["by keyboard"]
    # The table says the same as the file.
    (tmp_path / "responses/one.json").unlink()
    table.rename(tmp_path / "responses/one.csv")
    again = read_responses("responses", read_studies(votes.KEYS))
    assert again.problems.empty
    drop = ["file", "line"]
    assert again.answers.drop(columns=drop).astype(str).equals(responses.answers.drop(columns=drop).astype(str))


def test_the_next_participant_starts_anew_in_another_order(context, study, tmp_path):
    page = open_form(context, tmp_path, 2)
    orders = []
    page.on("dialog", lambda dialog: dialog.accept())
    for code in ("one", "two", "one"):
        page.fill("#participant", code)
        page.check("#consent")
        page.click("text=Start")
        orders.append([])
        for _ in range(16):
            assert not page.locator(".option input:checked").count()
            orders[-1].append(shown(page)[2])
            page.keyboard.press("1")
            page.keyboard.press("Enter")
        page.click("#another")
        assert page.is_visible("#start") and not page.is_checked("#consent")
    assert orders[0] == orders[2] != orders[1]
    assert {question[0] for question in orders[0]} == {question[0] for question in orders[1]}


def test_orders_are_spread_and_pairs_mirrored_for_about_half(study):
    made = [expected_order(study[2], f"P{i:02d}", 16, 2) for i in range(200)]
    assert 80 <= sum(mirrored for _, mirrored in made) <= 120
    assert len({tuple(order) for order, _ in made}) == 200
    firsts = pd.Series([order[0] for order, _ in made]).value_counts()
    assert len(firsts) == 16 and firsts.max() < 30


def test_without_storage_it_works_and_says_so(context, study, tmp_path):
    context.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied'); }})")
    page = open_form(context, tmp_path, 1)
    assert page.is_visible("#unkept")
    page.check("#consent")
    page.click("text=Start")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert "Question 2 " in page.text_content("#count") and page.heard == []


def test_a_reload_loses_nothing_though_localstorage_comes_late(context, study, tmp_path):
    page = open_form(context, tmp_path, 1)
    page.check("#consent")
    page.click("text=Start")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.evaluate("localStorage.clear()")
    page.reload()
    assert "Question 2 " in page.text_content("#count") and page.heard == []


class Receiver(BaseHTTPRequestHandler):
    """What a researcher's server has to do."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(body.decode())
        self.send_response(self.server.answer)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.received, server.answer = [], 204
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_answers_are_sent_where_the_researcher_wants_them(browser, receiver, tmp_path, keys):
    address = f"http://127.0.0.1:{receiver.server_port}/answers?study=1"
    directory = tmp_path / "reports/user_study/stage2"
    bundle = write_bundle(directory, 2, keys[2], make_pixels(keys[2], 2), CONSENT, address)
    context = browser.new_context()
    page = open_form(context, tmp_path, 2)
    page.check("#consent")
    page.click("text=Start")
    for _ in range(16):
        page.keyboard.press("1")
        page.keyboard.press("Enter")
    receiver.answer = 500
    page.click("#send")
    page.wait_for_selector("text=could not be sent (status 500)")
    receiver.answer = 204
    page.click("#send")
    page.wait_for_selector("text=Sent. Thank you")
    context.close()
    assert len(receiver.received) == 2
    (tmp_path / "responses").mkdir()
    (tmp_path / "responses/a.json").write_text(receiver.received[1])
    back = read_responses(tmp_path / "responses", {bundle: Study(2, keys[2])})
    assert len(back.answers) == 16 and back.problems.empty


@pytest.mark.parametrize("width", [390, 1024])
@pytest.mark.parametrize("stage", [1, 2])
def test_nothing_is_cut_off_and_all_images_have_one_size(browser, study, tmp_path, stage, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
    page = open_form(context, tmp_path, stage)
    page.check("#consent")
    page.click("text=Start")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.eval_on_selector_all(
        ".option img, .rated img", "all => all.map(one => [one.clientWidth, one.clientHeight, one.naturalWidth])"
    )
    assert len({tuple(size) for size in sizes}) == 1
    [wide, high, natural] = sizes[0]
    assert wide == pytest.approx(high, abs=1) and wide >= 130 and natural == 16
    context.close()


def test_screenshots_of_both_forms_are_figures_15_and_16(browser, study, tmp_path):
    written = study_screenshots.draw(browser, study_screenshots.BUNDLES, tmp_path / "figures")
    assert [re.match(r"fig_(\d+)", path.name)[1] for path in written] == ["15", "16"]
    assert all(10_000 < path.stat().st_size < 400_000 for path in written)
