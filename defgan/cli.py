"""The command `defgan`: its sub-commands live in modules of their own."""

import typer
from rich.console import Console
from rich.markup import escape

from defgan.demo.command import demo
from defgan.editing.command import edit
from defgan.errors import UserError

app = typer.Typer(help="DefGAN: edit facial expressions.", no_args_is_help=True, add_completion=False)
app.command()(edit)
app.command()(demo)


@app.callback()
def defgan() -> None:
    """Edit facial expressions in photographs."""


def main() -> None:
    """Run the command line; what the user can mend ends in one line and exit code 1."""
    try:
        app()
    except UserError as error:
        Console(stderr=True).print(f"[red]defgan:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
