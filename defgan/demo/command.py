"""`defgan demo`: serves the page on this machine."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from defgan import methods
from defgan.editing import DEFAULT
from defgan.errors import UserError
from defgan.extras import how_to_install

if TYPE_CHECKING:
    from defgan.editing.editor import Editor


def demo(
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the project's own.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Default: the first free one from 7860.")] = None,
) -> None:
    """Serve a page with sliders for the action units, which shows the edits of two models side by side."""
    with TemporaryDirectory(prefix="defgan-demo-") as directory:
        # Gradio reads these when it is imported and started: it reports no usage, and its files are deleted at the end.
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": directory}
        try:
            from defgan.demo.app import build, launch
        except ModuleNotFoundError as error:
            if error.name != "gradio":
                raise
            raise UserError(f"the page needs the package gradio; install it {how_to_install('demo')}") from None
        launch(build(load_editors(weights)), host, port)


def load_editors(weights: Path | None) -> "dict[str, Editor]":
    """The models that the page shows, by name; models with equal crops share their finder of faces."""
    from defgan.editing.editor import Editor
    from defgan.editing.trained_weights import available

    names = available(weights)
    # The default beside the one that it is compared with; four models would make every change slow.
    first, *others = [name for name in (DEFAULT, methods.get(DEFAULT).rival) if name in names] or names
    editors = {first: Editor.load(first, weights)}
    return editors | {name: Editor.load(name, weights, editors[first].find) for name in others}
