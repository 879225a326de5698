"""Renders a head on the CPU by two Warp kernels: a rasteriser with partly transparent hair, and a shader."""

from dataclasses import dataclass

import numpy as np
import warp as wp
from scipy.sparse import csr_matrix

from defgan.corpus import appearance as ap
from defgan.corpus import glasses
from defgan.corpus import head as hd
from defgan.corpus.appearance import Creases, Light, Look, Variety, blend, noise, step01
from defgan.facs import AU_NAMES

wp.config.log_level = wp.LOG_ERROR  # else a machine without a GPU gets a warning
wp.set_module_options({"enable_backward": False})

CAMERA_DISTANCE = 0.9
"""Distance of the camera from the point between the eyes, metres."""

SHADOW_TEXELS = 224
SHADOW_SPAN = 0.40  # metres across the shadow map

_SKIN = wp.constant(hd.SKIN)
_MOUTH = wp.constant(hd.MOUTH)
_SOCKET = wp.constant(hd.SOCKET)
_LEFT_EYE = wp.constant(hd.LEFT_EYE)
_RIGHT_EYE = wp.constant(hd.RIGHT_EYE)
_TONGUE = wp.constant(hd.TONGUE)
_TEETH = wp.constant(hd.TEETH)
_CLOTH = wp.constant(hd.CLOTH)
_HAIR = wp.constant(hd.HAIR)
_CURTAIN = wp.constant(hd.CURTAIN)
_LASH = wp.constant(hd.LASH)


@wp.struct
class View:
    """Camera: image coordinates to rays in head space."""

    origin: wp.vec3  # of the camera
    target: wp.vec3  # point between the eyes
    right: wp.vec3
    up: wp.vec3
    cx: wp.float32  # image of the target, samples
    cy: wp.float32
    pixel: wp.float32  # metres per sample in the plane of the target


@wp.struct
class Eyes:
    """Centres of the eyeballs and unit directions of gaze, in head space."""

    left: wp.vec3
    right: wp.vec3
    left_gaze: wp.vec3
    right_gaze: wp.vec3


@wp.struct
class Lamp:
    """The key light as an orthographic camera: project · (point − centre) is shadow-map x, y and nearness in metres."""

    project: wp.mat33
    centre: wp.vec3


@wp.func
def ray_direction(view: View, x: float, y: float):
    point = view.target + view.right * ((x - view.cx) * view.pixel) - view.up * ((y - view.cy) * view.pixel)
    return wp.normalize(point - view.origin)


@wp.func
def mix3(a: wp.vec3, b: wp.vec3, c: wp.vec3, w: wp.vec3):
    return a * w[0] + b * w[1] + c * w[2]


@wp.func
def mix1(a: float, b: float, c: float, w: wp.vec3):
    return a * w[0] + b * w[1] + c * w[2]


@wp.func
def hair_opaque(p: wp.vec3, level: float, kind: int, look: Look):
    """Whether this point of the hair hides what is behind it: strands thin out toward tips and edges."""
    n = wp.clamp(0.5 + 0.5 * ap.strand_noise(p, look.strand, look.seed), 0.02, 1.0)
    if kind == _HAIR:
        depth = ap.hair_depth(p, look.hairline, look.recede) + 0.0035 * noise(look.seed + 12, p * 70.0)
        return n < step01(0.0, 0.016, depth) * (1.15 - 0.85 * level * level) * look.hair_density
    # `level` runs from the crown to the lowest tips; the front edge is frayed.
    angle = wp.atan2(wp.abs(p[0]), -(p[1] + 0.04))
    edge = step01(1.13, 1.45, angle + 0.10 * noise(look.seed + 13, wp.vec3(p[0] * 30.0, p[2] * 18.0, 0.0)))
    length = look.curtain + 0.10 * n + 0.05 * noise(look.seed + 16, wp.vec3(angle * 14.0, 0.0, 0.0))
    return n < 1.25 * edge * step01(length, length - 0.22, level)


