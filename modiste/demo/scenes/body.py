"""Bare body parts: legs, torso, arms and hands, shaded as skin. Head and hair are in head.py."""

from __future__ import annotations

from modiste.demo.scenes.canvas import PERSON, Canvas
from modiste.demo.scenes.curves import Point, along, between, blob, line, outline, polar, sides, tube
from modiste.demo.scenes.figure import ARMPIT, BUST, CROTCH, HIP, NECK, SHOULDER, WAIST, Figure
from modiste.demo.scenes.palette import darker, mix

LEG = ((0.0, 32, 30), (0.25, 32, 29), (0.6, 25, 23), (0.95, 18, 18), (1.1, 17, 17), (1.35, 21, 20), (1.65, 15, 15),
       (1.92, 9, 9), (2.06, 9.5, 9.5))  # fmt: skip
ARM = ((0.0, 17, 17), (0.2, 17, 16), (0.55, 14.5, 14.5), (0.98, 12, 12), (1.25, 12.5, 12.5), (1.6, 10, 10),
       (1.95, 7.5, 7.5))  # fmt: skip


def _skin(canvas: Canvas, d: str, tone: str, depth: float = 14) -> str:
    canvas.solid(PERSON, d, canvas.lit(tone, 0.7), mix(darker(tone, 0.45), "#7a2f1c", 0.25), 1.1)
    clip = canvas.clip(d)
    canvas.round_off(d, clip, depth, 0.3, mix(darker(tone, 0.45), "#8a3a22", 0.4))
    return clip


def scaled(stations: tuple[tuple[float, float, float], ...], size: float) -> list[tuple[float, float, float]]:
    return [(u, left * size, right * size) for u, left, right in stations]


def draw_leg(canvas: Canvas, figure: Figure, side: int, tone: str) -> None:
    joints = figure.leg[side]
    far = figure.pose.shin[0 if side < 0 else 1] < 0.9
    shade = darker(tone, 0.16) if far else tone
    clip = _skin(canvas, tube(joints, scaled(LEG, figure.build.limbs)), shade)
    knee, _ = along(joints, 1.0)
    mark = line((knee[0] - 7, knee[1] + 7), (knee[0], knee[1] + 11), (knee[0] + 8, knee[1] + 6))
    canvas.paint(mark, stroke=darker(shade, 0.4), width=1.2, opacity=0.45, clip=clip)


def draw_torso(canvas: Canvas, figure: Figure, tone: str) -> None:
    """Neck to crotch."""
    b = figure.build

    def edge(side: int) -> list[Point]:
        levels = (ARMPIT, BUST, (BUST + WAIST) / 2, WAIST, (WAIST + HIP) / 2, HIP, CROTCH + 10)
        return [figure.at(side * (figure.half(y) - (3 if y == ARMPIT else 0)), y) for y in levels]

    def shoulder(side: int) -> list[Point]:
        return [
            figure.at(side * x, y)
            for x, y in (
                (b.neck, NECK - 40),
                (b.neck, NECK - 10),
                (b.neck + 8, NECK + 6),
                (b.shoulder * 0.66, SHOULDER - 6),
                (b.shoulder, SHOULDER + 2),
                (b.shoulder + 6, SHOULDER + 20),
                (figure.half(ARMPIT) - 3, ARMPIT),
            )
        ]

    d = outline(shoulder(1), edge(1), edge(-1)[::-1], shoulder(-1)[::-1])
    clip = _skin(canvas, d, tone, 18)
    dark = mix(darker(tone, 0.5), "#7a2f1c", 0.35)
    under = line(figure.at(-b.neck - 2, NECK - 20), figure.at(2, NECK - 2), figure.at(b.neck + 2, NECK - 20))
    canvas.soft([(under, dark, 17, 0.5)], blur=4, clip=clip, move=-canvas.light * 3)
    for side in (-1, 1):
        bone = line(
            figure.at(side * 9, SHOULDER + 4), figure.at(side * 26, SHOULDER - 1), figure.at(side * 46, SHOULDER - 5)
        )
        canvas.paint(bone, stroke=dark, width=1.4, opacity=0.4, clip=clip)


