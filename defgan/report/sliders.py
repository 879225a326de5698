"""The sliders of the page: edits of a few faces, made beforehand, in sheets of small pictures.

A sheet holds one row per slider and one column per step. One slider at a time is shown: no composition of several is
computed or pretended.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from defgan.facs import ACTION_UNITS, AU_NAMES, EXPRESSIONS
from defgan.report.canvas import common_scale, enlarge, heat
from defgan.report.differences import difference
from defgan.report.pictures import TRUE_IMAGE, Pictures
from defgan.report.units import MESH_LINES, carried

SIDE = 128
"""Side of one picture of a sheet, pixels."""
QUALITY = 82
"""Of the sheets, WebP."""
_MESH_LEVELS = 127


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that a page carries within itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def sheet(rows: Sequence[Sequence[np.ndarray]]) -> str:
    """Rows of pictures, uint8 H×W×3 each, as one WebP of tiles of `SIDE` pixels, a data URI."""
    tiles = np.concatenate([np.concatenate([enlarge(tile, SIDE) for tile in row], axis=1) for row in rows])
    file = io.BytesIO()
    Image.fromarray(tiles).save(file, "WEBP", quality=QUALITY, method=4)
    return data_uri(file.getvalue(), "image/webp")


def controls() -> list[dict[str, str]]:
    """The sliders in the order of a sheet's rows."""

    def control(name: str, label: str, symbol: str, group: str, rest: str) -> dict[str, str]:
        return {"name": name, "label": label, "symbol": symbol, "group": group, "rest": rest}

    together = "all AUs together, towards those of one person"
    alone = "all other AUs as they are in the face"
    return [control(name, name, "α", "Expressions", together) for name in EXPRESSIONS] + [
        control(au, f"{au} {words}", "intensity", "Action units", alone) for au, words in ACTION_UNITS.items()
    ]


def _positions(pictures: Pictures, rows: pd.DataFrame) -> np.ndarray:
    """Positions in the plan of one face's edits, sliders × steps; `rows` are the face's rows of the set `slider`."""
    plan = pictures.plan
    own = plan[(plan["row"] == rows["row"].iloc[0]) & plan["set"].isin(["au", "slider"])]
    found = {name: edits.sort_values("alpha").index for name, edits in own.groupby("expression")}
    return np.array([found[name] for name in (*EXPRESSIONS, *AU_NAMES)])


def slider_data(pictures: Pictures) -> dict[str, Any]:
    """Everything that the page's script shows, ready to be written as JSON.

    Keys: `steps`, `controls`, `side`, `panels` (key and label of each picture, in their order), `full` (full scale of
    the difference images), `lines` (of the mesh), `faces`: per face `subject`, `input`, `sheets` by panel and `mesh`,
    signed bytes, sliders × steps × lines × lines × 2, of `mesh_unit` pixels at 128 px each.
    """
    faces = pictures.faces("slider")
    positions = [_positions(pictures, rows) for rows in faces]
    defgan, ganimation = pictures.methods["defgan"], pictures.methods["ganimation"]
    known = all(pictures.truth_known(rows) for rows in faces)
    finals = {"final": defgan.final, "ganimation": ganimation.final}
    shifts = [np.array([[carried(defgan.offsets[i]) for i in row] for row in own]) for own in positions]
    unit = max(float(np.abs(shift).max()) for shift in shifts) / _MESH_LEVELS or 1.0

    def changes(array: np.ndarray, own: np.ndarray) -> list[list[np.ndarray]]:
        return [[difference(array[i], pictures.inputs[i]) for i in row] for row in own]

    maps = {name: [changes(array, own) for own in positions] for name, array in finals.items()}
    full = common_scale([tile for faces_of in maps.values() for face in faces_of for row in face for tile in row])
    shown = []
    for i, (rows, own) in enumerate(zip(faces, positions, strict=True)):
        images = {"deformed": defgan.deformed, **finals} | ({"true": pictures.truth.images} if known else {})
        sheets = {name: sheet([array[row] for row in own]) for name, array in images.items()}
        for name in finals:
            sheets[f"{name}_difference"] = sheet([[heat(tile, full) for tile in row] for row in maps[name][i]])
        mesh = np.round(shifts[i] / unit).astype(np.int8)
        shown.append(
            {
                "subject": rows["subject"].iloc[0],
                "input": sheet([[pictures.original(rows)]]),
                "sheets": sheets,
                "mesh": base64.b64encode(mesh.tobytes()).decode(),
            }
        )
    panels = {
        "input": "Input",
        "deformed": "DefGAN, deformed",
        "final": "DefGAN, final",
        "true": TRUE_IMAGE.capitalize(),
        "grid": "DefGAN, deformation grid",
        "final_difference": "DefGAN, difference",
        "ganimation": "GANimation, final",
        "ganimation_difference": "GANimation, difference",
    }
    return {
        "steps": sorted(faces[0]["alpha"].unique().tolist()),
        "controls": controls(),
        "side": SIDE,
        "panels": [{"key": key, "label": label} for key, label in panels.items() if key != "true" or known],
        "full": full,
        "lines": MESH_LINES,
        "mesh_unit": unit,
        "faces": shown,
    }