@wp.kernel
def raster_kernel(
    screen: wp.array(dtype=wp.vec3), weight: wp.array(dtype=wp.float32), faces: wp.array2d(dtype=wp.int32),
    material: wp.array(dtype=wp.int32), canonical: wp.array(dtype=wp.vec3), level: wp.array(dtype=wp.float32),
    order: wp.array(dtype=wp.int32), look: Look, keys: wp.array2d(dtype=wp.int64),
):  # fmt: skip
    """Draw the faces of `order` into `keys`: nearness of the nearest (bits of the float) and its face + 1.

    `screen`: x, y in samples and nearness > 0, linear on the screen; `weight`: what makes weights perspective-correct.
    Launches on the CPU run in order, so that a face of a later launch sees what is already drawn.
    """
    face = order[wp.tid()]
    ia = faces[face, 0]
    ib = faces[face, 1]
    ic = faces[face, 2]
    a = screen[ia]
    b = screen[ib]
    c = screen[ic]
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if wp.abs(area) < 1.0e-7:
        return
    kind = material[face]
    # The head is closed: what faces away is hidden by what faces here.
    if area > 0.0 and (kind == _SKIN or kind == _HAIR):
        return
    rows = keys.shape[0]
    columns = keys.shape[1]
    x0 = wp.max(int(wp.ceil(wp.min(a[0], wp.min(b[0], c[0])) - 0.5)), 0)
    x1 = wp.min(int(wp.floor(wp.max(a[0], wp.max(b[0], c[0])) - 0.5)), columns - 1)
    y0 = wp.max(int(wp.ceil(wp.min(a[1], wp.min(b[1], c[1])) - 0.5)), 0)
    y1 = wp.min(int(wp.floor(wp.max(a[1], wp.max(b[1], c[1])) - 0.5)), rows - 1)
    for i in range(y0, y1 + 1):
        y = float(i) + 0.5
        for j in range(x0, x1 + 1):
            x = float(j) + 0.5
            u = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) / area
            v = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) / area
            w = 1.0 - u - v
            if u >= 0.0 and v >= 0.0 and w >= 0.0:
                near = u * a[2] + v * b[2] + w * c[2]
                key = wp.int64(wp.cast(near, wp.int32)) * wp.int64(4294967296) + wp.int64(face + 1)
                old = keys[i, j]
                if key > old:
                    shown = True
                    if kind >= _TONGUE and kind != _CLOTH:
                        t = wp.vec3(u * weight[ia], v * weight[ib], w * weight[ic])
                        t = t / (t[0] + t[1] + t[2])
                        if kind == _TONGUE or kind == _TEETH:
                            # Seen through the open mouth only, never through a cheek.
                            shown = False
                            under = int(old % wp.int64(4294967296)) - 1
                            if under >= 0:
                                other = material[under]
                                shown = other == _MOUTH or other == _TONGUE or other == _TEETH
                        elif kind == _LASH:
                            p = mix3(canonical[ia], canonical[ib], canonical[ic], t)
                            tip = mix1(level[ia], level[ib], level[ic], t)
                            shown = 0.5 + 0.5 * wp.sin(p[0] * 5200.0) > tip * 1.1 - look.liner * 0.4
                        else:
                            p = mix3(canonical[ia], canonical[ib], canonical[ic], t)
                            shown = hair_opaque(p, mix1(level[ia], level[ib], level[ic], t), kind, look)
                    if shown:
                        keys[i, j] = key


@wp.func
def sky_light(light: Light, n: wp.vec3):
    return blend(light.ground, light.sky, 0.5 + 0.5 * wp.dot(n, light.up))


@wp.func
def gloss(n: wp.vec3, to_light: wp.vec3, to_eye: wp.vec3, power: float):
    """Blinn and Phong's highlight."""
    h = wp.normalize(to_light + to_eye)
    return wp.pow(wp.max(wp.dot(n, h), 0.0), power) * (power + 8.0) / 25.0


@wp.func
def lamp_sees(shadows: wp.array2d(dtype=wp.float32), x: float, y: float, near: float):
    i = int(wp.floor(y))
    j = int(wp.floor(x))
    if i < 0 or j < 0 or i >= shadows.shape[0] or j >= shadows.shape[1]:
        return 1.0
    if shadows[i, j] > near:
        return 0.0
    return 1.0


