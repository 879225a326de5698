"""Bundles are blind: from everything but the pixels nobody can tell the methods apart."""

import html
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from defgan.study import bundle as bundle_module
from defgan.study.bundle import bundle_id, list_questions, png, render_form, write_bundle
from tests.study.conftest import CONSENT, make_keys, make_options, make_pixels


def made(tmp_path, params, stage, seed):
    key = make_keys(make_options(params, seed=seed))[stage]
    directory = tmp_path / f"{stage}-{seed}"
    write_bundle(directory, stage, key, make_pixels(key, seed), CONSENT, "")
    return key, directory


def clues(directory):
    """Image name → everything that can be seen of it but its pixels."""
    study = json.loads((directory / "questions.json").read_text())
    form = (directory / "form.html").read_text()
    embedded = json.loads(re.search(r'id="study">(.*?)</script>', form)[1])
    files = sorted((directory / "images").iterdir())
    by_time = sorted(files, key=lambda path: path.stat().st_mtime_ns)
    slots = ("rated", "input", "left", "right")
    found = {}
    for place, question in enumerate(study["questions"]):
        for slot in set(question) & set(slots):
            path = directory / "images" / f"{question[slot]}.png"
            content = path.read_bytes()
            with Image.open(io.BytesIO(content)) as image:
                shape = (*image.size, len(image.info), len(content))
            found[path.stem] = [
                place,
                slots.index(slot),
                len(study["questions"]),
                len(question["text"]),
                zlib.crc32(question["text"].encode()) % 997,
                files.index(path),
                by_time.index(path),
                list(embedded["images"]).index(path.stem),
                len(embedded["images"][path.stem]),
                form.index(path.stem),
                form.rindex(path.stem),
                *shape,
                *path.stem.encode(),
                *[path.stem < question[other] for other in sorted(set(question) & set(slots))],
            ]
    return found


def guessed(tmp_path, params, stage, studies=24):
    """Share of the methods guessed right in unseen bundles by a forest trained on others, and how many were guessed."""
    x, y, group = [], [], []
    for seed in range(studies):
        key, directory = made(tmp_path, params, stage, seed)
        seen = clues(directory)
        for row in key[key["method"] != ""].itertuples():
            x.append(seen[row.image])
            y.append(row.method == "defgan")
            group.append(seed)
    x, y, unseen = np.array(x, float), np.array(y), np.array(group) >= 2 * studies // 3
    forest = RandomForestClassifier(150, min_samples_leaf=3, random_state=0).fit(x[~unseen], y[~unseen])
    return (forest.predict(x[unseen]) == y[unseen]).mean(), int(unseen.sum())


@pytest.mark.parametrize("stage", [1, 2])
def test_nobody_guesses_the_method(tmp_path, params, stage):
    right, count = guessed(tmp_path, params, stage)
    assert count >= 160
    assert right < 0.5 + 2.6 * 0.5 / np.sqrt(count)


@pytest.mark.parametrize("leak", ["compressed", "named"])
def test_the_guesser_finds_leaks(tmp_path, params, monkeypatch, leak):
    if leak == "compressed":

        def compressed(pixels):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "png")
            return buffer.getvalue() + b"0" * (buffer.tell() % 2)

        monkeypatch.setattr(bundle_module, "png", compressed)
        monkeypatch.setattr(bundle_module, "len", lambda value: 1, raising=False)  # its own check of the lengths
    else:
        blind = make_keys

        def named(options):
            return {
                stage: key.assign(image=key["method"].str[:1].replace("", "i") + key["image"].str[1:])
                for stage, key in blind(options).items()
            }

        monkeypatch.setattr(f"{__name__}.make_keys", named)
    right, _ = guessed(tmp_path, params, 1, studies=9)
    assert right > 0.9


def test_the_words_of_the_key_stand_nowhere(tmp_path, params):
    for stage in (1, 2):
        key, directory = made(tmp_path, params, stage, 0)
        for path in (path for path in directory.rglob("*") if path.is_file()):
            text = path.read_bytes().lower()
            words = {"defgan", "ganimation", *key["image_id"], *key["subject"]}
            assert not [word for word in words if word.encode() in text], path
        names = {path.stem for path in (directory / "images").iterdir()}
        assert names == set(key["image"])
        if stage == 1:
            assert not re.search("anger|angry|disgust|surprise", (directory / "questions.json").read_text())


def test_images_are_lossless_of_one_length_and_without_metadata(tmp_path, params):
    key, directory = made(tmp_path, params, 2, 0)
    pixels = make_pixels(key, 0)
    assert len({path.stat().st_size for path in (directory / "images").iterdir()}) == 1
    for name, expected in pixels.items():
        with Image.open(directory / "images" / f"{name}.png") as image:
            assert not image.info
            np.testing.assert_array_equal(np.asarray(image), expected)
    content, position, chunks = png(next(iter(pixels.values()))), 8, set()
    while position < len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        chunks.add(content[position + 4 : position + 8])
        position += length + 12
    assert chunks == {b"IHDR", b"IDAT", b"IEND"}


def test_another_set_of_images_has_another_id(tmp_path, params, keys):
    questions = list_questions(1, keys[1])
    images = {name: png(pixels) for name, pixels in make_pixels(keys[1], 0).items()}
    first = bundle_id(questions, images)
    assert re.fullmatch("[a-z]{10}", first) and first == bundle_id(questions, dict(reversed(images.items())))
    name = next(iter(images))
    assert first != bundle_id(questions, images | {name: images[name] + b"0"})
    assert first != bundle_id(questions[::-1], images)


def test_bundles_are_the_same_to_the_byte(tmp_path, params):
    _, one = made(tmp_path / "a", params, 2, 3)
    _, other = made(tmp_path / "b", params, 2, 3)
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 50 and all((one / path).read_bytes() == (other / path).read_bytes() for path in files)


def test_the_form_may_load_nothing_and_escapes_what_it_is_told(keys):
    study = {"format": "f", "bundle": "b", "stage": 1, "questions": [{"question": "q01", "text": "</script><b>"}]}
    page = render_form(study, {}, "<img src=x>\n\nnext", "")
    assert "<img src=x>" not in page and "&lt;img src=x&gt;" in page and page.count("</script>") == 2
    assert "default-src 'none'" in html.unescape(page) and "connect-src 'none'" in html.unescape(page)
    assert not re.search(r"(src|href)=\"?(http|//)", page)
    sent = render_form(study, {}, "", "https://study.example:8443/in?x=1")
    assert 'connect-src https://study.example:8443"' in sent
