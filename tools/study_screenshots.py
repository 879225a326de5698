"""Fig. 15 and 16, the forms of the user study as participants see them: `python -m tools.study_screenshots`.

Opens reports/user_study in headless Chromium and writes docs/figures. It is no stage of dvc.yaml, because it needs a
browser.
"""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from defgan.errors import UserError, plain_errors
from defgan.files import atomic_file
from defgan.params import load_params
from defgan.report.captions import CAPTIONS, Caption, as_text, read_captions
from defgan.report.names import CORPUS
from defgan.study.bundle import FORM
from stages.common import console

BUNDLES = Path("reports/user_study")
FIGURES = Path("docs/figures")
_SHOWN = (
    "The first question with an answer chosen, on a desktop and on a phone. The picture shows the form of the default "
    "experiment, whose faces are rendered."
)
CAPTIONS_OF = {
    stage: Caption(
        title=f"Fig. {number}: The form of stage {stage} of the user study",
        shows=f"{question} {_SHOWN}",
        data=f"role wild: {CORPUS}",
        methods=(),
        substitutes=(),
        params=params,
    )
    for stage, number, question, params in (
        (1, 15, "How plausible is this image?", ("user_study.images_per_method", "user_study.seed")),
        (2, 16, "Which of the two edits is more plausible?", ("user_study.questions", "user_study.seed")),
    )
}
WIDTHS = {"desktop": (1024, 720), "phone": (390, 720)}
"""Width and smallest height of each window, CSS pixels."""
_MARGIN = 24
_BACKGROUND = "#8c8c8c"
_COLOURS = 256


def first_question(browser: Browser, form: Path, width: int, height: int) -> Image.Image:
    """The first question of a form with an answer chosen, in a window of the given width."""
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 600, offline=True)
    try:
        page = context.new_page()
        page.goto(f"{form.resolve().as_uri()}#p=example&trial")
        page.check("#consent")
        page.click("text=Start")
        page.keyboard.press("2")
        # Participants do not see the notice of a trial run.
        page.evaluate("document.getElementById('trial').hidden = true; document.activeElement.blur()")
        return Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    finally:
        context.close()


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """Windows beside each other on a grey background, in few colours."""
    width = sum(image.width for image in images) + _MARGIN * (len(images) + 1)
    canvas = Image.new("RGB", (width, max(image.height for image in images) + 2 * _MARGIN), _BACKGROUND)
    left = _MARGIN
    for image in images:
        canvas.paste(image, (left, _MARGIN))
        left += image.width + _MARGIN
    return canvas.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)


def draw(browser: Browser, bundles: Path, figures: Path) -> list[Path]:
    """Write both figures and their captions."""
    written, captions = [], read_captions(figures)
    for stage, number in ((1, 15), (2, 16)):
        form = bundles / f"stage{stage}" / FORM
        if not form.is_file():
            raise UserError(f"{form}: no such file; `dvc repro user_study` makes it first")
        windows = [first_question(browser, form, *size) for size in WIDTHS.values()]
        path = figures / f"fig_{number}_user_study_stage_{stage}.png"
        with atomic_file(path) as temporary:
            side_by_side(windows).save(temporary, optimize=True)
        written.append(path)
        captions[path.stem] = CAPTIONS_OF[stage]
    with atomic_file(figures / CAPTIONS) as temporary:
        temporary.write_text(as_text(captions), encoding="utf-8")
    return written


@contextmanager
def chromium(purpose: str) -> Iterator[Browser]:
    """Headless Chromium; raises UserError where there is none. `purpose` says what it does."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise UserError(f"chromium is not installed, which {purpose}; Debian: apt-get install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu", *sandbox])
        yield browser
        browser.close()


def study_screenshots() -> None:
    """Draw Fig. 15 and 16 of the forms in reports/user_study."""
    with plain_errors("study_screenshots"):
        if load_params().data.wild.layout != "corpus":
            raise UserError(f"git keeps {FIGURES}, but the forms show the people of data.wild; take rendered faces")
        with chromium("draws the forms") as browser:
            written = draw(browser, BUNDLES, FIGURES)
        console.print(f"study_screenshots: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)


def main() -> None:
    """Entry point of `python -m tools.study_screenshots`."""
    typer.run(study_screenshots)


if __name__ == "__main__":
    main()