@wp.kernel
def shade_kernel(
    seen: wp.array2d(dtype=wp.int32), shadows: wp.array2d(dtype=wp.float32), faces: wp.array2d(dtype=wp.int32),
    material: wp.array(dtype=wp.int32), point_of: wp.array(dtype=wp.vec3), canonical: wp.array(dtype=wp.vec3),
    normal: wp.array(dtype=wp.vec3), level_of: wp.array(dtype=wp.float32), occlusion: wp.array(dtype=wp.float32),
    eyes: Eyes, look: Look, variety: Variety, light: Light, folds: Creases, view: View, lamp: Lamp,
    out: wp.array2d(dtype=wp.vec3),
):  # fmt: skip
    """Linear colour of each sample from the face that is `seen` there (−1: none)."""
    i, j = wp.tid()
    face = seen[i, j]
    if face < 0:
        size = float(seen.shape[0])
        out[i, j] = ap.background((float(j) + 0.5) / size, (float(i) + 0.5) / size, light)
        return
    kind = material[face]
    ia = faces[face, 0]
    ib = faces[face, 1]
    ic = faces[face, 2]
    d = ray_direction(view, float(j) + 0.5, float(i) + 0.5)
    a = point_of[ia]
    ab = point_of[ib] - a
    ac = point_of[ic] - a
    # Weights of the point where the ray meets the plane of the face (Möller and Trumbore, 1997).
    beside = wp.cross(d, ac)
    scale = 1.0 / wp.dot(ab, beside)
    from_a = view.origin - a
    v = scale * wp.dot(from_a, beside)
    w = scale * wp.dot(d, wp.cross(from_a, ab))
    at = wp.vec3(wp.clamp(1.0 - v - w, 0.0, 1.0), wp.clamp(v, 0.0, 1.0), wp.clamp(w, 0.0, 1.0))
    at = at / (at[0] + at[1] + at[2])

    point = a + ab * at[1] + ac * at[2]
    p = mix3(canonical[ia], canonical[ib], canonical[ic], at)
    n = wp.normalize(mix3(normal[ia], normal[ib], normal[ic], at))
    open_sky = mix1(occlusion[ia], occlusion[ib], occlusion[ic], at)
    level = mix1(level_of[ia], level_of[ib], level_of[ic], at)
    eye = -d
    if wp.dot(n, eye) < 0.0 and kind != _SKIN and kind != _MOUTH:
        n = -n

    albedo = wp.vec3(0.5, 0.5, 0.5)
    shine = float(0.0)
    power = float(20.0)
    wrap = wp.vec3(0.05, 0.05, 0.05)
    if kind == _SKIN:
        albedo = ap.skin_color(p, look, variety)
        crease = ap.crease(p, look, folds)
        n = wp.normalize(n + wp.vec3(crease[0], crease[1], crease[2]))
        albedo = wp.cw_mul(albedo, blend(ap.WHITE, wp.vec3(0.30, 0.20, 0.17), crease[3]))
        lip = ap.lip_mask(p)
        shine = look.oil * (0.35 + 0.25 * ap.bell(wp.abs(p[0]), 0.02)) + 0.25 * lip
        power = 14.0 + 26.0 * lip
        wrap = wp.vec3(0.30, 0.14, 0.10)
        depth = ap.hair_depth(p, look.hairline, look.recede) + 0.0035 * noise(look.seed + 12, p * 70.0)
        if depth > -0.004 and look.volume > 0.0:
            root = step01(-0.002, 0.012, depth) * look.hair_density
            strand = ap.strand_noise(p, look.strand, look.seed)
            albedo = blend(albedo, look.hair * 0.7, wp.clamp(root * (0.9 + 0.3 * strand), 0.0, 1.0))
            shine = shine * (1.0 - root)
    elif kind == _MOUTH:
        albedo = wp.vec3(0.33, 0.085, 0.075) * step01(-0.085, -0.135, p[1])
        if variety.own_teeth > 0.0:
            albedo = albedo * 0.6
        shine = 0.15
    elif kind == _TONGUE:
        albedo = wp.vec3(0.46, 0.15, 0.14) * (0.25 + 0.75 * step01(-0.09, -0.12, p[1]))
        if variety.own_teeth > 0.0:
            groove = 1.0 - 0.28 * ap.bell(p[0], 0.0028)
            bumps = groove * (1.0 + 0.14 * noise(look.seed + 65, p * 600.0))
            albedo = variety.tongue * (bumps * (0.2 + 0.8 * step01(-0.085, -0.122, p[1])))
        shine = 0.2
    elif kind == _TEETH:
        gap = 0.5 + 0.5 * wp.cos(p[0] * 6.2832 / 0.0076)
        open_sky = 0.55
        if level >= 1.0:
            gap = 0.5 + 0.5 * wp.cos((p[0] + 0.0027) * 6.2832 / 0.0054)
            open_sky = 0.38
        t = level - wp.floor(wp.min(level, 1.0))
        albedo = look.teeth * (1.0 - 0.35 * wp.pow(gap, 12.0)) * step01(0.023, 0.008, wp.abs(p[0]))
        albedo = blend(wp.vec3(0.45, 0.16, 0.15), albedo, step01(0.02, 0.16, t))
        if variety.own_teeth > 0.0:
            own = ap.tooth(p, t, level < 1.0, look, variety)
            albedo = wp.vec3(own[0], own[1], own[2])
            n = wp.normalize(n + wp.vec3(0.35 * own[3], 0.0, 0.0))
        shine = 0.35
        power = 50.0
    elif kind == _LEFT_EYE or kind == _RIGHT_EYE:
        centre = eyes.left
        gaze = eyes.left_gaze
        if kind == _RIGHT_EYE:
            centre = eyes.right
            gaze = eyes.right_gaze
        n = wp.normalize(point - centre)
        albedo = ap.eye_color(n, gaze, look, variety)
        shine = 1.6
        power = 220.0
        # Lids and lashes shade the upper part of the ball.
        open_sky = 0.85 - 0.50 * step01(0.05, 0.40, wp.dot(n, light.up))
        wrap = wp.vec3(0.25, 0.2, 0.2)
    elif kind == _SOCKET:
        albedo = wp.vec3(0.42, 0.16, 0.14) * 0.7
    elif kind == _CLOTH:
        t = 0.35 + 0.25 * look.neckline + look.neckline * 0.8 * wp.max(-p[1] - 0.02, 0.0)
        if level < t:
            albedo = look.skin
            wrap = wp.vec3(0.30, 0.14, 0.10)
            open_sky = 0.6
        else:
            weave = noise(look.seed + 51, p * 300.0)
            albedo = look.cloth * (1.0 + 0.12 * weave)
    elif kind == _LASH:
        albedo = wp.vec3(0.02, 0.016, 0.014)
    else:
        s = ap.strand_noise(p, look.strand, look.seed)
        fine = noise(look.seed + 14, wp.cw_mul(p, look.strand) * 2.3)
        lock = noise(look.seed + 15, wp.cw_mul(p, look.strand) * 0.22)
        albedo = look.hair * wp.max(1.0 + 0.40 * lock + 0.35 * s + 0.25 * fine, 0.25)
        depth = level
        if kind == _CURTAIN:
            depth = 0.8
        open_sky = 0.35 + 0.6 * depth
        n = wp.normalize(n + wp.vec3(s + lock, 0.0, fine + lock) * 0.22)
        shine = 0.30
        power = 9.0
        wrap = wp.vec3(0.2, 0.2, 0.2)

    facing = wp.dot(n, light.key)
    lit = wp.vec3(
        wp.max(facing + wrap[0], 0.0) / (1.0 + wrap[0]),
        wp.max(facing + wrap[1], 0.0) / (1.0 + wrap[1]),
        wp.max(facing + wrap[2], 0.0) / (1.0 + wrap[2]),
    )
    if facing > -0.3:
        # Share of the lamp that is seen, from the shadow map; farther samples make a softer edge.
        spot = lamp.project * (point + n * 0.0015 - lamp.centre)
        spread = light.softness * 14.0
        free = float(0.0)
        for k in range(10):
            r = wp.sqrt((float(k) + 0.5) / 10.0) * spread
            turn = float(k) * 2.399963
            free += lamp_sees(shadows, spot[0] + r * wp.cos(turn), spot[1] + r * wp.sin(turn), spot[2] + 0.0025)
        free = free / 10.0
        # Skin lets a little red light through.
        lit = wp.cw_mul(lit, blend(wp.vec3(0.09, 0.035, 0.025), ap.WHITE, free))
        shine = shine * (0.1 + 0.9 * free)
    rim = wp.max(wp.dot(n, light.rim), 0.0)
    around = (sky_light(light, n) + light.rim_color * rim) * open_sky
    color = wp.cw_mul(albedo, wp.cw_mul(light.key_color, lit) + around)
    graze = wp.pow(1.0 - wp.max(wp.dot(n, eye), 0.0), 4.0)
    color = color + light.key_color * (shine * 0.08 * gloss(n, light.key, eye, power) * wp.min(1.0, wp.length(lit)))
    color = color + light.rim_color * (shine * 0.05 * gloss(n, light.rim, eye, power))
    color = color + sky_light(light, n) * (0.10 * graze * open_sky * (0.4 + shine))
    if kind == _LEFT_EYE or kind == _RIGHT_EYE:
        # The window that every portrait has in its eyes.
        h = wp.normalize(light.key * 0.8 + eye * 1.4 + light.up * 0.5)
        color = color + light.key_color * (0.8 * step01(0.980, 0.992, wp.dot(n, h)))
    out[i, j] = color


