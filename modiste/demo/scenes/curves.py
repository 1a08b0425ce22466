"""Smooth outlines: points in, SVG path data out. Coordinates are (x, y) with y downwards, in the drawing's own units.

A piece is a list of points joined by a smooth curve; pieces meet in corners. A limb is a spine with two half widths.
Never draws anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


def _number(value: float) -> str:
    return f"{value:.1f}"


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def smooth(points: Sequence[Point]) -> str:
    """Cubic Bezier segments through `points` (uniform Catmull-Rom); the first point is where the pen already is."""
    ends = [points[0], *points, points[-1]]
    parts = []
    for before, start, end, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        one = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        two = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        parts.append(f"C{_pair(one)} {_pair(two)} {_pair(end)}")
    return "".join(parts)


def line(*points: Point) -> str:
    """An open smooth stroke through the points."""
    return f"M{_pair(points[0])}{smooth(points)}"


def outline(*pieces: Sequence[Point]) -> str:
    """A closed shape of smooth pieces; where a piece does not start at the last one's end, a straight edge
    joins them.
    """
    parts = [f"M{_pair(pieces[0][0])}"]
    for piece in pieces:
        parts.append(f"L{_pair(piece[0])}{smooth(piece)}")
    return "".join(parts) + "Z"


def blob(points: Sequence[Point]) -> str:
    """A closed shape that is smooth everywhere."""
    ring = [points[-1], *points, points[0], points[1]]
    parts = [f"M{_pair(points[0])}"]
    for before, start, end, after in zip(ring, ring[1:], ring[2:], ring[3:], strict=False):
        one = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        two = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        parts.append(f"C{_pair(one)} {_pair(two)} {_pair(end)}")
    return "".join(parts) + "Z"


def ellipse(centre: Point, rx: float, ry: float) -> str:
    x, y = centre
    left, right, arc = _pair((x - rx, y)), _pair((x + rx, y)), f"A{rx:.1f} {ry:.1f} 0 1 0"
    return f"M{left}{arc} {right}{arc} {left}Z"


def polar(origin: Point, angle_deg: float, length: float) -> Point:
    """From `origin`, `length` along an angle measured from straight down, positive to the right."""
    angle = math.radians(angle_deg)
    return origin[0] + length * math.sin(angle), origin[1] + length * math.cos(angle)


def between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def along(joints: Sequence[Point], u: float) -> tuple[Point, Point]:
    """Point and unit direction at `u` on a jointed limb; whole numbers of `u` are the joints, bends are rounded."""
    index = min(int(u), len(joints) - 2)
    point = between(joints[index], joints[index + 1], u - index)
    ahead, back = _raw(joints, u + 0.3), _raw(joints, u - 0.3)
    dx, dy = ahead[0] - back[0], ahead[1] - back[1]
    size = math.hypot(dx, dy) or 1.0
    return point, (dx / size, dy / size)


def _raw(joints: Sequence[Point], u: float) -> Point:
    u = min(max(u, 0.0), len(joints) - 1.0)
    index = min(int(u), len(joints) - 2)
    return between(joints[index], joints[index + 1], u - index)


def sides(joints: Sequence[Point], stations: Sequence[tuple[float, float, float]]) -> tuple[list[Point], list[Point]]:
    """Left and right edge of a limb; a station is (u, half width to the viewer's left, to the right) for a
    limb that hangs.
    """
    left, right = [], []
    for u, wide_left, wide_right in stations:
        (x, y), (dx, dy) = along(joints, u)
        left.append((x - dy * wide_left, y + dx * wide_left))
        right.append((x + dy * wide_right, y - dx * wide_right))
    return left, right


def tube(joints: Sequence[Point], stations: Sequence[tuple[float, float, float]], cap: float = 0.0) -> str:
    """A limb's closed outline; `cap` is how far its end bulges."""
    left, right = sides(joints, stations)
    end, (dx, dy) = along(joints, stations[-1][0])
    tip = (end[0] + dx * cap, end[1] + dy * cap)
    return outline(left, [left[-1], tip, right[-1]], right[::-1])
