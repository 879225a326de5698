"""`defgan`: the commands for photographs and data sets. `defgan --help` lists them."""

import typer

from defgan.commands import data, export
from defgan.commands.expressions import expressions
from defgan.commands.faces import faces
from defgan.demo.command import demo
from defgan.editing.command import edit
from defgan.errors import UserError, plain_errors
from defgan.extras import how_to_install

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(edit)
app.command()(demo)
app.command()(faces)
app.command()(expressions)
app.add_typer(data.app, name="data")
app.add_typer(export.app, name="export")


@app.callback()
def defgan() -> None:
    """DefGAN: facial expression editing with self-supervised deformation."""


def main() -> None:
    """Entry point of `defgan`; a UserError ends in one line and exit code 1."""
    with plain_errors("defgan"):
        try:
            app()
        except ModuleNotFoundError as error:
            # Editing has all that it needs; what reads data sets needs the packages of the pipeline.
            if (error.name or "defgan").split(".")[0] == "defgan":
                raise
            remedy = how_to_install("experiment")
            raise UserError(f"this needs the package {error.name}; install it {remedy}") from None


if __name__ == "__main__":
    main()