@wp.kernel
def occlusion_kernel(
    mesh: wp.uint64, points: wp.array(dtype=wp.vec3), normals: wp.array(dtype=wp.vec3), rays: int,
    out: wp.array(dtype=wp.float32),
):  # fmt: skip
    i = wp.tid()
    n = normals[i]
    free = float(0.0)
    for r in range(rays):
        # Cosine-weighted directions on a spiral: the sphere's point plus the normal.
        z = 1.0 - (2.0 * float(r) + 1.0) / float(rays)
        a = float(r) * 2.399963
        ring = wp.sqrt(1.0 - z * z)
        d = wp.normalize(n * 1.001 + wp.vec3(ring * wp.cos(a), ring * wp.sin(a), z))
        q = wp.mesh_query_ray(mesh, points[i] + n * 4.0e-4, d, 0.06)
        if not q.result:
            free += 1.0
    out[i] = free / float(rays)


def _fields(struct) -> list[tuple[str, int, bool]]:
    """(name, width, is integer) of a Warp struct's fields, in order."""
    fields = []
    for name, kind in struct.cls.__annotations__.items():
        fields.append((name, 3 if kind is wp.vec3 else 1, kind is wp.int32))
    return fields


def width(struct) -> int:
    """Length of the flat vector of a struct."""
    return sum(size for _, size, _ in _fields(struct))


