"""What a whole experiment needs, looked for before anything runs: files of weights, photographs, AUs, people.

Each problem is a sentence that names the key or the file, and the remedy. Nothing is computed; weights that are not
here yet are downloaded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from defgan.datasets import read_dataset
from defgan.datasets.check import LOOKED_AT
from defgan.errors import UserError
from defgan.extras import how_to_install
from defgan.facs import EXPRESSIONS
from defgan.methods import registry
from defgan.spacing import spread
from defgan.weight_files import weights_path

if TYPE_CHECKING:
    from defgan.params import Params, Source
    from defgan.records import Dataset, Record

_DETECTOR = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")
_ACTING_ROLES = ("mug", "rafd")
_PACKAGES = {"ray": ("ray", "cluster"), "pyfeat": ("feat", "pyfeat")}
"""By the value of a key: the module that it needs, and the extra that brings it."""


def problems(params: Params) -> list[str]:
    """All that is missing for the experiment of these params, in the order in which it would stop."""
    found = []
    if params.prepare.engine == "ray":
        found += _package("prepare.engine", "ray")
    records: dict[str, list[Record]] = {}
    for role, source in params.data:
        if source.layout == "corpus" and Path(source.path) == Path("data/corpus", role):
            continue  # rendered; params themselves say whether there are enough
        try:
            dataset = read_dataset(source.layout, source.path, source.views)
        except UserError as error:
            found.append(f"data.{role}: {error}")
            continue
        records[role] = [record for record in dataset.records if not record.reject]
        found += role_problems(role, source, dataset)
    found += people_problems(params, records)
    found += weight_problems(params)
    if not Path(params.user_study.consent).is_file():
        found.append(f"user_study.consent: {params.user_study.consent}: no such file; docs/consent.txt is a template")
    if not Path(params.user_study.responses).is_dir():
        found.append(f"user_study.responses: {params.user_study.responses}: no such folder; make it, it may be empty")
    return found


def _package(key: str, value: str) -> Iterator[str]:
    module, extra = _PACKAGES[value]
    if importlib.util.find_spec(module) is None:
        yield f"{key}: {value} is not installed; choose another value, or install it {how_to_install(extra)}"


def role_problems(role: str, source: Source, dataset: Dataset) -> Iterator[str]:
    """What the photographs of a role lack for its own settings: points, AUs and expressions."""
    records = [record for record in dataset.records if not record.reject]
    if not records:
        yield f"data.{role}: {source.path} has no photograph that can be used; `defgan data check {role} {source.path}`"
        return
    if source.points == "annotations" and not any(record.points is not None for record in records):
        yield f"data.{role}.points: no photograph of {source.path} is annotated with points; choose mtcnn"
    yield from _au_problems(role, source, records)
    if role in _ACTING_ROLES:
        shown = {record.expression for record in records}
        if missing := [name for name in EXPRESSIONS if name not in shown]:
            yield f"data.{role} gives the target expressions, but no photograph shows {', '.join(missing)}"


def _au_problems(role: str, source: Source, records: list[Record]) -> Iterator[str]:
    key = f"data.{role}.action_units"
    if source.action_units == "annotations":
        if not source.au_table and not any(record.aus is not None for record in records):
            yield f"{key}: no photograph of {source.path} is annotated; name a table in au_table, or an estimator"
    elif source.action_units == "pyfeat":
        yield from _package(key, "pyfeat")
    elif source.action_units == "openface":
        try:
            found, looked_at = openface_rows(source, records)
        except UserError as error:
            yield f"{key}: {error}"
        else:
            if not found:
                yield f"{key}: OpenFace's files have no row for any of {looked_at} photographs of {source.path}"


def openface_rows(source: Source, records: list[Record]) -> tuple[int, int]:
    """How many of some photographs, evenly spaced, have a row in the CSV files of OpenFace 2, and how many they are.

    All have where its program is run instead. Raises UserError where there are neither files nor the program, or where
    a file is unusable, such as one that lacks columns.
    """
    from defgan.faces.au_estimators.openface import TableEstimator, make_openface_estimator

    estimator = make_openface_estimator(source)
    looked_at = [records[index] for index in spread(len(records), LOOKED_AT)]
    if not isinstance(estimator, TableEstimator):
        return len(looked_at), len(looked_at)
    # No photograph is opened: which face a row is of does not matter here.
    nobody = [np.zeros((5, 2))] * len(looked_at)
    rejects = [prediction.reject for prediction in estimator([], nobody, looked_at)]
    if unusable := [reject for reject in rejects if "unusable" in reject]:
        raise UserError(unusable[0])
    return sum(not reject.startswith(("no row", "no file")) for reject in rejects), len(looked_at)


def people_problems(params: Params, records: dict[str, list[Record]]) -> Iterator[str]:
    """Where the photographs of a role show fewer people than the plan and the user study need.

    `records` holds the usable records of each role that is not rendered. Preparation may reject more of them.
    """
    plan, study = params.plan, params.user_study
    if "wild" in records:
        people = len({record.subject for record in records["wild"]})
        edited = people if plan.wild_faces == "all" else min(people, plan.wild_faces)
        judged = sum(method.in_study for method in registry.told_aus()) * study.images_per_method
        for key, needed in (
            *((f"plan.{key}", getattr(plan, key)) for key in ("grid_faces", "sweep_faces", "au_faces")),
            ("user_study.images_per_method", judged),
            ("user_study.questions", study.questions),
        ):
            if needed > edited:
                yield (
                    f"{key}: {needed} faces of distinct people are needed, but {edited} of data.wild are edited;"
                    f" lower it, raise plan.wild_faces or add photographs to data.wild"
                )
    acting = {role: _people_with(records[role], EXPRESSIONS) for role in _ACTING_ROLES if role in records}
    neutral = _people_with(records.get("rafd", []), (*EXPRESSIONS, "neutral"))
    for key, role, needed, there in (
        ("plan.instances", plan.target_role, plan.instances, acting.get(plan.target_role)),
        ("plan.rafd_faces", "rafd", plan.rafd_faces, neutral if "rafd" in records else None),
        ("data.mug", "mug", 1, acting.get("mug")),
    ):
        if there is not None and there < needed:
            yield (
                f"{key}: {needed} people of {role} must show all expressions, but {there} do;"
                f" add the missing photographs to data.{role}, or lower it"
            )


def _people_with(records: list[Record], expressions: tuple[str, ...]) -> int:
    """How many people show all of some expressions."""
    shown: dict[str, set[str]] = {}
    for record in records:
        shown.setdefault(record.subject, set()).add(record.expression)
    return sum(set(expressions) <= own for own in shown.values())


def weight_problems(params: Params) -> Iterator[str]:
    """Files of weights that are neither here nor can be downloaded; each is named once, with all that need it."""
    wanted: dict[str, list[str]] = {}
    for role, source in params.data:
        if source.points == "mtcnn":
            for name in _DETECTOR:
                wanted.setdefault(name, []).append(f"data.{role}.points")
        if source.action_units == "blendshapes":
            wanted.setdefault("face-landmarker", []).append(f"data.{role}.action_units")
    if any(
        term.equation == "eq. 12" and term.weight(method.coefficients(params))
        for method in registry.trained()
        for term in method.terms()
    ):
        wanted.setdefault(params.training.embedder, []).append("training.embedder")
    wanted.setdefault(params.evaluate.features, []).append("evaluate.features")
    wanted.setdefault(params.evaluate.embedder, []).append("evaluate.embedder")
    for name in params.evaluate.more_embedders:
        wanted.setdefault(name, []).append("evaluate.more_embedders")
    wanted.setdefault("face-landmarker", []).append("the AU fidelity of edits")
    for name, keys in wanted.items():
        try:
            weights_path(name)
        except UserError as error:
            yield f"{', '.join(keys)}: {error}"
