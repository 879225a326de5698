"""`defgan`: what a person calls on photographs and data, outside the experiment's stages. `defgan --help` lists it."""

import typer
from rich.console import Console
from rich.markup import escape

from defgan.commands import data
from defgan.demo.command import demo
from defgan.editing.command import edit
from defgan.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(edit)
app.command()(demo)
app.add_typer(data.app, name="data")


@app.callback()
def defgan() -> None:
    """DefGAN: editing facial expressions by self-supervised deformation."""


def main() -> None:
    """Entry point of `defgan`; what the user can mend ends in one line and exit code 1."""
    try:
        app()
    except UserError as error:
        Console(stderr=True).print(f"[red]defgan:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