def pack(struct, values: dict) -> np.ndarray:
    """A struct's fields, by name, as one float32 vector."""
    names = {name for name, _, _ in _fields(struct)}
    assert names == set(values), f"fields differ: {sorted(names ^ set(values))}"
    return np.concatenate([np.atleast_1d(values[name]).astype(np.float32) for name, _, _ in _fields(struct)])


def unpack(struct, vector: np.ndarray):
    """The inverse of `pack`: an instance of the struct."""
    instance, start = struct(), 0
    for name, size, integer in _fields(struct):
        part = vector[start : start + size]
        start += size
        scalar = int if integer else float
        setattr(instance, name, wp.vec3(*map(float, part)) if size == 3 else scalar(part[0]))
    return instance


def variety_of(look: np.ndarray) -> Variety:
    """What follows the packed `Look` in a subject's vector; nothing follows it in the roles without `Variety`."""
    rest = look[width(Look) :]
    return unpack(Variety, rest) if len(rest) else Variety()


def vertex_normals(vertices: np.ndarray, faces: np.ndarray, incidence: csr_matrix) -> np.ndarray:
    """Area-weighted unit normals, float32 V×3."""
    a, b, c = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    normals = incidence @ np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return (normals / np.maximum(length, 1e-20)).astype(np.float32)


