"""Every measure of one method's edits: distances between sets, identity, truth, AU fidelity, change."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from defgan.evaluation import frechet, identity
from defgan.evaluation.edits import COUNTED_SET, PERSON_SET, Edits
from defgan.evaluation.fidelity import ESTIMATOR, predict_aus
from defgan.evaluation.measures import ActionUnits, per_image, summarise
from defgan.evaluation.reference import ReferenceFacts
from defgan.evaluation.truth import Truth
from defgan.faces.embedders import load_embedder

if TYPE_CHECKING:
    from defgan.faces.table import Faces
    from defgan.params import EvaluateParams


def counted_edits(edits: Edits) -> np.ndarray:
    """Which edits count in the metrics, bool (M,)."""
    return (edits.frame["set"] == COUNTED_SET).to_numpy()


def distance_set(edits: Edits) -> str:
    """The set of the plan of which Table 1 takes the distances between sets."""
    return PERSON_SET if PERSON_SET in set(edits.frame["set"]) else COUNTED_SET


def measure_edits(
    edits: Edits, inputs: Faces, truth: Truth, reference: np.ndarray, settings: EvaluateParams
) -> tuple[pd.DataFrame, dict]:
    """A row of measurements per edit (`measures.per_image`), and the metrics of the edits that count, at least one.

    `inputs` and `truth` have one entry per edit; `reference` holds features, float32 N×D. The identity distances of
    `more_embedders` stand in columns `identity_NAME`, which no metric counts.
    """
    # Brings an interpreter of networks that nothing else here needs.
    from defgan.faces.au_estimators.blendshapes import BlendshapeEstimator

    counted = counted_edits(edits)
    aus = ActionUnits(inputs.aus, predict_aus(BlendshapeEstimator, edits.final, inputs, torch.get_num_threads()))
    distances = {
        name: identity.distances_to_inputs(load_embedder(name), edits, inputs, counted, settings.batch_size)
        for name in (settings.embedder, *settings.more_embedders)
    }
    table = per_image(edits, inputs.pixels, truth, distances[settings.embedder], aus)
    table = table.assign(**{f"identity_{name}": distances[name] for name in settings.more_embedders})
    extractor = frechet.load_extractor(settings.features)
    compared = (edits.frame["set"] == distance_set(edits)).to_numpy()
    features = frechet.features(extractor, edits.final[compared], settings.batch_size, "Fréchet features of the edits")
    sets = frechet.set_distances(features, torch.from_numpy(reference), edits.frame["subject"][compared])
    return table, sets | summarise(table)


def describe(edits: Edits, facts: ReferenceFacts, settings: EvaluateParams) -> dict:
    """What the metrics were measured with: the edits and the reference of Table 1, and the network of each measure."""
    return {
        "distance_set": distance_set(edits),
        **{key: value for key, value in asdict(facts).items() if key != "features"},
        "networks": {
            "frechet": frechet.DISTANCE_NAMES[settings.features],
            "kernel": frechet.KERNEL_NAMES[settings.features],
            "identity": identity.DISTANCE_NAMES[settings.embedder],
            "action_units": ESTIMATOR,
            **{f"identity_{name}": identity.DISTANCE_NAMES[name] for name in settings.more_embedders},
        },
    }
