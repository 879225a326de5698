"""`defgan`: what a person calls on photographs and data, outside the experiment's stages. `defgan --help` lists it."""

import typer

from defgan.commands import data

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(data.app, name="data")


@app.callback()
def defgan() -> None:
    """DefGAN: editing facial expressions by self-supervised deformation."""


def main() -> None:
    """Entry point of `defgan`."""
    app()


if __name__ == "__main__":
    main()
