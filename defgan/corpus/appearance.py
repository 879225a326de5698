"""What the surfaces look like: skin, brows, lips, eyes, teeth, hair, cloth, background, as Warp functions.

Everything is a function of the canonical position (metres, see `head.py`), of the subject's `Look` (and `Variety`) and
of the scene's `Light`, never of the photograph's coordinates; only creases depend on the action units.
Colours are linear sRGB in [0, 1].
"""

import warp as wp

WHITE = wp.constant(wp.vec3(1.0, 1.0, 1.0))


@wp.struct
class Look:
    """A subject's appearance."""

    seed: wp.int32
    skin: wp.vec3
    blotch: wp.float32
    redness: wp.float32
    freckles: wp.float32
    oil: wp.float32
    age: wp.float32  # depth of the permanent creases
    eye_circles: wp.float32
    lips: wp.vec3
    blush: wp.float32
    liner: wp.float32
    stubble: wp.float32
    beard: wp.float32
    brow: wp.vec3
    brow_height: wp.float32
    brow_thickness: wp.float32
    brow_arch: wp.float32
    brow_tilt: wp.float32
    brow_inner: wp.float32
    brow_outer: wp.float32
    brow_density: wp.float32
    hair: wp.vec3
    hair_density: wp.float32
    hairline: wp.float32
    recede: wp.float32
    strand: wp.vec3  # frequencies along x, y, z, 1/metre
    volume: wp.float32  # height of the hair, metres; 0 = none
    fringe: wp.float32  # how far hair falls over the forehead, metres
    waves: wp.float32
    curtain: wp.float32  # length of the hanging hair, share of its sheet; 0 = none
    iris: wp.vec3
    iris_size: wp.float32
    pupil: wp.float32
    sclera: wp.float32
    teeth: wp.vec3
    cloth: wp.vec3
    neckline: wp.float32


@wp.struct
class Variety:
    """What a subject of the rendered pairs has beyond its `Look`; all zero changes nothing, to the bit."""

    own_teeth: wp.float32  # 1: single teeth, gums, cavity and tongue of their own; 0: one plate
    tooth_width: wp.float32  # relative to an average tooth
    tooth_gap: wp.float32  # between the upper front teeth, metres
    tooth_drop: wp.float32  # how far the teeth stand lower than on the average head, metres
    gum_line: wp.float32  # share of the row that the gums cover
    gum: wp.vec3
    tongue: wp.vec3
    lip_inner: wp.vec3
    lip_inner_share: wp.float32
    sclera_stain: wp.vec3  # what the white of the eye swallows
    lid_line: wp.float32
    lid_crease: wp.float32
    spots: wp.float32
    fringe_hugs: wp.float32  # 1: the fringe follows the forehead; 0: it falls straight
    beard_cut: wp.float32  # 0 full, 1 moustache, 2 goatee, 3 without moustache
    glasses: wp.float32  # 1: worn
    lens_width: wp.float32  # half, metres
    lens_height: wp.float32  # half, metres
    lens_power: wp.float32  # exponent of the superellipse: 2 round, more is squarer
    rim: wp.float32  # thickness of the frame, metres
    half_rim: wp.float32  # 1: the lower half of the lenses has no frame
    rim_color: wp.vec3
    lens: wp.vec3  # light that the lenses let through


@wp.struct
class Creases:
    """Intensities in [0, 1] of the action units that fold the skin."""

    au01: wp.float32
    au02: wp.float32
    au04: wp.float32
    au06: wp.float32
    au07: wp.float32
    au09: wp.float32
    au10: wp.float32
    au12: wp.float32
    au14: wp.float32
    au15: wp.float32
    au17: wp.float32
    au20: wp.float32
    au23: wp.float32


