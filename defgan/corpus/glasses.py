"""Glasses: two lenses in a frame before the eyes, and temples to the ears, fixed to the head.

They are no faces of the mesh: rays are cut with a bent plane before the eyes and with a plane beside each temple.
No action unit moves what they hang on (the eyeballs and the sides of the head), so they stand still in a photograph.
"""

import numpy as np
import warp as wp

from defgan.corpus import head as hd
from defgan.corpus.appearance import Light, Variety, bell, blend, step01

_BEND = wp.constant(1.6)  # of the frame around the face, 1/metre
_FLARE = wp.constant(0.055)  # length over which the temple pieces widen, metres
_DROP = wp.constant(0.003)  # of the lenses' middle below the eyes', metres


@wp.struct
class Seat:
    """Where a head carries glasses, in head space."""

    middle: wp.vec3  # of the frame, before the point between the eyeballs
    apart: wp.float32  # half the distance of the eyeballs, metres
    temple: wp.float32  # half the width of the head at the temples, metres
    ear: wp.float32  # y where a temple piece ends


def temples(head: hd.Head) -> np.ndarray:
    """The vertices on the sides of the head that no action unit moves, between which glasses sit; bool V."""
    p = head.canonical
    side = (np.abs(p[:, 2] - 0.141) < 0.008) & (p[:, 1] > -0.08) & (p[:, 1] < -0.045)
    return side & (head.vertex_material == hd.SKIN) & (np.abs(head.deltas).max(axis=(0, 2)) < 1e-5)


def seat_of(sides: np.ndarray, left: np.ndarray, right: np.ndarray) -> Seat:
    """The seat on a head whose `temples` are at `sides` N×3 and whose eyeballs have the centres `left` and `right`."""
    seat = Seat()
    middle = (left + right) / 2 - (0.0, 0.0265, 0.0)
    seat.middle = wp.vec3(*map(float, middle))
    seat.apart = float(np.abs(left[0] - right[0]) / 2)
    seat.temple = float(np.abs(sides[:, 0] - middle[0]).max() + 0.002)
    seat.ear = float(middle[1] + 0.105)
    return seat


@wp.func
def outline(x: float, z: float, seat: Seat, v: Variety):
    """(distance from the middle of the nearest wire in metres; whether inside a lens, 0 to 1)."""
    ax = wp.abs(x)
    dx = (ax - seat.apart * 1.03) / v.lens_width
    dz = (z + _DROP) / v.lens_height
    px = wp.pow(wp.abs(dx) + 1.0e-4, v.lens_power)
    pz = wp.pow(wp.abs(dz) + 1.0e-4, v.lens_power)
    r = wp.pow(px + pz, 1.0 / v.lens_power)
    # The distance to the superellipse, from its gradient.
    gx = px / (wp.abs(dx) + 1.0e-4) / v.lens_width
    gz = pz / (wp.abs(dz) + 1.0e-4) / v.lens_height
    slope = wp.sqrt(gx * gx + gz * gz) * wp.pow(r, 1.0 - v.lens_power)
    d = (r - 1.0) / wp.max(slope, 1.0)
    wire = wp.abs(d)
    if v.half_rim > 0.0:
        wire += 0.02 * step01(0.10, -0.10, dz)
    inner = seat.apart * 1.03 - v.lens_width
    if ax < inner + 0.0005:
        wire = wp.min(wire, wp.abs(z - (0.0030 - 0.25 * ax)))
    if ax > seat.apart * 1.03 + v.lens_width - 0.001 and ax < seat.apart * 1.03 + v.lens_width + 0.003:
        wire = wp.min(wire, wp.abs(z - 0.0055))
    return wp.vec2(wire, step01(0.0003, -0.0003, d))


@wp.func
def bent(origin: wp.vec3, d: wp.vec3, seat: Seat):
    """Distance along a ray to the bent plane of the lenses."""
    s = (seat.middle[1] - origin[1]) / d[1]
    for _ in range(2):
        x = origin[0] + d[0] * s - seat.middle[0]
        s = (seat.middle[1] + _BEND * x * x - origin[1]) / d[1]
    return s


