"""Sample sheets: what the model makes of held-out faces while it trains."""

import numpy as np
import pandas as pd
import torch

from defgan.faces.table import Faces
from defgan.facs import AU_NAMES, EXPRESSIONS, preset
from defgan.methods.model import Model
from defgan.pixels import tile, to_network, to_pixels


@torch.no_grad()
def sample_sheet(model: Model, faces: Faces, rows: int, device: torch.device) -> np.ndarray:
    """Rows of held-out faces; columns: the input, then each expression's final image (and, below it, the deformed one).

    Returns uint8 of shape (rows·{1, 2}·H)×(7·W)×3.
    """
    picked = faces.frame.drop_duplicates("subject").head(rows)
    pixels = np.array(faces.pixels[picked["row"].to_numpy()])
    images = to_network(torch.from_numpy(pixels)).to(device)
    x = torch.from_numpy(model.method.condition.of(picked)).to(device)
    wanted = pd.DataFrame([preset(expression) for expression in EXPRESSIONS], columns=list(AU_NAMES))
    targets = torch.from_numpy(model.method.condition.of(wanted.assign(expression=EXPRESSIONS))).to(device)
    final, deformed = [pixels], [pixels]
    for target in targets:
        edit = model.edit(images, x, target.expand(len(images), -1))
        final.append(to_pixels(edit.image))
        deformed.append(to_pixels(edit.image if edit.deformed is None else edit.deformed))
    kinds = [final] if edit.deformed is None else [final, deformed]
    shown = [column[i] for i in range(len(pixels)) for kind in kinds for column in kind]
    return tile(shown, len(final))