@wp.struct
class Light:
    """The scene's light, in head space, and its background."""

    key: wp.vec3
    key_color: wp.vec3
    rim: wp.vec3
    rim_color: wp.vec3
    up: wp.vec3
    sky: wp.vec3
    ground: wp.vec3
    softness: wp.float32
    exposure: wp.float32
    grain: wp.float32
    back_a: wp.vec3
    back_b: wp.vec3
    back_c: wp.vec3
    back_angle: wp.float32
    back_scale: wp.float32
    back_blobs: wp.float32
    back_seed: wp.int32


@wp.func
def step01(a: float, b: float, x: float):
    t = wp.clamp((x - a) / (b - a), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@wp.func
def bell(x: float, width: float):
    t = x / width
    return wp.exp(-t * t)


@wp.func
def blend(a: wp.vec3, b: wp.vec3, t: float):
    return a * (1.0 - t) + b * t


@wp.func
def lattice(x: int, y: int, z: int, seed: int):
    """A random number in [-1, 1] for each point of the integer lattice."""
    h = wp.uint32(x) * wp.uint32(73856093) ^ wp.uint32(y) * wp.uint32(19349663) ^ wp.uint32(z) * wp.uint32(83492791)
    h = (h ^ wp.uint32(seed) * wp.uint32(1640531527)) * wp.uint32(668265261)
    h = (h ^ (h >> wp.uint32(15))) * wp.uint32(747796405)
    return float(wp.int32(h >> wp.uint32(8))) / 8388608.0 - 1.0


@wp.func
def noise(seed: int, p: wp.vec3):
    """Smooth noise in [-1, 1] with a period of about two units; several times cheaper than Perlin's."""
    x = wp.floor(p[0])
    y = wp.floor(p[1])
    z = wp.floor(p[2])
    i = int(x)
    j = int(y)
    k = int(z)
    u = p[0] - x
    v = p[1] - y
    w = p[2] - z
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    w = w * w * (3.0 - 2.0 * w)
    near = wp.lerp(
        wp.lerp(lattice(i, j, k, seed), lattice(i + 1, j, k, seed), u),
        wp.lerp(lattice(i, j + 1, k, seed), lattice(i + 1, j + 1, k, seed), u),
        v,
    )
    far = wp.lerp(
        wp.lerp(lattice(i, j, k + 1, seed), lattice(i + 1, j, k + 1, seed), u),
        wp.lerp(lattice(i, j + 1, k + 1, seed), lattice(i + 1, j + 1, k + 1, seed), u),
        v,
    )
    return 1.1 * wp.lerp(near, far, w)


@wp.func
def hair_depth(p: wp.vec3, hairline: float, recede: float):
    """How far inside the hair, metres (the same curve as `head.hair_depth`, moved by the subject's hairline)."""
    ax = wp.abs(p[0])
    low = wp.max(ax - 0.03, 0.0)
    corner = wp.max(ax - 0.045, 0.0)
    front = 0.199 + hairline - 0.30 * low - 6.0 * corner * corner + recede * bell(ax - 0.034, 0.016)
    side = wp.clamp((p[1] + 0.095) / 0.05, 0.0, 1.0)
    back = wp.clamp((p[1] + 0.015) / 0.025, 0.0, 1.0)
    line = front * (1.0 - side) + 0.142 * side
    line = line * (1.0 - back) + 0.068 * back
    depth = p[2] - line
    if ax > 0.0735 and p[2] < 0.143 and p[1] < 0.0 and p[1] > -0.06:
        depth = -0.01
    return depth


@wp.func
def strand_noise(p: wp.vec3, strand: wp.vec3, seed: int):
    return noise(seed + 11, wp.cw_mul(p, strand))


@wp.func
def lip_mask(p: wp.vec3):
    """1 on the red of the lips."""
    ax = wp.abs(p[0])
    t = wp.min(ax / 0.0245, 1.0)
    round = wp.sqrt(wp.max(1.0 - t * t, 0.0))
    top = 0.0695 + 0.0088 * wp.pow(round, 0.9) - 0.0010 * bell(ax, 0.0035) + 0.0004 * bell(ax - 0.006, 0.004)
    bottom = 0.0692 - 0.0108 * wp.pow(round, 0.85)
    inside = step01(-0.0007, 0.0009, wp.min(top - p[2], p[2] - bottom))
    return inside * step01(0.0248, 0.0228, ax) * step01(-0.112, -0.118, p[1])


@wp.func
def brow_mask(p: wp.vec3, look: Look):
    """Opacity of the brow."""
    ax = wp.abs(p[0])
    t = (ax - look.brow_inner) / (look.brow_outer - look.brow_inner)
    if t < -0.12 or t > 1.12 or p[2] < 0.138 or p[2] > 0.172 or p[1] > -0.08:
        return 0.0
    peak = 0.64
    rise = t / peak
    if t > peak:
        rise = 1.0 - 3.6 * (t - peak) * (t - peak) / (1.0 - peak)
    centre = 0.1512 + look.brow_height + look.brow_arch * rise + look.brow_tilt * (t - 0.5)
    half = look.brow_thickness * (1.0 - 0.72 * step01(0.35, 1.05, t)) * (0.8 + 0.2 * step01(-0.05, 0.15, t))
    # Hairs lean outward: the noise is stretched along a slanted direction.
    along = ax * 0.8 + (p[2] - centre) * 0.6 * (1.0 - t)
    n = noise(look.seed + 5, wp.vec3(along * 1300.0 - p[2] * 450.0, p[2] * 260.0, wp.sign(p[0]) * 3.0))
    edge = (p[2] - centre) / half + 0.28 * n
    body = step01(1.15, 0.45, wp.abs(edge))
    ends = step01(-0.10, 0.10, t + 0.05 * n) * step01(1.10, 0.86, t + 0.05 * n)
    return wp.clamp(body * ends * look.brow_density * (0.88 + 0.28 * n), 0.0, 1.0)


@wp.func
def crease(p: wp.vec3, look: Look, folds: Creases):
    """(tilt of the normal in x, y, z; darkness) of the folds of age and of expression."""
    ax = wp.abs(p[0])
    side = wp.sign(p[0])
    tilt = wp.vec3(0.0, 0.0, 0.0)
    dark = float(0.0)
    wob = 0.0012 * noise(look.seed + 21, p * 60.0)

    # Forehead: horizontal lines, in the middle for AU01, over the whole width for AU02.
    forehead = step01(0.160, 0.168, p[2]) * step01(0.206, 0.192, p[2]) * step01(-0.09, -0.11, p[1])
    if forehead > 0.0:
        w = forehead * (0.20 * look.age + folds.au01 * bell(ax, 0.032) + 0.75 * folds.au02 * step01(0.008, 0.03, ax))
        z = (p[2] + wob + 0.05 * ax * ax / 0.05) * 6.2832 / 0.0095
        tilt = tilt + wp.vec3(0.0, 0.0, 1.0) * (w * 0.42 * wp.sin(z))
        dark = dark + w * 0.42 * wp.pow(0.5 - 0.5 * wp.cos(z), 4.0)

    # Between the brows: vertical furrows of AU04.
    glabella = bell(p[2] - 0.153, 0.011) * step01(0.017, 0.008, ax) * step01(-0.12, -0.13, p[1])
    w = glabella * (folds.au04 * 1.0 + 0.2 * look.age)
    if w > 0.01:
        furrow = bell(ax - 0.0065 + wob, 0.0018)
        tilt = tilt + wp.vec3(side * wp.sign(ax - 0.0065), 0.0, 0.0) * (-w * 0.55 * furrow)
        dark = dark + w * 0.75 * furrow + w * 0.22 * bell(ax, 0.006)

    # Root of the nose and the sides of the nose: AU09.
    w = 0.6 * folds.au09 * step01(0.119, 0.127, p[2]) * step01(0.149, 0.142, p[2]) * step01(0.016, 0.010, ax)
    if w > 0.01:
        z = (p[2] - 0.8 * ax + wob) * 6.2832 / 0.0062
        tilt = tilt + wp.vec3(0.0, 0.0, 1.0) * (w * 0.55 * wp.sin(z))
        dark = dark + w * 0.5 * wp.pow(0.5 - 0.5 * wp.cos(z), 3.0)

    # Crow's feet and the pouch under the eye: AU06, AU07.
    dx = ax - 0.043
    dz = p[2] - 0.1335
    r = wp.sqrt(dx * dx + dz * dz)
    w = (folds.au06 + 0.18 * look.age) * step01(0.003, 0.007, r) * step01(0.023, 0.013, r) * step01(-0.002, 0.003, dx)
    if w > 0.01:
        a = wp.atan2(dz, dx) * 7.5 + wob * 300.0
        tilt = tilt + wp.vec3(0.0, 0.0, 1.0) * (w * 0.45 * wp.sin(a))
        dark = dark + w * 0.5 * wp.pow(0.5 - 0.5 * wp.cos(a), 3.0)
    under = bell(p[2] - (0.1285 - 6.0 * (ax - 0.030) * (ax - 0.030)) + 0.5 * wob, 0.0016) * bell(ax - 0.030, 0.013)
    w = under * (0.55 * folds.au07 + 0.6 * folds.au06 + 0.3 * look.age)
    dark = dark + 0.55 * w * step01(-0.10, -0.105, p[1])

    # Nasolabial fold, from the wing of the nose past the corner of the mouth: AU12, AU10, AU09.
    t = wp.clamp((0.101 - p[2]) / 0.036, 0.0, 1.0)
    line = 0.0185 + 0.0145 * wp.pow(t, 0.8)
    ends = step01(0.104, 0.098, p[2]) * step01(0.060, 0.070, p[2]) * step01(-0.10, -0.11, p[1])
    pull = 0.8 * folds.au12 + 0.75 * folds.au10 + 0.7 * folds.au09 + 0.25 * folds.au06
    w = ends * wp.min(1.2, 0.30 * look.age + pull)
    if w > 0.01:
        d = ax - line + wob
        tilt = tilt + wp.vec3(side, 0.0, -0.5) * (-w * 0.55 * (d / 0.003) * bell(d, 0.0034))
        dark = dark + w * 0.50 * bell(d, 0.0021)

    # Corners of the mouth: dimple of AU14, the line under a pulled corner of AU15 and AU20.
    d14 = bell(ax - 0.0275, 0.0020) * bell(p[2] - 0.0695, 0.0060)
    dark = dark + 0.85 * folds.au14 * d14
    d15 = bell(ax - (0.0255 + 0.35 * (0.066 - p[2])), 0.0030) * step01(0.067, 0.064, p[2]) * step01(0.050, 0.056, p[2])
    dark = dark + d15 * (0.34 * folds.au15 + 0.16 * look.age)
    d20 = bell(ax - 0.0315, 0.0018) * bell(p[2] - 0.066, 0.010)
    dark = dark + 0.5 * folds.au20 * d20

    # Chin: the boss wrinkles under AU17 and a line stands under the lip (AU17, AU23).
    w = folds.au17 * bell(ax, 0.014) * bell(p[2] - 0.044, 0.008) * step01(-0.10, -0.11, p[1])
    if w > 0.01:
        n = noise(look.seed + 31, p * 420.0)
        tilt = tilt + wp.vec3(0.6 * n, 0.0, n) * (w * 0.55)
        dark = dark + w * 0.35 * wp.max(-n, 0.0)
    fold = bell(p[2] - 0.0535 - 8.0 * p[0] * p[0], 0.0018) * bell(ax, 0.016) * step01(-0.10, -0.11, p[1])
    dark = dark + fold * (0.5 * folds.au17 + 0.35 * folds.au23 + 0.12)
    # Tightened lips: short vertical lines around the red.
    around = bell(ax, 0.02) * (bell(p[2] - 0.080, 0.003) + bell(p[2] - 0.0575, 0.002))
    dark = dark + folds.au23 * 0.35 * around * (0.5 + 0.5 * wp.sin((ax + wob) * 2400.0))
    return wp.vec4(tilt[0], tilt[1], tilt[2], wp.clamp(dark, 0.0, 0.85))


@wp.func
def beard_zone(p: wp.vec3):
    ax = wp.abs(p[0])
    slope = 0.9 * wp.max(ax - 0.035, 0.0)
    jaw = step01(0.084 + slope, 0.066 + slope, p[2])
    # Around the mouth: between two ellipses, the inner one a little wider than the lips.
    dx = ax / 0.0262
    dz = (p[2] - 0.0687) / 0.0098
    lips = wp.sqrt(dx * dx + dz * dz)
    ox = ax / 0.0400
    oz = (p[2] - 0.0665) / 0.0240
    ring = step01(0.93, 1.05, lips) * step01(1.12, 0.86, wp.sqrt(ox * ox + oz * oz))
    zone = wp.max(jaw * step01(0.98, 1.12, lips), ring)
    return zone * step01(0.012, 0.026, p[2]) * step01(0.015, -0.01, p[1])


@wp.func
def beard_cut(p: wp.vec3, cut: float):
    """Share of the full beard that its owner lets grow here."""
    above = step01(0.0705, 0.0730, p[2]) * step01(0.0370, 0.0290, wp.abs(p[0]))
    if cut == 1.0:
        return above
    if cut == 2.0:
        return wp.max(above, step01(0.027, 0.020, wp.abs(p[0])))
    if cut == 3.0:
        return 1.0 - above
    return 1.0


@wp.func
def lid_shadow(p: wp.vec3, variety: Variety):
    """Darkness of the line of the upper lashes and of the crease above it."""
    ax = wp.abs(p[0])
    bow = (ax - 0.032) * (ax - 0.032)
    line = bell(p[2] - (0.1412 - 25.0 * bow), 0.0011) * step01(0.0175, 0.0205, ax) * step01(0.0450, 0.0420, ax)
    fold = bell(p[2] - (0.1452 - 18.0 * bow), 0.0009) * step01(0.0185, 0.0225, ax) * step01(0.0460, 0.0410, ax)
    return (variety.lid_line * line + variety.lid_crease * fold) * step01(-0.105, -0.112, p[1])


@wp.func
def skin_color(p: wp.vec3, look: Look, variety: Variety):
    """Albedo of the bare skin with lips, brows and stubble."""
    ax = wp.abs(p[0])
    front = step01(-0.08, -0.11, p[1])
    n1 = noise(look.seed, p * 45.0)
    n2 = noise(look.seed + 1, p * 170.0)
    n3 = noise(look.seed + 2, p * 520.0)
    color = look.skin * (1.0 + look.blotch * (0.10 * n1 + 0.06 * n2 + 0.05 * n3))

    cheek = bell(ax - 0.043, 0.017) * bell(p[2] - 0.103, 0.019) * front
    nose = bell(ax, 0.013) * bell(p[2] - 0.100, 0.014) * step01(-0.135, -0.145, p[1])
    ear = step01(0.073, 0.078, ax)
    red = look.redness * (0.55 * cheek + 0.6 * nose + 0.6 * ear + 0.15 * (1.0 + n1)) + look.blush * cheek
    color = wp.cw_mul(color, wp.vec3(1.0 + 0.06 * red, 1.0 - 0.22 * red, 1.0 - 0.20 * red))
    circle = bell(ax - 0.028, 0.013) * bell(p[2] - 0.126, 0.007) * front
    color = wp.cw_mul(color, blend(WHITE, wp.vec3(0.78, 0.70, 0.74), look.eye_circles * circle))
    # The lids are thinner and redder.
    lid = bell(ax - 0.030, 0.016) * bell(p[2] - 0.1375, 0.008) * front
    color = wp.cw_mul(color, blend(WHITE, wp.vec3(0.93, 0.82, 0.80), 0.6 * lid))
    speck = step01(0.42, 0.75, n3 + 0.25 * n2) * (cheek + nose + 0.4 * bell(p[2] - 0.17, 0.03) * front)
    color = wp.cw_mul(color, blend(WHITE, wp.vec3(0.72, 0.52, 0.42), wp.min(look.freckles * speck, 0.9)))
    if variety.spots > 0.0:
        spot = step01(0.52, 0.80, noise(look.seed + 6, p * 210.0)) * step01(0.098, 0.110, p[2] + 0.4 * ax)
        color = wp.cw_mul(color, blend(WHITE, wp.vec3(0.66, 0.52, 0.44), wp.min(variety.spots * spot, 0.9)))

    zone = beard_zone(p)
    if zone > 0.0:
        n4 = noise(look.seed + 3, wp.vec3(p[0] * 900.0, p[1] * 500.0, p[2] * 500.0))
        shadow = zone * look.stubble * (0.55 + 0.35 * n4)
        color = blend(color, wp.cw_mul(color, wp.vec3(0.42, 0.43, 0.47)), wp.clamp(shadow, 0.0, 0.9))
        full = step01(0.25, 0.6, zone + 0.25 * n2) * look.beard * (0.85 + 0.3 * n4) * beard_cut(p, variety.beard_cut)
        color = blend(color, look.hair * (0.8 + 0.5 * n4), wp.clamp(full, 0.0, 0.97))

    lip = lip_mask(p)
    if lip > 0.0:
        fine = noise(look.seed + 4, wp.vec3(p[0] * 900.0, p[1] * 100.0, p[2] * 120.0))
        color = blend(color, look.lips * (1.0 + 0.10 * fine), 0.85 * lip)
        if variety.lip_inner_share > 0.0:
            color = blend(color, variety.lip_inner, lip * variety.lip_inner_share * bell(p[2] - 0.0685, 0.0042))
    # The line where the lips meet.
    color = color * (1.0 - 0.35 * bell(p[2] - 0.0697, 0.0011) * step01(0.026, 0.021, ax) * front)

    color = blend(color, look.brow, brow_mask(p, look))
    if variety.lid_line + variety.lid_crease > 0.0:
        shadow = wp.clamp(lid_shadow(p, variety), 0.0, 0.9)
        color = wp.cw_mul(color, blend(WHITE, wp.vec3(0.16, 0.12, 0.11), shadow))
    return color


@wp.func
def tooth_width(k: int, upper: bool):
    """Width of the k-th tooth from the middle as seen from the front, metres."""
    if upper:
        if k == 0:
            return 0.0076
        if k == 1:
            return 0.0058
        return 0.0048
    if k < 2:
        return 0.0049
    return 0.0046


@wp.func
def tooth(p: wp.vec3, t: float, upper: bool, look: Look, variety: Variety):
    """(albedo; tilt of the normal outward from the middle) of a row of teeth; `t` 0 in the gum, 1 at the edge."""
    cavity = wp.vec3(0.045, 0.014, 0.012)
    ax = wp.abs(p[0])
    side = int(wp.sign(p[0]))
    row = 7
    if upper:
        row = 8
    start = float(0.00015)
    if upper:
        start += 0.5 * variety.tooth_gap
    if ax < start and t > variety.gum_line:
        return wp.vec4(cavity[0], cavity[1], cavity[2], 0.0)
    number = int(0)  # noqa: RUF046 (so Warp knows a variable that a loop changes)
    wide = float(0.0)
    for k in range(5):
        w = tooth_width(k, upper) * variety.tooth_width * (1.0 + 0.07 * lattice(k, side, row, look.seed + 61))
        if ax >= start and wide == 0.0:
            if ax < start + w or k == 4:
                wide = w
                number = k
            else:
                start += w
    wide = wp.max(wide, 0.001)
    u = wp.clamp(2.0 * (ax - start) / wide - 1.0, -1.0, 1.0)
    a = wp.abs(u)
    white = look.teeth * (1.0 + 0.05 * lattice(number, side, row, look.seed + 62))
    if number == 2:
        white = wp.cw_mul(white, wp.vec3(0.97, 0.92, 0.84))
    # Yellower toward the gum, rounded toward the neighbour.
    white = wp.cw_mul(white, blend(wp.vec3(0.93, 0.87, 0.77), WHITE, step01(0.2, 0.7, t)))
    white = white * (1.0 - 0.20 * a * a) * step01(0.0235, 0.010, ax)
    seam = bell((1.0 - a) * 0.5 * wide, 0.00048) * (0.45 + 0.35 * t)
    white = blend(white, cavity, seam)
    # The edge: rounded corners, side incisors shorter, each a little uneven.
    short = 0.06 * a * a * a * a + 0.03 * (1.0 + lattice(number, side, row, look.seed + 63))
    if number == 1 and upper:
        short += 0.07
    if number > 2:
        short += 0.08
    white = blend(white, cavity, step01(-0.03, 0.03, t - (1.0 - short)))
    gum_edge = variety.gum_line + 0.13 * a * a * a
    gum = variety.gum * (1.0 + 0.15 * noise(look.seed + 64, p * 500.0)) * step01(0.026, 0.010, ax)
    color = blend(gum, white, step01(-0.03, 0.03, t - gum_edge))
    return wp.vec4(color[0], color[1], color[2], u * float(side))


@wp.func
def eye_color(direction: wp.vec3, gaze: wp.vec3, look: Look, variety: Variety):
    """Colour of the eyeball at a unit direction from its centre; the iris sits around `gaze`."""
    c = wp.clamp(wp.dot(direction, gaze), -1.0, 1.0)
    angle = wp.acos(c)
    size = look.iris_size
    r = angle / size
    n = noise(look.seed + 41, direction * 9.0)
    white = wp.cw_mul(wp.vec3(0.66, 0.62, 0.595) * look.sclera, WHITE - variety.sclera_stain)
    # Redder toward the corners.
    white = wp.cw_mul(white, blend(WHITE, wp.vec3(0.86, 0.62, 0.58), step01(1.5, 2.6, r) * (0.7 + 0.3 * n)))
    side = direction - gaze * c
    spoke = noise(look.seed + 42, wp.normalize(side + wp.vec3(1.0e-6, 0.0, 0.0)) * 7.0)
    iris = look.iris * (0.85 + 0.35 * spoke) * (0.75 + 0.5 * step01(0.95, 0.45, r))
    iris = iris * (1.0 - 0.75 * step01(0.78, 1.0, r))
    color = blend(iris, white, step01(0.94, 1.06, r))
    return blend(color, wp.vec3(0.006, 0.005, 0.005), step01(look.pupil + 0.07, look.pupil - 0.07, r))


@wp.func
def background(x: float, y: float, light: Light):
    """Colour behind the head at image coordinates in [0, 1]: a gradient with soft blobs, as behind a portrait."""
    t = wp.cos(light.back_angle) * (x - 0.5) + wp.sin(light.back_angle) * (y - 0.5) + 0.5
    color = blend(light.back_a, light.back_b, step01(0.0, 1.0, t))
    q = wp.vec3(x * light.back_scale, y * light.back_scale, 0.5)
    n = noise(light.back_seed, q) + 0.4 * noise(light.back_seed + 1, q * 2.3)
    color = blend(color, light.back_c, light.back_blobs * step01(-0.1, 0.7, n))
    m = noise(light.back_seed + 2, wp.vec3(x * light.back_scale * 0.7, y * 0.6, 1.5))
    return color * (1.0 + 0.25 * light.back_blobs * m)
