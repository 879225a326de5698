"""`defgan demo`: serve the page on this machine."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from defgan.errors import UserError


def demo(
    weights: Annotated[Path | None, typer.Option(help="Folder of the models' weights.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Without it the first free one from 7860.")] = None,
) -> None:
    """Serve a page to play with: sliders for the action units, DefGAN and GANimation side by side."""
    with TemporaryDirectory(prefix="defgan-demo-") as directory:
        # Gradio reads these when it is imported or started: no usage reports, and what it writes goes at the end.
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": directory}
        try:
            from defgan.demo.page import build, launch
        except ModuleNotFoundError as error:
            if error.name != "gradio":
                raise
            raise UserError("the page needs gradio; install the extra `demo`: pip install 'defgan[demo]'") from None
        launch(build(load_editors(weights)), host, port)


def load_editors(weights: Path | None):
    """Both models, by name; they share the networks that find and read faces where their crops are of one size."""
    from defgan.editing.editor import Editor
    from defgan.editing.weights import EDITORS

    first, *others = EDITORS
    editors = {first: Editor.load(first, weights)}
    return editors | {name: Editor.load(name, weights, editors[first].find) for name in others}