@wp.func
def crossed(origin: wp.vec3, d: wp.vec3, far: float, seat: Seat, v: Variety):
    """(opacity of the frame, 0 to 1; share of a lens, 0 to 1) on a ray that ends on the head after `far` metres."""
    s = bent(origin, d, seat)
    at = origin + d * s - seat.middle
    solid = float(0.0)
    glass = float(0.0)
    # Cheeks and brows that bulge past the plane push the glasses out: no depth is asked here, unless for the far side.
    if s < far + 0.012:
        form = outline(at[0], at[2], seat, v)
        solid = step01(0.5 * v.rim + 0.0003, 0.5 * v.rim - 0.0003, form[0])
        glass = form[1]
    # The temple pieces widen from the frame to the head, then run straight to the ears.
    hinge = seat.apart * 1.03 + v.lens_width + 0.003
    start = _BEND * hinge * hinge
    for part in range(2):
        slope = float(0.0)
        wide = seat.temple
        first = start + _FLARE
        last = seat.ear - seat.middle[1]
        if part == 0:
            slope = (seat.temple - hinge) / _FLARE
            wide = hinge - slope * start
            first = start
            last = start + _FLARE
        for side in range(2):
            sign = 1.0 - 2.0 * float(side)
            t = (sign * (wide + slope * (origin[1] - seat.middle[1])) - origin[0] + seat.middle[0]) / (
                d[0] - sign * slope * d[1]
            )
            beside = origin + d * t - seat.middle
            if t < far and beside[1] > first and beside[1] < last:
                thick = wp.max(0.5 * v.rim, 0.0009)
                low = 0.0055 - 0.05 * (beside[1] - start)
                solid = wp.max(solid, step01(thick + 0.0003, thick - 0.0003, wp.abs(beside[2] - low)))
    return wp.vec2(solid, glass)


@wp.kernel
def wear_kernel(
    nearness: wp.array2d(dtype=wp.float32), origin: wp.vec3, target: wp.vec3, right: wp.vec3, up: wp.vec3,
    away: wp.vec3, centre: wp.vec2, pixel: float, seat: Seat, variety: Variety, light: Light,
    image: wp.array2d(dtype=wp.vec3),
):  # fmt: skip
    """Put the glasses, and the shadow of their frame, into a linear image."""
    i, j = wp.tid()
    x = (float(j) + 0.5 - centre[0]) * pixel
    y = (float(i) + 0.5 - centre[1]) * pixel
    d = wp.normalize(target + right * x - up * y - origin)
    far = float(10.0)
    color = image[i, j]
    if nearness[i, j] > 0.0:
        far = 1.0 / nearness[i, j] / wp.dot(d, away)
        point = origin + d * far
        if light.key[1] < -0.2 and point[1] < seat.middle[1] + 0.06:
            s = bent(point, light.key, seat)
            if s > 0.002:
                cast = point + light.key * s - seat.middle
                form = outline(cast[0], cast[2], seat, variety)
                blur = 0.0010 + 0.15 * s * light.softness
                dark = step01(0.5 * variety.rim + blur, 0.5 * variety.rim - blur, form[0])
                color = color * (1.0 - 0.45 * dark)
                color = wp.cw_mul(color, blend(wp.vec3(1.0, 1.0, 1.0), variety.lens, 0.4 * form[1]))
    hit = crossed(origin, d, far, seat, variety)
    if hit[0] + hit[1] == 0.0:
        return
    around = blend(light.ground, light.sky, 0.6)
    if hit[1] > 0.0:
        through = wp.cw_mul(color, variety.lens) + around * 0.012
        color = blend(color, through, hit[1])
    at = origin + d * bent(origin, d, seat) - seat.middle
    facing = wp.max(wp.dot(light.key, wp.vec3(0.0, -1.0, 0.0)), 0.0)
    frame = wp.cw_mul(variety.rim_color, light.key_color * facing + around)
    # A streak of light along the upper edge.
    frame = frame + (light.key_color * facing + around) * (0.10 * bell(at[2] - variety.lens_height + 0.004, 0.004))
    image[i, j] = blend(color, frame, hit[0])


@wp.kernel
def frame_kernel(
    rays: wp.array(dtype=wp.vec3), far: wp.array(dtype=wp.float32), origin: wp.vec3, seat: Seat, variety: Variety,
    solid: wp.array(dtype=wp.float32),
):  # fmt: skip
    """Opacity of the frame on rays (unit directions from `origin`) that end after `far` metres."""
    k = wp.tid()
    hit = crossed(origin, rays[k], far[k], seat, variety)
    solid[k] = hit[0]
