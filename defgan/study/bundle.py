"""What participants get: images with meaningless names, `questions.json`, and a form that is one file.

Only the pixels differ between the methods. The PNGs are not compressed and have no metadata, so that all have the same
length. They are written, listed and embedded in the order of their names. The form loads no other files.
"""

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import jinja2
import numpy as np
import pandas as pd
from PIL import Image

FORMAT = "expression-study/1"
FORM = "form.html"
QUESTIONS = "questions.json"
SCALE = MappingProxyType(
    {1: "Definitely implausible", 2: "Rather implausible", 3: "Rather plausible", 4: "Definitely plausible"}
)
"""Stage 1's ratings; the paper prints the words of the lowest and the highest."""

_FEELINGS = MappingProxyType(
    {
        "anger": "angry",
        "disgust": "disgusted",
        "fear": "afraid",
        "happy": "happy",
        "sad": "sad",
        "surprise": "surprised",
    }
)
_TITLES = MappingProxyType({1: "How plausible are these faces?", 2: "Which face is more plausible?"})
_GUIDES = MappingProxyType(
    {
        1: "You will see {count} images of faces, one at a time. A computer has changed all of them. Say of each image"
        " how plausible it is: could a person's face look like this?",
        2: "You will be asked {count} questions. Each question shows a person and, below, two images of the same"
        " person. A computer has changed them to show an expression. Choose the image that is better on the whole: it"
        " shows the same person, it shows the expression, and it looks plausible.",
    }
)
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("form")), autoescape=True, undefined=jinja2.StrictUndefined
)


def png(pixels: np.ndarray) -> bytes:
    """The content of a PNG file without compression, of uint8 H×W×3; images of one size have one length."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", compress_level=0)
    return buffer.getvalue()


def question_text(stage: int, expression: str) -> str:
    """The text of a question; that of stage 2 is Fig. 16's."""
    if stage == 1:
        return "How plausible is this image of a face?"
    return (
        "Which one of these two images is the most plausible image of this person"
        f" when they are ‘{_FEELINGS[expression]}’?"
    )


def list_questions(stage: int, key: pd.DataFrame) -> list[dict[str, str]]:
    """The questions for participants: name, text, and the image of every slot, without the rest of the key."""
    return [
        {
            "question": name,
            "text": question_text(stage, rows["expression"].iloc[0]),
            **dict(sorted(zip(rows["slot"], rows["image"], strict=True))),
        }
        for name, rows in key.groupby("question")
    ]


def bundle_id(questions: list[dict[str, str]], images: Mapping[str, bytes]) -> str:
    """Ten letters: a hash of the questions and images."""
    content = hashlib.sha256(json.dumps(questions, ensure_ascii=False).encode())
    for name in sorted(images):
        content.update(images[name])
    return "".join(chr(ord("a") + byte % 26) for byte in content.digest()[:10])


def _embed(value: Any) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def render_form(study: Mapping[str, Any], images: Mapping[str, bytes], consent: str, post_to: str) -> str:
    """The form as one HTML page; `consent` is plain text with empty lines between paragraphs."""
    address = urlsplit(post_to)
    data = {
        **study,
        "scale": dict(SCALE) if study["stage"] == 1 else {},
        "postTo": post_to,
        "images": {name: base64.b64encode(images[name]).decode() for name in sorted(images)},
    }
    return _TEMPLATES.get_template("form.html").render(
        title=_TITLES[study["stage"]],
        guide=_GUIDES[study["stage"]].format(count=len(study["questions"])),
        paragraphs=[text for text in (part.strip() for part in consent.split("\n\n")) if text],
        connect=f"{address.scheme}://{address.netloc}" if post_to else "'none'",
        stage=study["stage"],
        data=_embed(data),
    )


def write_bundle(
    directory: Path, stage: int, key: pd.DataFrame, pixels: Mapping[str, np.ndarray], consent: str, post_to: str
) -> str:
    """Write a stage's images, questions and form; return the bundle's id.

    Args:
        directory: a new folder.
        stage: 1 or 2.
        key: as of `defgan.study.design`.
        pixels: uint8 H×W×3 by image name of the key, all of one size.
        consent: plain text with empty lines between paragraphs.
        post_to: the address to which the form can send answers, or "".
    """
    images = {name: png(pixels[name]) for name in sorted(key["image"])}
    assert len({len(content) for content in images.values()}) == 1, "images of different sizes"
    questions = list_questions(stage, key)
    study = {"format": FORMAT, "bundle": bundle_id(questions, images), "stage": stage, "questions": questions}
    (directory / "images").mkdir(parents=True)
    for name, content in images.items():
        (directory / "images" / f"{name}.png").write_bytes(content)
    (directory / QUESTIONS).write_text(json.dumps(study, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (directory / FORM).write_text(render_form(study, images, consent, post_to), encoding="utf-8")
    return study["bundle"]
