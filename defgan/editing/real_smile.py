"""A truth on photographs: a person's neutral photograph, edited to the AUs of the smiling one, against the real smile.

The two photographs also differ in what no edit is asked for, the head's motion and the light. So the smile is aligned
in steps (`smile.ALIGNMENTS`), and the neutral photograph itself, the copy, is measured by the same pixels.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
from PIL import Image

from defgan import methods
from defgan.editing import pictures
from defgan.editing.editor import Editor, deform, render
from defgan.editing.people import DISTANCE_NAME, Person, chip, embed
from defgan.editing.smile import ALIGNMENTS, PORTRAIT, SIDE, STILL, aligned
from defgan.evaluation.gain import changed_pixels, masked_errors
from defgan.evaluation.identity import distances
from defgan.evaluation.intervals import draw_people, percentiles
from defgan.evaluation.regions import ellipses_mask, face_mask, regions_of
from defgan.facs import AU_NAMES, PRESETS
from defgan.spacing import spread

COPY = "copy"
Labels = tuple[str, str, str, str]
"""Method, alignment, region and measure of a row."""
COLUMNS = ("method", "alignment", "region", "measure", "value", "low", "high", "n")
GAIN = "gain over copying"
DISTANCE = f"identity distance to the real smile ({DISTANCE_NAME})"
AU_ERROR = "mean absolute error of the AUs"
SHOWN = 12
"""How many people the figure shows."""


def _row(labels: Labels, shares: np.ndarray, totals: np.ndarray | None = None) -> tuple:
    """A row of `COLUMNS`: Σ shares / Σ totals of the people, (N,) each, and its interval; NaN is left out.

    Without totals it is the mean. One person has no interval.
    """
    totals = np.ones(len(shares)) if totals is None else totals
    known = ~np.isnan(shares / totals)
    count = int(known.sum())
    if not count:
        return (*labels, np.nan, np.nan, np.nan, 0)
    shares, totals = shares[known], totals[known]
    weights = draw_people(np.arange(count))
    low, high = percentiles((weights @ shares) / (weights @ totals)) if count > 1 else (np.nan, np.nan)
    return (*labels, float(shares.sum() / totals.sum()), low, high, count)


def _pixel_rows(method: str, people: Sequence[Person], images: Mapping[str, np.ndarray]) -> list[tuple]:
    """Rows of the gain of aligned images by name, uint8 N×SIDE×SIDE×3, by alignment and region; of `COPY` errors."""
    neutral, rows = np.stack([person.smile.neutral for person in people]), []
    forehead = np.broadcast_to(ellipses_mask(STILL, SIDE), neutral.shape[:3])
    for name, (region, within) in product(ALIGNMENTS, regions().items()):
        true = np.stack([person.smile.aligned[name] for person in people])
        changed = changed_pixels(neutral, true) & within
        copied, head = masked_errors(neutral, true, changed), (method, name, region)
        for words, edits in images.items():
            saved = copied - masked_errors(edits, true, changed)
            rows.append(_row((*head, f"{GAIN}, {words}"), saved, copied))
        if method == COPY:
            still = masked_errors(neutral, true, forehead)
            rows += [
                _row((*head, "error where something changes"), copied),
                _row((*head, "error of forehead and bridge of the nose"), still),
                _row((*head, f"{GAIN} that the latter leaves"), copied - still, copied),
            ]
    return rows


def regions() -> dict[str, np.ndarray]:
    """Where the gain is measured, by name: the whole face, and where the AUs of a smile show; bool SIDE×SIDE each."""
    asked = np.isin(AU_NAMES, [*PRESETS["happy"]])[None]
    return {"face": face_mask(SIDE), "AUs of a smile": regions_of(asked, SIDE)[0] & face_mask(SIDE)}


def _rows(
    method: str,
    people: Sequence[Person],
    images: Mapping[str, np.ndarray],
    chips: Sequence[np.ndarray],
    aus: np.ndarray,
) -> pd.DataFrame:
    wanted = np.stack([person.smile.aus for person in people])
    rows = [
        *_pixel_rows(method, people, images),
        _row((method, "", "", DISTANCE), distances(embed(chips), embed([person.other for person in people]))),
        _row((method, "", "", AU_ERROR), np.abs(aus - wanted).mean(axis=1)),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_copy(people: Sequence[Person]) -> pd.DataFrame:
    """The rows of the neutral photograph without an edit, the zero; columns as of `measure`.

    The error of forehead and bridge of the nose, which no smile moves, is what head and light cost: the mean absolute
    error in shares of full scale. An edit that has it everywhere, and no other, has the gain "that the latter leaves".
    """
    images = {"final": np.stack([person.smile.neutral for person in people])}
    chips = [chip(person.pixels, person.face.points) for person in people]
    return _rows(COPY, people, images, chips, np.stack([person.face.x for person in people]))


def measure(editor: Editor, people: Sequence[Person], progress: Callable[[Iterable, str], Iterable]) -> pd.DataFrame:
    """The rows of one model, with 95 % intervals by the bootstrap over the people.

    The columns are `COLUMNS`; `alignment` is one of `smile.ALIGNMENTS`, `region` of `regions`; both are "" where they
    do not matter. Gain over copying is that of `evaluation.gain`, over the pixels in which the two photographs differ.
    """
    images, chips, aus = {"final": [], "deformed": []}, [], []
    for person in progress(people, f"{editor.name}: the real smile"):
        part = editor.generate(person.face, person.smile.aus)
        edited = render(person.pixels, [part])
        images["final"].append(aligned(edited, person.face))
        if part.offsets is not None:
            images["deformed"].append(aligned(deform(person.pixels, [part]), person.face))
        chips.append(chip(edited, person.face.points))
        aus.append(editor.estimate_aus(edited, person.face))
    stacked = {words: np.stack(pixels) for words, pixels in images.items() if pixels}
    return _rows(editor.name, people, stacked, chips, np.stack(aus))


def shown(people: Sequence[Person]) -> list[Person]:
    """The people of the figure, evenly spread over all."""
    return [people[index] for index in spread(len(people), SHOWN)]


def portraits(editor: Editor, people: Sequence[Person]) -> list[np.ndarray]:
    """The edits of some people to their own smiles, square pictures of side ≤ PORTRAIT."""
    found = []
    for person in people:
        pixels, placed = pictures.portrait(person.pixels, person.face, PORTRAIT)
        found.append(render(pixels, [replace(editor.generate(person.face, person.smile.aus), face=placed)]))
    return found


def figure(people: Sequence[Person], edits: Mapping[str, Sequence[np.ndarray]]) -> Image.Image:
    """A row per person: neutral, the edits by method (`portraits`), the real smile."""
    rows = [
        [pictures.portrait(person.pixels, person.face, PORTRAIT)[0], *own, person.smile.portrait]
        for person, *own in zip(people, *edits.values(), strict=True)
    ]
    return pictures.table(rows, ["neutral", *(methods.get(name).label for name in edits), "real smile"])
