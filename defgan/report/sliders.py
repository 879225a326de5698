"""The sliders of the page: edits of a few faces, made beforehand, in sheets of small pictures.

A sheet has one row per slider and one column per step. The page shows one slider at a time. Sliders cannot be combined.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from defgan import methods
from defgan.facs import ACTION_UNITS, AU_NAMES, EXPRESSIONS
from defgan.pixels import difference, heat, tile
from defgan.report.canvas import common_scale, enlarge
from defgan.report.names import TRUE_LABEL, supervision
from defgan.report.pictures import Pictures
from defgan.report.single_aus import MESH_LINES, carried

SIDE = 128
"""Side of one picture of a sheet, pixels."""
QUALITY = 82
"""Of the sheets, WebP."""
_MESH_LEVELS = 127


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that holds them, so that the page needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def sheet(rows: Sequence[Sequence[np.ndarray]]) -> str:
    """Rows of pictures, uint8 H×W×3 each, as one WebP of tiles of `SIDE` pixels, a data URI."""
    pictures = tile([enlarge(picture, SIDE) for row in rows for picture in row], len(rows[0]))
    file = io.BytesIO()
    Image.fromarray(pictures).save(file, "WEBP", quality=QUALITY, method=4)
    return data_uri(file.getvalue(), "image/webp")


def controls() -> list[dict[str, str]]:
    """The sliders in the order of a sheet's rows."""

    def control(name: str, label: str, symbol: str, group: str, rest: str) -> dict[str, str]:
        return {"name": name, "label": label, "symbol": symbol, "group": group, "rest": rest}

    together = "all AUs together, towards the AUs of one person"
    alone = "all other AUs stay as they are in the face"
    return [control(name, name, "α", "Expressions", together) for name in EXPRESSIONS] + [
        control(au, f"{au} {words}", "intensity", "Action units", alone) for au, words in ACTION_UNITS.items()
    ]


def _positions(pictures: Pictures, rows: pd.DataFrame) -> np.ndarray:
    """Positions in the plan of one face's edits, sliders × steps; `rows` are the face's rows of the set `slider`."""
    plan = pictures.plan
    own = plan[(plan["row"] == rows["row"].iloc[0]) & plan["set"].isin(["au", "slider"])]
    found = {name: edits.sort_values("alpha").index for name, edits in own.groupby("expression")}
    return np.array([found[name] for name in (*EXPRESSIONS, *AU_NAMES)])


def _images(pictures: Pictures, known: bool) -> dict[str, tuple[str, np.ndarray]]:
    """What each sheet of images shows: label and array, by the panel's key."""
    shown = {}
    for name, edits in pictures.edits.items():
        label = methods.get(name).label
        if edits.deformed is not None:
            shown[f"{name}_deformed"] = f"{label}, deformed", edits.deformed
        shown[f"{name}_final"] = f"{label}, final", edits.final
    return shown | ({"true": (TRUE_LABEL, pictures.truth.images)} if known else {})


def slider_data(pictures: Pictures) -> dict[str, Any]:
    """Everything that the page's script shows, ready to be written as JSON.

    Keys: `steps`, `controls`, `side`, `panels` (key and label of each picture, in their order), `full` (full scale of
    the difference images), `supervision` (a sentence), `lines` (of the meshes), `mesh_unit`, `faces`: per face
    `subject`, `input`, `sheets` by panel, and `meshes` by panel: signed bytes, sliders × steps × lines × lines × 2, of
    `mesh_unit` pixels at 128 px.
    """
    faces = pictures.faces("slider")
    positions = [_positions(pictures, rows) for rows in faces]
    images = _images(pictures, all(pictures.truth_known(rows) for rows in faces))
    finals = {name: edits.final for name, edits in pictures.edits.items()}
    deforming = {name: edits.offsets for name, edits in pictures.edits.items() if edits.offsets is not None}
    shifts = {
        name: [np.array([[carried(offsets[i]) for i in row] for row in own]) for own in positions]
        for name, offsets in deforming.items()
    }
    largest = max((float(np.abs(shift).max()) for own in shifts.values() for shift in own), default=0.0)
    unit = largest / _MESH_LEVELS or 1.0

    def changes(array: np.ndarray, rows: pd.DataFrame, own: np.ndarray) -> list[list[np.ndarray]]:
        original = pictures.original(rows)
        return [[difference(array[i], original) for i in row] for row in own]

    maps = {
        name: [changes(array, rows, own) for rows, own in zip(faces, positions, strict=True)]
        for name, array in finals.items()
    }
    full = common_scale([values for own in maps.values() for face in own for row in face for values in row])
    shown = []
    for i, (rows, own) in enumerate(zip(faces, positions, strict=True)):
        sheets = {key: sheet([array[row] for row in own]) for key, (_, array) in images.items()}
        for name in finals:
            sheets[f"{name}_difference"] = sheet([[heat(values, full) for values in row] for row in maps[name][i]])
        meshes = {f"{name}_grid": np.round(shift[i] / unit).astype(np.int8) for name, shift in shifts.items()}
        shown.append(
            {
                "subject": rows["subject"].iloc[0],
                "input": sheet([[pictures.original(rows)]]),
                "sheets": sheets,
                "meshes": {key: base64.b64encode(mesh.tobytes()).decode() for key, mesh in meshes.items()},
            }
        )
    panels = {"input": "Input"} | {key: label for key, (label, _) in images.items()}
    panels |= {f"{name}_grid": f"{methods.get(name).label}, deformation grid" for name in deforming}
    panels |= {f"{name}_difference": f"{methods.get(name).label}, difference" for name in finals}
    return {
        "steps": sorted(faces[0]["alpha"].unique().tolist()),
        "controls": controls(),
        "side": SIDE,
        "panels": [{"key": key, "label": label} for key, label in panels.items()],
        "full": full,
        "supervision": supervision(map(methods.get, finals)),
        "lines": MESH_LINES,
        "mesh_unit": unit,
        "faces": shown,
    }
