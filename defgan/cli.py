"""`defgan`: the commands for photographs and data sets. `defgan --help` lists them."""

import typer

from defgan.commands import data
from defgan.commands.expressions import expressions
from defgan.commands.faces import faces
from defgan.demo.command import demo
from defgan.editing.command import edit
from defgan.errors import plain_errors

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(edit)
app.command()(demo)
app.command()(faces)
app.command()(expressions)
app.add_typer(data.app, name="data")


@app.callback()
def defgan() -> None:
    """DefGAN: facial expression editing with self-supervised deformation."""


def main() -> None:
    """Entry point of `defgan`; a UserError ends in one line and exit code 1."""
    with plain_errors("defgan"):
        app()


if __name__ == "__main__":
    main()
