"""The page's tab for photographs: sliders in plain words, somebody else's expression, two models side by side."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
import numpy as np

from defgan import methods
from defgan.demo import view
from defgan.demo.examples import examples
from defgan.demo.view import AS_IT_IS, Opened, Other
from defgan.editing.editor import Editor
from defgan.editing.targets import STRONGEST
from defgan.errors import UserError
from defgan.facs import AU_NAMES, PLAIN_WORDS, PRESETS

REGIONS = {
    "Brows": ("AU01", "AU02", "AU04"),
    "Eyes": ("AU05", "AU06", "AU07", "AU45"),
    "Nose and upper lip": ("AU09", "AU10"),
    "Mouth": ("AU12", "AU14", "AU15", "AU20", "AU23", "AU25"),
    "Jaw and chin": ("AU17", "AU26"),
}
FIRST = "surprise"
"""The expression with which the page opens."""
LIKE = """
The action units of another photograph become the sliders' values. Faces differ at rest, so better give a neutral
photograph of that person too: then what changed in that face is added to this one.
"""


def photograph_tab(page: gr.Blocks, editors: Mapping[str, Editor], seconds_kept: float, quiet: Mapping) -> None:
    """Add the tab's content; `quiet`: options of events without a progress bar."""
    by_label = {methods.get(name).label: name for name in editors}
    default = next(iter(editors))
    rivals = {name: editor for name, editor in editors.items() if name != default}
    first = view.open_face(examples()[0], editors)

    def edited(opened: Opened, values: np.ndarray, strength: float) -> list[Any]:
        """The default model's edit, which is shown before the rival's."""
        shown = view.show(opened, {default: editors[default]}, view.target_of(opened, values, strength))
        return [shown.results, shown.details, gr.update(visible=False, value=None)]

    def rivals_edit(opened: Opened | None, strength: float, *values: float) -> list[Any]:
        opened = chosen(opened)
        y = view.target_of(opened, np.array(values), strength)
        shown = view.show(opened, rivals, y, with_photograph=False)
        return [shown.results, shown.details]

    def set_to(opened: Opened, values: np.ndarray, strength: float) -> list[Any]:
        return [*(round(float(value), 2) for value in values), *edited(opened, values, strength)]

    def face_of(opened: Opened, name: str | None, strength: float, other: Other) -> list[Any]:
        """All that changes with the face; the wanted expression stays."""
        name = name if name or other.target else AS_IT_IS
        values = view.goal(opened, name, other)
        return [opened, view.describe_face(opened), name, *set_to(opened, values, strength)]

    def opening(path: str, name: str | None, strength: float, other: Other) -> list[Any]:
        opened = visitors(view.open_face, path)
        numbers = opened.numbers
        chooser = gr.update(choices=numbers, value=opened.number, visible=len(numbers) > 1)
        picture = view.numbered_faces(opened)
        return [gr.update(value=picture, visible=bool(picture)), chooser, *face_of(opened, name, strength, other)]

    def upload(path: str, *wanted: Any) -> list[Any]:
        try:
            return opening(path, *wanted)
        finally:
            Path(path).unlink(missing_ok=True)  # an upload is never kept

    def choose(opened: Opened | None, number: int, *wanted: Any) -> list[Any]:
        return face_of(view.choose_face(chosen(opened), number), *wanted)

    def preset(opened: Opened | None, name: str, strength: float, other: Other) -> list[Any]:
        opened = chosen(opened)
        return set_to(opened, view.goal(opened, name, other), strength)

    def change(opened: Opened | None, strength: float, *values: float) -> list[Any]:
        return edited(chosen(opened), np.array(values), strength)

    def neutralise(opened: Opened | None, other: Other) -> list[Any]:
        return ["neutral", 1.0, *preset(opened, "neutral", 1.0, other)]

    def like(part: str, path: str, opened: Opened | None, name: str | None, strength: float, other: Other) -> list[Any]:
        """Read the AUs of an upload; `part` says whether it is the other's expression or neutral face."""
        try:
            read = visitors(view.read_face, path)
        finally:
            Path(path).unlink(missing_ok=True)
        if part == "neutral":
            other = Other(other.face, read)
        else:  # a second expression may be of another person, whose neutral face is another one
            other = Other(read, None if other.face else other.neutral)
        name = None if other.target else name
        return [other, other.html, name, *preset(opened, name, strength, other)]

    def download(opened: Opened | None, label: str, strength: float, *values: float) -> Any:
        opened, model = chosen(opened), by_label[label]
        try:
            content = view.full_size(opened, editors[model], view.target_of(opened, np.array(values), strength))
        except UserError as error:
            raise gr.Error(str(error)) from None
        path = Path(mkdtemp(dir=gr.utils.get_upload_folder()), f"edited.{model}{opened.suffix}")
        path.write_bytes(content)
        return gr.update(visible=True, value=str(path))

    def visitors(read: Any, path: str) -> Any:
        try:
            return read(path, editors)
        except UserError as error:
            raise gr.Error(str(error), duration=8) from None

    def chosen(opened: Opened | None) -> Opened:
        if opened is None:
            raise gr.Error("choose a face or upload a photograph first")
        return opened

    start = view.goal(first, FIRST, Other())
    own_results, own_details, _ = edited(first, start, 1.0)
    rival_html = rivals_edit(first, 1.0, *start) if rivals else ["", ""]
    state = gr.State(None, time_to_live=seconds_kept)
    other = gr.State(Other(), time_to_live=seconds_kept)
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
            group = gr.HTML("", visible=False, elem_id="group")
            chooser = gr.Radio([], visible=False, label="Face to edit", elem_id="face")
            note = gr.Markdown(view.describe_face(first), elem_id="aus")
            label = "strength (above 1 exaggerates)"
            strength = gr.Slider(0, STRONGEST, 1, step=0.01, label=label, elem_id="strength", buttons=[])
            sliders: dict[str, gr.Slider] = {}
            with gr.Tabs():
                with gr.Tab("Expression"):
                    names = [AS_IT_IS, *PRESETS]
                    preset_radio = gr.Radio(names, value=FIRST, label="Expression", elem_id="preset")
                    neutral = gr.Button("Make neutral", elem_id="neutralise")
                    for region, units in REGIONS.items():
                        with gr.Accordion(region, open=region in ("Brows", "Mouth")):
                            for unit in units:
                                sliders[unit] = gr.Slider(
                                    0, 1, round(float(start[AU_NAMES.index(unit)]), 2), step=0.01,
                                    label=f"{PLAIN_WORDS[unit][0]} ({unit})", elem_id=unit, buttons=[],
                                )  # fmt: skip
                with gr.Tab("Like this photograph", elem_id="like"):
                    gr.Markdown(LIKE)
                    with gr.Row():
                        kinds = {"face": "Upload their photograph", "neutral": "Upload their neutral face"}
                        uploads = {
                            part: gr.UploadButton(
                                words, file_types=["image"], type="filepath", elem_id=f"like-{part}", min_width=120
                            )
                            for part, words in kinds.items()
                        }
                    read = gr.HTML("", elem_id="read")
        with gr.Column(scale=2, min_width=320, elem_classes="shown"):
            with gr.Row(elem_id="results", elem_classes="results"):
                results = gr.HTML(own_results, min_width=0, elem_classes="default")
                rival_results = gr.HTML(rival_html[0], min_width=0, visible=bool(rivals), elem_classes="rival")
            with gr.Accordion("Before and after, and the parts of the edit", open=True):
                details = gr.HTML(own_details, elem_id="details")
                rival_details = gr.HTML(rival_html[1], visible=bool(rivals))
            with gr.Row():
                model = gr.Radio([*by_label], value=next(iter(by_label)), label="Model", elem_id="model")
                make = gr.Button("Make the file at full resolution", elem_id="make")
                ready = gr.DownloadButton("Download", visible=False, elem_id="download")

    knobs = [sliders[name] for name in AU_NAMES]
    wanted = [preset_radio, strength, other]
    new_edit = [results, details, ready]
    new_face = [state, note, preset_radio, *knobs, *new_edit]
    # The state cannot be the component's value: Gradio would copy it, with the networks in it.
    page.load(lambda: first, None, state, queue=False, **quiet)
    edits = [
        file.upload(upload, [file, *wanted], [group, chooser, *new_face], **quiet),
        chooser.input(choose, [state, chooser, *wanted], new_face, **quiet),
        preset_radio.input(preset, [state, *wanted], [*knobs, *new_edit], **quiet),
        neutral.click(neutralise, [state, other], [preset_radio, strength, *knobs, *new_edit], **quiet),
        # During an edit several changes may come: only the last one is edited next.
        gr.on(
            [knob.input for knob in (strength, *knobs)], change, [state, strength, *knobs], new_edit,
            trigger_mode="always_last", **quiet,
        ),
    ]  # fmt: skip
    for button, path in zip(faces, examples(), strict=True):
        edits.append(button.click(partial(opening, str(path)), wanted, [group, chooser, *new_face], **quiet))
    for part, button in uploads.items():
        outputs = [other, read, preset_radio, *knobs, *new_edit]
        edits.append(button.upload(partial(like, part), [button, state, *wanted], outputs, **quiet))
    for edit in edits if rivals else ():
        # It takes the values of the moment in which it starts: an older change's rival is left out.
        edit.success(
            rivals_edit, [state, strength, *knobs], [rival_results, rival_details],
            trigger_mode="always_last", **quiet,
        )  # fmt: skip
    make.click(download, [state, model, strength, *knobs], ready, api_visibility="private")