def draw_arm(canvas: Canvas, figure: Figure, side: int, tone: str, start: float = 0.0) -> None:
    """From `start` (0 shoulder, 1 elbow, 2 wrist) on: what lies deep in a sleeve is left out."""
    stations = [station for station in scaled(ARM, figure.build.limbs) if station[0] >= start]
    if len(stations) < 2:
        return
    if start > 0:
        _skin(canvas, tube(figure.arm[side], stations), tone, 10)
        return
    # a bare shoulder is round, and its inner edge stays clear of the armhole
    slim = [(u, left - 9 * (side > 0) * (u < 0.3), right - 9 * (side < 0) * (u < 0.3)) for u, left, right in stations]
    left_edge, right_edge = sides(figure.arm[side], slim)
    x, y = figure.arm[side][0]
    top = (x + side * 5, y - 15 * figure.build.limbs)
    _skin(canvas, outline([right_edge[0], top, *left_edge], right_edge[::-1]), tone, 10)


def draw_hand(canvas: Canvas, figure: Figure, side: int, tone: str) -> None:
    kind = figure.pose.hands[0 if side < 0 else 1]
    if kind == "pocket":
        return
    elbow, wrist = figure.arm[side][1:]
    if kind == "hip":
        _hand_on_hip(canvas, elbow, wrist, side, tone)
    else:
        _hand_loose(canvas, elbow, wrist, side, tone)


def _hand_loose(canvas: Canvas, elbow: Point, wrist: Point, side: int, tone: str) -> None:
    """Back of the hand, fingers together and a little curled, thumb to the front."""
    back = between(elbow, wrist, 0.93)

    def spot(down: float, out: float) -> Point:
        share = 1 + down / 112
        base = between(elbow, wrist, share)
        dx, dy = (wrist[0] - elbow[0]) / 112, (wrist[1] - elbow[1]) / 112
        return base[0] + dy * out * side, base[1] - dx * out * side

    thumb = blob([spot(4, -6), spot(16, -12), spot(30, -14), spot(36, -11), spot(26, -7), spot(14, -3)])
    _skin(canvas, thumb, tone, 5)
    palm = blob([(back[0], back[1]), spot(2, 8), spot(14, 11), spot(30, 11), spot(46, 8), spot(60, 2), spot(64, -3),
                 spot(58, -6), spot(44, -8), spot(28, -10), spot(14, -10), spot(2, -7)])  # fmt: skip
    clip = _skin(canvas, palm, tone, 6)
    for out in (-4, 1, 5.5):
        finger = line(spot(31, out), spot(46, out * 0.8), spot(59, out * 0.35 - 1))
        canvas.paint(finger, stroke=darker(tone, 0.45), width=1.0, opacity=0.55, clip=clip)


def _hand_on_hip(canvas: Canvas, elbow: Point, wrist: Point, side: int, tone: str) -> None:
    """Fingers forward over the waist, the thumb hidden behind it."""
    heel = between(elbow, wrist, 0.94)
    tip = polar(wrist, -side * 34, 44)
    knuckle = polar(wrist, -side * 52, 24)
    outer = (knuckle[0] + side * 4, knuckle[1] + 12)
    d = blob([heel, (wrist[0], wrist[1] - 9), (knuckle[0], knuckle[1] - 10), (tip[0] - side * 4, tip[1] - 4),
              (tip[0] + side * 1, tip[1] + 4), outer, (wrist[0] + side * 4, wrist[1] + 9)])  # fmt: skip
    clip = _skin(canvas, d, tone, 6)
    for shift in (-3.0, 3.0):
        start = (knuckle[0] + side * 2, knuckle[1] + shift)
        finger = line(start, (between(start, tip, 0.6)[0], between(start, tip, 0.6)[1] + shift * 0.3), tip)
        canvas.paint(finger, stroke=darker(tone, 0.45), width=1.0, opacity=0.55, clip=clip)
