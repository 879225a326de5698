"""The page of `defgan demo`, made with Gradio: a tab for photographs and one for clips."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from defgan.demo.clip_tab import clip_tab
from defgan.demo.photograph_tab import photograph_tab
from defgan.demo.style import THEME, css
from defgan.editing.editor import Editor

LARGEST_FILE = "25mb"
SECONDS_KEPT = 1800
"""Time that an idle visitor's photograph or clip stays in memory."""
_QUIET = {"show_progress": "hidden", "api_visibility": "private"}


def build(editors: Mapping[str, Editor]) -> gr.Blocks:
    """The page for models by name."""
    # Files for download are deleted after minutes, uploads as soon as they are opened.
    with gr.Blocks(title="DefGAN", analytics_enabled=False, delete_cache=(60, 600)) as page:
        gr.Markdown(
            "# DefGAN: edit an expression\n"
            "Choose a rendered face (these people do not exist) or upload a photograph or a clip of somebody who "
            "agrees. It stays in this program's memory and is not stored. The metadata of edited files says that they "
            "are edited."
        )
        with gr.Tabs():
            with gr.Tab("Photograph"):
                photograph_tab(page, editors, SECONDS_KEPT, _QUIET)
            with gr.Tab("Short clip"):
                clip_tab(page, editors, SECONDS_KEPT, _QUIET)
    return page


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
        css=css(),
    )
