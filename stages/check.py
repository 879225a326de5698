"""Is everything there that the whole experiment needs? `python -m stages.check`.

It writes nothing. All that is missing is listed at once, each with its remedy.
"""

import typer

from defgan.errors import UserError
from defgan.readiness import problems
from stages.common import console, stage


def check() -> None:
    """Look for weights, photographs, AUs and people before anything runs."""
    with stage("check") as (params, run):
        found = problems(params)
        run.log_metrics({"problems": len(found)})
        for problem in found:
            console.print(f"  - {problem}", highlight=False, markup=False, soft_wrap=True)
        if found:
            raise UserError(f"{len(found)} of the things that the experiment of params.yaml needs are missing")
        console.print("check: every key of params.yaml is valid, and all that it needs is there", soft_wrap=True)


def main() -> None:
    """Entry point of `python -m stages.check`."""
    typer.run(check)


if __name__ == "__main__":
    main()