def face_incidence(faces: np.ndarray, n: int) -> csr_matrix:
    """Sparse V×F matrix that sums over the faces around a vertex."""
    columns = np.arange(len(faces)).repeat(3)
    return csr_matrix((np.ones(faces.size, dtype=np.float32), (faces.ravel(), columns)), shape=(n, len(faces)))


def sky_visibility(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Share of the sky that each vertex sees past the other faces within 6 cm, float32 V in [0, 1]."""
    mesh = wp.Mesh(wp.array(vertices, dtype=wp.vec3), wp.array(faces.ravel(), dtype=wp.int32))
    out = wp.zeros(len(vertices), dtype=wp.float32)
    inputs = [mesh.id, wp.array(vertices, dtype=wp.vec3), wp.array(normals, dtype=wp.vec3), 128, out]
    wp.launch(occlusion_kernel, dim=len(vertices), inputs=inputs, device="cpu")
    return out.numpy()


@dataclass(frozen=True)
class Camera:
    """Pose of the head before a camera at `CAMERA_DISTANCE`.

    `rotation` 3×3 head to camera axes (x right, y away, z up); `target` the head-space point that is imaged at
    `centre` (x, y in shares of the side); `span` metres across the image in the plane of the target.
    """

    rotation: np.ndarray
    target: np.ndarray
    centre: tuple[float, float]
    span: float

    def view(self, size: int) -> "View":
        """The Warp camera for an image of `size` samples."""
        view = View()
        view.origin = wp.vec3(*map(float, self.target - CAMERA_DISTANCE * self.rotation[1]))
        view.target = wp.vec3(*map(float, self.target))
        view.right = wp.vec3(*map(float, self.rotation[0]))
        view.up = wp.vec3(*map(float, self.rotation[2]))
        view.cx, view.cy = self.centre[0] * size, self.centre[1] * size
        view.pixel = self.span / size
        return view

    def screen(self, points: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Image coordinates (N×2, pixel centres at +0.5) and nearness (N, 1/metre) of head-space points N×3."""
        x, y, z = self.rotation @ (points.astype(np.float64) - self.target).T
        nearness = 1 / (CAMERA_DISTANCE + y)
        scale = CAMERA_DISTANCE * nearness * size / self.span
        return np.stack([self.centre[0] * size + x * scale, self.centre[1] * size - z * scale], axis=1), nearness


class Renderer:
    """Renders heads of one topology."""

    def __init__(self, head: hd.Head):
        self.head = head
        self._incidence = face_incidence(head.faces, len(head.canonical))
        self._faces = wp.array(head.faces, dtype=wp.int32, device="cpu")
        self._material = wp.array(head.material, dtype=wp.int32, device="cpu")
        self._canonical = wp.array(head.canonical, dtype=wp.vec3, device="cpu")
        self._level = wp.array(head.level, dtype=wp.float32, device="cpu")
        self._temples = glasses.temples(head)
        self._occlusion = wp.array(head.occlusion, dtype=wp.float32, device="cpu")
        # The mouth's inside is drawn after the lips; hair after the skin, the outer shells first.
        passes = {
            "body": (hd.SKIN, hd.MOUTH, hd.SOCKET, hd.LEFT_EYE, hd.RIGHT_EYE, hd.CLOTH),
            "mouth": (hd.TONGUE, hd.TEETH),
            "lash": (hd.LASH,),
            "curtain": (hd.CURTAIN,),
            "hair": (hd.HAIR,),
        }
        self._passes = {
            name: wp.array(np.flatnonzero(np.isin(head.material, kinds)).astype(np.int32), dtype=wp.int32, device="cpu")
            for name, kinds in passes.items()
        }

    def _draw(self, screen: np.ndarray, weight: np.ndarray, look, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Rasterise all faces: the face seen at each sample, int32 (−1: none), and its nearness, float32 (0: none)."""
        keys = wp.zeros((side, side), dtype=wp.int64, device="cpu")
        screen = wp.array(screen.astype(np.float32), dtype=wp.vec3, device="cpu")
        weight = wp.array(weight.astype(np.float32), dtype=wp.float32, device="cpu")
        for name, order in self._passes.items():
            if (name == "curtain" and look.curtain <= 0) or (name == "hair" and look.volume <= 0):
                continue
            inputs = [screen, weight, self._faces, self._material, self._canonical, self._level, order, look, keys]
            wp.launch(raster_kernel, dim=len(order), inputs=inputs, device="cpu")
        words = keys.numpy().view(np.int32).reshape(side, side, 2)  # low word first
        return words[..., 0] - 1, np.ascontiguousarray(words[..., 1]).view(np.float32)

    def render(
        self, vertices: np.ndarray, aus: np.ndarray, look: np.ndarray, light: np.ndarray, camera: Camera,
        gaze: np.ndarray, size: int, supersample: int,
    ) -> np.ndarray:  # fmt: skip
        """One photograph, uint8 size×size×3, of a head whose (displaced) vertices are given.

        `look` (a `Look` that a `Variety` may follow) and `light` are packed, the light in camera axes; `gaze` is the
        point that the eyes look at.
        """
        head, samples = self.head, size * supersample
        face = unpack(Look, look)
        lamps = unpack(Light, light)
        for name in ("key", "rim", "up"):
            setattr(lamps, name, wp.vec3(*map(float, camera.rotation.T @ np.array(getattr(lamps, name)))))
        folds = Creases()
        for name, value in zip(AU_NAMES, aus, strict=True):
            if hasattr(folds, name.lower()):
                setattr(folds, name.lower(), float(value))
        eyes = Eyes()
        for side in ("left", "right"):
            centre = eyeball_centre(vertices[getattr(head, f"{side}_eye")])
            direction = gaze - centre
            setattr(eyes, side, wp.vec3(*map(float, centre)))
            setattr(eyes, f"{side}_gaze", wp.vec3(*map(float, direction / np.linalg.norm(direction))))

        variety = variety_of(look)
        xy, nearness = camera.screen(vertices, samples)
        seen, near = self._draw(np.c_[xy, nearness], nearness, face, samples)
        lamp, shadows = self._shadow_map(vertices, np.array(lamps.key), camera.target, face)
        normals = vertex_normals(vertices, head.faces, self._incidence)
        view = camera.view(samples)
        out = wp.zeros((samples, samples), dtype=wp.vec3, device="cpu")
        inputs = [
            wp.array(seen, dtype=wp.int32, device="cpu"), wp.array(shadows, dtype=wp.float32, device="cpu"),
            self._faces, self._material, wp.array(vertices, dtype=wp.vec3, device="cpu"), self._canonical,
            wp.array(normals, dtype=wp.vec3, device="cpu"), self._level, self._occlusion, eyes, face, variety,
            lamps, folds, view, lamp, out,
        ]  # fmt: skip
        wp.launch(shade_kernel, dim=(samples, samples), inputs=inputs, device="cpu")
        if variety.glasses:
            inputs = [
                wp.array(near, dtype=wp.float32, device="cpu"), view.origin, view.target, view.right, view.up,
                wp.vec3(*map(float, camera.rotation[1])), wp.vec2(view.cx, view.cy), view.pixel, self._seat(vertices),
                variety, lamps, out,
            ]  # fmt: skip
            wp.launch(glasses.wear_kernel, dim=(samples, samples), inputs=inputs, device="cpu")
        linear = out.numpy().reshape(size, supersample, size, supersample, 3).mean(axis=(1, 3), dtype=np.float32)
        return develop(linear, lamps.exposure, lamps.grain, lamps.back_seed)

    def _shadow_map(self, vertices: np.ndarray, key: np.ndarray, centre: np.ndarray, look) -> tuple[Lamp, np.ndarray]:
        side = np.cross([0.0, 0.0, 1.0], key)
        side /= np.linalg.norm(side)
        up = np.cross(key, side)
        rows = np.stack([side * SHADOW_TEXELS / SHADOW_SPAN, -up * SHADOW_TEXELS / SHADOW_SPAN, key])
        screen = (vertices - centre) @ rows.T + (SHADOW_TEXELS / 2, SHADOW_TEXELS / 2, 1.0)
        lamp = Lamp()
        lamp.project = wp.mat33(*map(float, rows.ravel()))
        # The offset of the shadow map's centre, expressed as a shift of the head-space centre.
        shift = np.linalg.solve(rows, (SHADOW_TEXELS / 2, SHADOW_TEXELS / 2, 1.0))
        lamp.centre = wp.vec3(*map(float, centre - shift))
        return lamp, self._draw(screen, np.ones(len(vertices)), look, SHADOW_TEXELS)[1]

    def _seat(self, vertices: np.ndarray) -> glasses.Seat:
        centres = (eyeball_centre(vertices[eye]) for eye in (self.head.left_eye, self.head.right_eye))
        return glasses.seat_of(vertices[self._temples], *centres)

    def framed(
        self, vertices: np.ndarray, look: np.ndarray, camera: Camera, xy: np.ndarray, nearness: np.ndarray, size: int
    ) -> np.ndarray:
        """Whether the frame of the subject's glasses hides the surface at image points, bool N.

        `xy` (N×2) in pixels of a photograph of side `size`; `nearness` (N) of the surface there, 0 for none.
        """
        variety = variety_of(look)
        if not variety.glasses:
            return np.zeros(len(xy), dtype=bool)
        side, away, up = camera.rotation
        across = (xy / size - np.array(camera.centre)) * camera.span
        rays = across[:, :1] * side - across[:, 1:] * up + CAMERA_DISTANCE * away
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        far = 1 / np.maximum(nearness, 0.1) / (rays @ away)
        solid = wp.zeros(len(xy), dtype=wp.float32, device="cpu")
        inputs = [
            wp.array(rays.astype(np.float32), dtype=wp.vec3, device="cpu"),
            wp.array(far.astype(np.float32), dtype=wp.float32, device="cpu"), camera.view(size).origin,
            self._seat(vertices), variety, solid,
        ]  # fmt: skip
        wp.launch(glasses.frame_kernel, dim=len(xy), inputs=inputs, device="cpu")
        return solid.numpy() > 0.5

    def visible(
        self, xy: np.ndarray, nearness: np.ndarray, look: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Face seen at each pixel (−1: none) and its nearness (0: none), both size×size.

        `xy`, `nearness`: the vertices on the screen (`Camera.screen`), possibly moved into a crop.
        """
        return self._draw(np.c_[xy, nearness], nearness, unpack(Look, look), size)


def eyeball_centre(vertices: np.ndarray) -> np.ndarray:
    """Centre of the sphere that fits the vertices of an eyeball best (least squares)."""
    mean = vertices.mean(axis=0)
    v = (vertices - mean).astype(np.float64)
    solution = np.linalg.lstsq(np.c_[2 * v, np.ones(len(v))], (v**2).sum(axis=1), rcond=None)[0]
    return mean + solution[:3]


def develop(linear: np.ndarray, exposure: float, grain: float, seed: int) -> np.ndarray:
    """Linear light (H×W×3, ≥ 0) to an sRGB photograph, uint8: exposure, shoulder, gamma, grain."""
    x = np.maximum(linear, 0) * exposure
    x = np.where(x < 0.6, x, 0.6 + 0.4 * (1 - np.exp(-(x - 0.6) / 0.4)))
    x = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(np.maximum(x, 1e-6), 1 / 2.4) - 0.055)
    x = x + grain * np.random.default_rng([seed, 77]).standard_normal(x.shape, dtype=np.float32)
    return np.clip(x * 255 + 0.5, 0, 255).astype(np.uint8)
