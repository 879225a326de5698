"""The page of `defgan demo`, made with Gradio: sliders in plain words, all models side by side."""

import base64
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
import numpy as np

from defgan import methods
from defgan.demo.examples import examples
from defgan.demo.view import AS_IT_IS, Opened, full_size, open_face, present_aus, preset_values, show, target_of
from defgan.editing.editor import Editor
from defgan.errors import UserError
from defgan.facs import AU_NAMES, PLAIN_WORDS, PRESETS

REGIONS = {
    "Brows": ("AU01", "AU02", "AU04"),
    "Eyes": ("AU05", "AU06", "AU07", "AU45"),
    "Nose and upper lip": ("AU09", "AU10"),
    "Mouth": ("AU12", "AU14", "AU15", "AU20", "AU23", "AU25"),
    "Jaw and chin": ("AU17", "AU26"),
}
LARGEST_FILE = "25mb"
SECONDS_KEPT = 1800
"""Time that an idle visitor's photograph stays in memory."""
CSS = """
.gradio-container { overflow: visible !important; max-width: 1320px !important; margin: 0 auto; }
.faces { flex-wrap: nowrap !important; }
.faces button { aspect-ratio: 1; padding: 0; background-size: cover; color: transparent !important; }
.figures { display: grid; gap: 10px; }
.figures.parts { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.figures figure { margin: 0; }
.figures img { width: 100%; display: block; border-radius: 4px; margin: 0; }
.figures figcaption { font-size: 13px; line-height: 1.3; padding: 4px 0; }
.wipe { position: relative; --cut: 50%; }
.wipe .before { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--cut)) 0 0); }
.wipe input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.wipe::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; background: white; }
@media (max-width: 760px) {
  /* The results stay in view above the sliders. */
  .gradio-container main { padding: 12px !important; }
  .body { flex-direction: column !important; flex-wrap: nowrap !important; }
  .body > * { width: 100%; min-width: 0 !important; }
  .shown { display: contents !important; }
  .results { order: -1; position: sticky; top: 0; z-index: 5; background: var(--body-background-fill); }
  .figures.models { gap: 4px; }
  .figures.parts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
"""
SYSTEM_FONTS = ("ui-sans-serif", "system-ui", "sans-serif")
THEME = gr.themes.Base(
    # Only fonts of the visitor's system: nothing is fetched from other servers.
    font=[gr.themes.Font(name) for name in SYSTEM_FONTS],
    font_mono=[gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")],
)
_QUIET = {"show_progress": "hidden", "api_visibility": "private"}


def build(editors: Mapping[str, Editor]) -> gr.Blocks:
    """The page for models by name."""
    by_label = {methods.get(name).label: name for name in editors}

    def values_of(opened: Opened, values: np.ndarray) -> list[Any]:
        return [round(float(value), 2) for value in values]

    def opening(path: str) -> list[Any]:
        try:
            opened = open_face(path, editors)
        except UserError as error:
            raise gr.Error(str(error), duration=8) from None
        shown = show(opened, editors, opened.x)
        sliders = values_of(opened, opened.x)
        return [opened, present_aus(opened.x), AS_IT_IS, 1.0, *sliders, shown.results, shown.details, hidden()]

    def upload(path: str) -> list[Any]:
        try:
            return opening(path)
        finally:
            Path(path).unlink(missing_ok=True)  # an upload is never kept

    def hidden() -> Any:
        return gr.update(visible=False, value=None)

    def preset(opened: Opened | None, name: str, strength: float) -> list[Any]:
        opened = chosen(opened)
        values = preset_values(opened, name)
        shown = show(opened, editors, target_of(opened, values, strength))
        return [*values_of(opened, values), shown.results, shown.details, hidden()]

    def change(opened: Opened | None, strength: float, *values: float) -> list[Any]:
        opened = chosen(opened)
        shown = show(opened, editors, target_of(opened, np.array(values), strength))
        return [shown.results, shown.details, hidden()]

    def neutralise(opened: Opened | None) -> list[Any]:
        return ["neutral", 1.0, *preset(opened, "neutral", 1.0)]

    def download(opened: Opened | None, label: str, strength: float, *values: float) -> Any:
        opened, model = chosen(opened), by_label[label]
        try:
            content = full_size(opened, editors[model], target_of(opened, np.array(values), strength))
        except UserError as error:
            raise gr.Error(str(error)) from None
        path = Path(mkdtemp(dir=gr.utils.get_upload_folder()), f"edited.{model}{opened.suffix}")
        path.write_bytes(content)
        return gr.update(visible=True, value=str(path))

    def chosen(opened: Opened | None) -> Opened:
        if opened is None:
            raise gr.Error("choose a face or upload a photograph first")
        return opened

    # Files for download are deleted after minutes, uploads as soon as they are opened.
    with gr.Blocks(title="DefGAN", analytics_enabled=False, delete_cache=(60, 600)) as page:
        state = gr.State(None, time_to_live=SECONDS_KEPT)
        gr.Markdown(
            "# DefGAN: edit an expression\n"
            "Choose a rendered face (these people do not exist) or upload a photograph of somebody who agrees. It "
            "stays in this program's memory and is not stored. The metadata of edited photographs says that they are "
            "edited."
        )
        with gr.Row(elem_classes="body"):
            with gr.Column(scale=1, min_width=300):
                with gr.Row(elem_classes="faces"):
                    faces = [
                        gr.Button(f"face {number}", elem_id=f"face{number}", min_width=40)
                        for number in range(1, len(examples()) + 1)
                    ]
                file = gr.UploadButton(
                    "Upload a photograph", file_types=["image"], type="filepath", elem_id="upload", variant="primary"
                )
                note = gr.Markdown("", elem_id="aus")
                names = [AS_IT_IS, *PRESETS]
                preset_radio = gr.Radio(names, value=AS_IT_IS, label="Expression", elem_id="preset")
                strength = gr.Slider(0, 1, 1, step=0.01, label="strength", elem_id="strength", buttons=[])
                neutral = gr.Button("Make neutral", elem_id="neutralise")
                sliders: dict[str, gr.Slider] = {}
                for region, units in REGIONS.items():
                    with gr.Accordion(region, open=region in ("Brows", "Mouth")):
                        for unit in units:
                            label = f"{PLAIN_WORDS[unit][0]} ({unit})"
                            sliders[unit] = gr.Slider(0, 1, 0, step=0.01, label=label, elem_id=unit, buttons=[])
            with gr.Column(scale=2, min_width=320, elem_classes="shown"):
                results = gr.HTML("", elem_id="results", elem_classes="results")
                with gr.Accordion("Before and after, and the parts of the edit", open=True):
                    details = gr.HTML("", elem_id="details")
                with gr.Row():
                    model = gr.Radio([*by_label], value=next(iter(by_label)), label="Model", elem_id="model")
                    make = gr.Button("Make the file at full resolution", elem_id="make")
                    ready = gr.DownloadButton("Download", visible=False, elem_id="download")

        knobs = [sliders[name] for name in AU_NAMES]
        opened_outputs = [state, note, preset_radio, strength, *knobs, results, details, ready]
        file.upload(upload, file, opened_outputs, **_QUIET)
        for button, path in zip(faces, examples(), strict=True):
            button.click(partial(opening, str(path)), None, opened_outputs, **_QUIET)
        edited = [results, details, ready]
        preset_radio.input(preset, [state, preset_radio, strength], [*knobs, *edited], **_QUIET)
        neutral.click(neutralise, state, [preset_radio, strength, *knobs, *edited], **_QUIET)
        for knob in (strength, *knobs):
            # During an edit several changes may come: only the last one is edited next.
            knob.input(change, [state, strength, *knobs], edited, trigger_mode="always_last", **_QUIET)
        make.click(download, [state, model, strength, *knobs], ready, api_visibility="private")
    return page


def _thumbnails() -> str:
    """CSS with the example faces as pictures of their buttons."""
    uris = (f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}" for path in examples())
    return "".join(f"#face{number} {{ background-image: url({uri}); }}\n" for number, uri in enumerate(uris, 1))


def launch(page: gr.Blocks, host: str, port: int | None, block: bool = True) -> tuple[Any, str, str]:
    """Serve the page; `port` None takes the first free one from 7860. Returns the values of Gradio's `launch`."""
    return page.queue(default_concurrency_limit=1, max_size=32, api_open=False).launch(
        server_name=host,
        server_port=port,
        share=False,
        max_file_size=LARGEST_FILE,
        enable_monitoring=False,
        run_history=False,
        ssr_mode=False,
        footer_links=[],
        prevent_thread_lock=not block,
        theme=THEME,
        css=CSS + _thumbnails(),
    )
