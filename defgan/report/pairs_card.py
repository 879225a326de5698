"""What rendered pairs are like: a contact sheet of scenes with the motion of one pair, and a data card.

An AU is active where its intensity is at least `ACTIVE`, FACS' level B on the scale [0, 1].
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from defgan.facs import ACTION_UNITS, AU_NAMES
from defgan.files import atomic_file
from defgan.pairs import FLOW_UNITS, UNSEEN, Pairs
from defgan.pixels import tile
from defgan.spacing import spread

ACTIVE = 0.2
STRONG = 0.6
SCENES, IMAGES = 6, 8
"""At most so many scenes of the contact sheet, and images of each."""
CELL, LABEL = 128, 14
"""Side of an image on the sheet and height of the line below it, pixels."""
LENGTHENED = 3
"""An arrow's length over that of the motion."""
SHOWN_PAIR = 2
"""The sheet shows the motion from a scene's first image to this one, its first peak."""
TONES = ((0.0, 0.1, "dark"), (0.1, 0.22, "brown"), (0.22, 0.4, "medium"), (0.4, 1.01, "light"))
"""Ranges of the relative luminance of bare skin."""


def contact_sheet(pairs: Pairs) -> Image.Image:
    """Evenly spaced scenes, one a row: the images with their active AUs, then the motion of one pair as arrows."""
    [shown] = np.flatnonzero((pairs.order == (0, SHOWN_PAIR)).all(axis=1))
    cells = []
    for scene in spread(len(pairs.images), SCENES):
        images, aus = pairs.images[scene, :IMAGES], pairs.aus[scene, :IMAGES]
        cells += [_labelled(_enlarged(image), _active(own)) for image, own in zip(images, aus, strict=True)]
        arrows = _with_arrows(_enlarged(images[SHOWN_PAIR]), pairs.flows[scene, shown])
        cells.append(_labelled(arrows, f"1 to {SHOWN_PAIR + 1}, {LENGTHENED} times as long"))
    return Image.fromarray(tile(cells, min(IMAGES, pairs.images.shape[1]) + 1))


def _enlarged(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (CELL, CELL), interpolation=cv2.INTER_AREA if len(image) > CELL else cv2.INTER_CUBIC)


def _active(aus: np.ndarray) -> str:
    return "AU " + (" ".join(name[2:] for name, value in zip(AU_NAMES, aus, strict=True) if value >= ACTIVE) or "none")


def _labelled(image: np.ndarray, text: str) -> np.ndarray:
    cell = Image.new("RGB", (CELL, CELL + LABEL), "white")
    cell.paste(Image.fromarray(image), (0, 0))
    ImageDraw.Draw(cell).text((2, CELL), text, "black", ImageFont.load_default(10))
    return np.asarray(cell)


def _with_arrows(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The image with arrows to where its points came to lie, from where they were; `flow` int8 h×h×2 as in `Pairs`."""
    drawn, side = image.copy(), len(flow)
    for row, column in np.argwhere((flow[..., 0] != UNSEEN) & flow.any(axis=2)):
        if row % 2 or column % 2:  # a quarter of the cells
            continue
        end = (np.array([column, row]) + 0.5) * (CELL / side)
        start = end + flow[row, column] * (LENGTHENED / FLOW_UNITS * CELL / 128)
        points = [tuple(int(value) for value in np.round(point)) for point in (start, end)]
        cv2.arrowedLine(drawn, *points, (255, 230, 0), 1, cv2.LINE_AA, tipLength=0.3)
    return drawn


def motions(pairs: Pairs) -> dict[str, tuple[float, float]]:
    """By kind of pair: the mean motion in pixels at 128 px, and the share of the points that both images show."""
    start, end = pairs.order.T
    kinds = {"from the first": start == 0, "back to the first": end == 0, "between others": (start > 0) & (end > 0)}
    found = {}
    for kind, chosen in kinds.items():
        flows = pairs.flows[:, chosen]
        seen = flows[..., 0] != UNSEEN
        found[kind] = (float(np.hypot(*flows[seen].T.astype(np.float32)).mean() / FLOW_UNITS), float(seen.mean()))
    return found


def card(pairs: Pairs, made: str) -> str:
    """The data card, Markdown; `made` is a sentence: with which command, seed and size."""
    scenes, images = pairs.aus.shape[:2]
    size, held_out = pairs.images.shape[2], int(pairs.held_out.sum())
    lines = [
        *("# Data card: pairs", "", made, ""),
        "Each scene is one person in one light, pose and camera, rendered under several AU vectors, with the true"
        " backward flow between chosen pairs of its images. Its person is in no other role. Methods that learn from"
        " pairs are shown the truth: they are supervised. Images are WebP; flows lie at a quarter of the resolution, in"
        " eighths of a pixel at 128 px, where both images show the point.",
        *("", "![Scenes, and the motion of one pair of each](pairs.png)", ""),
        *("| | |", "|---|---|"),
        f"| scenes | {scenes} |",
        f"| of which held out | {held_out} |",
        f"| images | {scenes * images}: {images} a scene, {size} × {size} pixels |",
        f"| pairs with their motion | {scenes * len(pairs.order)}: {len(pairs.order)} a scene |",
    ]
    for kind, (length, seen) in motions(pairs).items():
        lines.append(f"| motion {kind}, mean | {length:.2f} px at 128 px; {100 * seen:.0f} % of the points seen |")
    for low, high, name in TONES:
        share = np.mean((pairs.tone >= low) & (pairs.tone < high))
        bounds = f"{low:g} to {high:g}" if high < 1 else f"{low:g} and more"
        lines.append(f"| {name} skin (relative luminance {bounds}) | {100 * share:.0f} % |")
    lines += [
        *("", f"| AU | | mean | active (≥ {ACTIVE:g}) | strong (≥ {STRONG:g}) | alone |", "|---|---|--:|--:|--:|--:|"),
    ]
    aus = pairs.aus.reshape(-1, len(AU_NAMES))
    active = aus >= ACTIVE
    alone = active & (active.sum(axis=1, keepdims=True) == 1)
    for index, (name, meaning) in enumerate(ACTION_UNITS.items()):
        shares = (np.mean(group[:, index]) * 100 for group in (active, aus >= STRONG, alone))
        lines.append(
            f"| {name} | {meaning} | {aus[:, index].mean():.2f} | {' | '.join(f'{share:.1f} %' for share in shares)} |"
        )
    lines += [
        "",
        f"*Alone*: the only active AU of its image. No AU is active in {_none(active):.0f} % of the images.",
        "",
    ]
    return "\n".join(lines)


def _none(active: np.ndarray) -> float:
    return 100 * float(np.mean(~active.any(axis=1)))


def write_card(directory: Path, pairs: Pairs, made: str) -> list[Path]:
    """Write `pairs.md` and `pairs.png` into a directory; return the paths. `made` as of `card`."""
    text, sheet = directory / "pairs.md", directory / "pairs.png"
    with atomic_file(sheet) as path:
        drawn = contact_sheet(pairs)
        palette = drawn.quantize(256, Image.Quantize.MAXCOVERAGE)
        drawn.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    with atomic_file(text) as path:
        path.write_text(card(pairs, made), encoding="utf-8")
    return [text, sheet]


def write_empty_card(directory: Path, reason: str) -> None:
    """Write the card of pairs that were not rendered, and a sheet of one white pixel."""
    with atomic_file(directory / "pairs.png") as path:
        Image.new("RGB", (1, 1), "white").save(path)
    with atomic_file(directory / "pairs.md") as path:
        path.write_text(f"# Data card: pairs\n\n{reason}\n", encoding="utf-8")
