"""The page's tab for clips."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from defgan import methods
from defgan.demo import clips
from defgan.demo.clips import OpenedClip
from defgan.demo.examples import CLIP
from defgan.editing.editor import Editor
from defgan.editing.targets import STRONGEST, make_target
from defgan.errors import UserError
from defgan.facs import PRESETS

HELP = f"""
Edit the rendered clip, or upload a clip or an animation (MP4, MOV, WebM, GIF, WebP …) of **at most {clips.LONGEST}
seconds**. Two processor cores edit about six small frames in a second, so {clips.LONGEST} seconds take a minute or so.
Sound, frame rate and size stay. The clip stays in memory; it is on the disk only while it is uploaded and edited.
"""


def clip_tab(page: gr.Blocks, editors: Mapping[str, Editor], seconds_kept: float, quiet: Mapping[str, Any]) -> None:
    """Add the tab's content; `quiet`: options of events without a progress bar."""
    by_label = {methods.get(name).label: name for name in editors}

    def upload(path: str) -> list[Any]:
        try:
            opened = clips.open_clip(path)
        except UserError as error:
            raise gr.Error(str(error), duration=8) from None
        finally:
            Path(path).unlink(missing_ok=True)  # an upload is never kept
        return [opened, clips.show(opened), gr.update(visible=False, value=None)]

    def edit(
        opened: OpenedClip | None, expression: str, strength: float, people: str, label: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> list[Any]:  # fmt: skip
        if opened is None:
            raise gr.Error("upload the clip again: it was not used for half an hour")

        def bar(items: Iterable, total: int, word: str) -> Iterator:
            for number, item in enumerate(items):
                progress((number, opened.frames), f"{word} the faces", unit="frames")
                yield item

        model = by_label[label]
        target = make_target(expression, None, strength)
        try:
            edited, summary = clips.edit_clip(opened, editors[model], target, people, bar)
        except UserError as error:
            raise gr.Error(str(error), duration=8) from None
        path = Path(mkdtemp(dir=gr.utils.get_upload_folder()), f"edited.{model}{edited.suffix}")
        path.write_bytes(edited.content)
        return [clips.show(opened, edited, f"{expression}: {summary}"), gr.update(visible=True, value=str(path))]

    first = clips.open_clip(CLIP)
    opened = gr.State(None, time_to_live=seconds_kept)
    gr.Markdown(HELP)
    with gr.Row(elem_classes="body"):
        with gr.Column(scale=1, min_width=300):
            file = gr.UploadButton(
                "Upload a clip", file_types=["video", ".gif", ".webp", ".apng", ".png"], type="filepath",
                elem_id="upload-clip", variant="primary",
            )  # fmt: skip
            expression = gr.Radio([*PRESETS], value="happy", label="Expression", elem_id="clip-expression")
            strength = gr.Slider(0, STRONGEST, 1, step=0.01, label="strength (above 1 exaggerates)", buttons=[])
            people = gr.Radio([*clips.PEOPLE], value=next(iter(clips.PEOPLE)), label="Whose", elem_id="clip-people")
            model = gr.Radio([*by_label], value=next(iter(by_label)), label="Model")
            make = gr.Button("Edit the clip", elem_id="edit-clip")
        with gr.Column(scale=2, min_width=320):
            shown = gr.HTML(clips.show(first), elem_id="clips")
            ready = gr.DownloadButton("Download the edited clip", visible=False, elem_id="download-clip")
    page.load(lambda: first, None, opened, queue=False, **quiet)
    file.upload(upload, file, [opened, shown, ready], **quiet)
    make.click(edit, [opened, expression, strength, people, model], [shown, ready], api_visibility="private",
               show_progress_on=[shown])  # fmt: skip
