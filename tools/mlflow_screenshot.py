"""The picture of MLflow in docs/experiments.md: `python -m tools.mlflow_screenshot http://127.0.0.1:5000`.

Opens a running MLflow (`make mlflow`) in headless Chromium and compares the runs of a stage by a param and a metric. Of
several runs with one value of the param the latest counts. It is no stage of dvc.yaml, because it needs a browser and a
server.
"""

import io
import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from PIL import Image
from playwright.sync_api import Browser

from defgan.errors import UserError, plain_errors
from defgan.files import atomic_file
from defgan.tracking_writer import EXPERIMENT
from stages.common import console
from tools.study_screenshots import chromium

PICTURE = Path("docs/figures/mlflow.png")
WINDOW = {"width": 1290, "height": 1200}
"""Wide enough for five runs."""
COLOURS = 256
PATIENCE_MILLISECONDS = 240_000
"""How long MLflow's page may take to draw itself."""


def runs_by_param(address: str, stage: str, param: str) -> tuple[str, list[str]]:
    """MLflow's numbers of the experiment and of the latest finished run for each value of a param, in its order."""
    from mlflow import MlflowClient

    client = MlflowClient(address)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    query = f"tags.stage = '{stage}' and attributes.status = 'FINISHED' and params.`{param}` != ''"
    found = client.search_runs([experiment.experiment_id], query, order_by=["attributes.start_time ASC"])
    latest = {float(run.data.params[param]): run.info.run_id for run in found}
    if len(latest) < 2:
        raise UserError(f"{address}: fewer than two runs of {stage} that differ in {param}")
    return experiment.experiment_id, [latest[value] for value in sorted(latest)]


def comparison(browser: Browser, address: str, chosen: tuple[str, list[str]], param: str, metric: str) -> Image.Image:
    """MLflow's comparison of the chosen runs: a plot of the metric over the param, and the params that differ."""
    experiment, runs = chosen
    asked = f"runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    try:
        page.goto(f"{address}/#/compare-runs?{asked}", wait_until="commit")
        page.get_by_role("tab", name="Scatter Plot").wait_for()
        for button in ("Close", "Toggle sidebar", "collapse Run details", "Parameters - Show diff only"):
            page.get_by_label(button, exact=True).click()
        page.get_by_role("tab", name="Scatter Plot").click()
        for axis, value in (("x", param), ("y", metric)):
            page.locator(f"#{axis}-axis-selector").click()
            page.get_by_role("option", name=value, exact=True).click()
        page.locator(".js-plotly-plot .xtitle", has_text=param).wait_for()
        page.locator(".js-plotly-plot .ytitle", has_text=metric).wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(1000)  # until menus have faded
        below = page.get_by_text("Metrics", exact=True).last.bounding_box()
        clip = {"x": 0, "y": 0, "width": WINDOW["width"], "height": below["y"] - 12}
        return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    finally:
        page.close()


def save(picture: Image.Image, output: Path) -> None:
    """Write the picture in few colours."""
    with atomic_file(output) as path:
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def mlflow_screenshot(
    address: Annotated[str, typer.Argument(help="where MLflow runs")],
    stage: Annotated[str, typer.Option(help="whose runs are compared")] = "evaluate@defgan",
    param: Annotated[str, typer.Option(help="a param that differs")] = "lambda_cyc",
    metric: Annotated[str, typer.Option(help="what was measured")] = "frechet",
    output: Annotated[Path, typer.Option("--output", "-o", help="the picture, a PNG file")] = PICTURE,
) -> None:
    """Draw MLflow's comparison of runs that differ in a param."""
    with plain_errors("mlflow_screenshot"):
        chosen = runs_by_param(address, stage, param)
        with chromium("shows MLflow's pages") as browser:
            picture = comparison(browser, address, chosen, param, metric)
        save(picture, output)
        console.print(f"mlflow_screenshot: {len(chosen[1])} runs: {output}", highlight=False)


def main() -> None:
    """Entry point of `python -m tools.mlflow_screenshot`."""
    typer.run(mlflow_screenshot)


if __name__ == "__main__":
    main()
