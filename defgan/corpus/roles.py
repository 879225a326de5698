"""Makes a role of the corpus: draws its subjects and photographs, renders them and writes them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from defgan.corpus.head import Head, anny_vertices, load_anny, load_head
from defgan.corpus.renderer import face_incidence, sky_visibility, vertex_normals
from defgan.corpus.sampling import (
    ROLES,
    Person,
    role_expressions,
    sample_peak_aus,
    sample_person,
    sample_shot,
    sample_train_aus,
    sample_wild_aus,
)
from defgan.corpus.scenes import Progress, Run, annotations, no_progress, render_subject, save_scenes
from defgan.facs import AU_NAMES
from defgan.files import atomic_directory


class Studio:
    """anny's model and the shared head built from it."""

    def __init__(self) -> None:
        self._model = load_anny()
        head = load_head(self._model)
        normals = vertex_normals(head.canonical, head.faces, face_incidence(head.faces, len(head.canonical)))
        own = head.faces[(head.faces < head.build.shape[1]).all(axis=1)]
        visibility = sky_visibility(head.canonical, own, normals)
        visibility[head.build.shape[1] :] = 1.0
        self.head: Head = replace(head, occlusion=visibility)

    @property
    def change_labels(self) -> list[str]:
        """anny's local changes, by name."""
        return list(self._model.local_change_labels)

    def vertices(self, people: list[Person]) -> np.ndarray:
        """Neutral anny vertices of the people, float32 N×A×3."""
        phenotypes = {name: np.array([person.phenotypes[name] for person in people]) for name in people[0].phenotypes}
        changes = {name: np.array([person.changes[name] for person in people]) for name in people[0].changes}
        return anny_vertices(self._model, phenotypes, changes)


def sample_role(role: str, subjects: int, images_per_subject: int, seed: int, labels: list[str]):
    """People, frame (one row per photograph: path, subject, subject_index, expression, AUs) and shots of a role."""
    number = ROLES.index(role)
    people, rows, shots = [], [], []
    for subject in range(subjects):
        people.append(sample_person(np.random.default_rng([seed, number, subject]), labels))
        expressions = role_expressions(role) if role in ("mug", "rafd") else [""] * images_per_subject
        for image, expression in enumerate(expressions):
            rng = np.random.default_rng([seed, number, subject, 1 + image])
            if role == "train":
                aus, expression = sample_train_aus(rng)
            elif role == "wild":
                aus, expression = sample_wild_aus(rng), "neutral"
            else:
                aus = sample_peak_aus(rng, expression)
            shots.append(sample_shot(rng, role))
            name = f"{role}_{subject:04d}"
            rows.append(
                {
                    "path": f"images/{name}_{image}{'_' + expression if expression else ''}.png",
                    "subject": name,
                    "subject_index": subject,
                    "expression": expression,
                    **dict(zip(AU_NAMES, aus, strict=True)),
                }
            )
    return people, pd.DataFrame(rows), shots


def make_role(
    directory: str | Path, role: str, studio: Studio, run: Run, subjects: int, images_per_subject: int, seed: int,
    size: int, supersample: int, progress: Progress = no_progress,
) -> int:  # fmt: skip
    """Render a role into `directory`, whole or not at all; returns the number of photographs.

    `run` comes from `scenes.crew(studio.head, workers)`; the bytes do not depend on the number of workers.
    `images_per_subject` holds for train and wild; in the acted roles each subject shows each expression once.
    """
    people, frame, shots = sample_role(role, subjects, images_per_subject, seed, studio.change_labels)
    anny = studio.vertices(people)
    aus = frame[list(AU_NAMES)].to_numpy(np.float32)
    with atomic_directory(directory) as temporary:
        (temporary / "images").mkdir()
        jobs = []
        for subject, person in enumerate(people):
            own = np.flatnonzero(frame["subject_index"] == subject)
            files = [str(temporary / path) for path in frame["path"].iloc[own]]
            jobs.append((anny[subject], person.look, [shots[i] for i in own], aus[own], size, supersample, files))
        points = np.concatenate(list(progress(run(render_subject, jobs), len(jobs))))
        looks = np.stack([person.look for person in people])
        save_scenes(temporary, studio.head, anny, looks, frame, shots, size, supersample)
        annotations(frame, points).to_parquet(temporary / "annotations.parquet", index=False)
    return len(frame)
