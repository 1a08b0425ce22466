"""A posed figure: joints, limbs and the torso's width, in figure units (a head is 100, the ground is y = 0, up is
negative).

Clothes are designed on the figure that stands straight and are bent with it by `at`; sides are -1 (viewer's left)
and 1.
Draws nothing.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

from modiste.demo.scenes.curves import Point, polar

NECK, SHOULDER, ARMPIT, BUST, WAIST, HIP, CROTCH = -652.0, -628.0, -574.0, -556.0, -482.0, -402.0, -372.0
THIGH, SHIN, UPPER_ARM, FOREARM = 196.0, 166.0, 132.0, 112.0


@dataclass(frozen=True)
class Build:
    """Half widths in figure units at shoulder joint, bust, waist and hip, and how thick limbs are (1 is slim)."""

    shoulder: float
    bust: float
    waist: float
    hip: float
    limbs: float
    neck: float


BUILDS: dict[str, Build] = {
    "slender woman": Build(60, 53, 40, 57, 0.92, 15),
    "average woman": Build(64, 58, 46, 65, 1.04, 16),
    "full woman": Build(70, 70, 62, 80, 1.3, 18),
    "athletic woman": Build(68, 59, 46, 60, 1.08, 17),
    "slender man": Build(74, 60, 52, 54, 1.0, 19),
    "athletic man": Build(82, 68, 55, 57, 1.16, 22),
    "full man": Build(82, 74, 73, 70, 1.32, 23),
}


@dataclass(frozen=True)
class Pose:
    """Angles in degrees outward from hanging straight down; arms and legs are listed for side -1, then side 1."""

    name: str
    chest: tuple[float, float] = (0, 0)  # shift, tilt
    pelvis: tuple[float, float] = (0, 0)
    head: float = 0
    arms: tuple[tuple[float, float], tuple[float, float]] = ((9, 4), (9, 4))
    legs: tuple[tuple[float, float], tuple[float, float]] = ((3, 1), (3, 1))
    shin: tuple[float, float] = (1, 1)  # foreshortening
    hands: tuple[str, str] = ("loose", "loose")
    feet: tuple[float, float] = (14, 14)  # toes outward


POSES: dict[str, Pose] = {
    "contrapposto": Pose("contrapposto", (-5, -3.5), (9, 5), 4, ((10, 2), (13, -6)), ((10, 5), (-5, 1)),
                         (0.965, 1), feet=(26, 8)),
    "hand on hip": Pose("hand on hip", (5, 3.5), (-10, -5), -4, ((42, -58), (9, 3)), ((-5, 1), (12, 6)),
                        (1, 0.96), ("hip", "loose"), (8, 30)),
    "walking": Pose("walking", (2, 2.5), (-4, -3.5), -2, ((14, 8), (12, -12)), ((-3, -2), (5, 5)),
                    (1.02, 0.86), feet=(2, 10)),
    "arms down": Pose("arms down", (0, 0), (0, 0), 2, ((10, 5), (10, 5)), ((4, 2), (4, 2)), feet=(16, 16)),
    "hand in pocket": Pose("hand in pocket", (-4, -3), (8, 4), 5, ((22, -20), (10, 3)), ((11, 5), (-4, 1)),
                           (0.965, 1), ("pocket", "loose"), (28, 8)),
    "both on hips": Pose("both on hips", (0, 0), (0, 0), 0, ((44, -60), (44, -60)), ((8, 4), (8, 4)),
                         hands=("hip", "hip"), feet=(22, 22)),
    "mannequin": Pose("mannequin", arms=((15, 12), (15, 12)), legs=((4, 2.5), (4, 2.5))),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """`arm` and `leg` map a side to its three joints; everything is already posed and stands on y = 0."""

    build: Build
    pose: Pose
    arm: dict[int, tuple[Point, Point, Point]] = field(default_factory=dict)
    leg: dict[int, tuple[Point, Point, Point]] = field(default_factory=dict)
    drop: float = 0.0

    def at(self, x: float, y: float) -> Point:
        """Where the straight figure's point (x, y) of torso, skirt or coat comes to lie."""
        share = min(max((y + 600) / 190, 0), 1)
        share = share * share * (3 - 2 * share)
        shift = self.pose.chest[0] + (self.pose.pelvis[0] - self.pose.chest[0]) * share
        tilt = self.pose.chest[1] + (self.pose.pelvis[1] - self.pose.chest[1]) * share
        if y > HIP:
            below = min((y - HIP) / 260, 1)
            middle = (self.leg[-1][1][0] + self.leg[1][1][0]) / 2 if self.leg else shift
            shift += (middle - shift) * below
            tilt *= 1 - 0.6 * below
        return shift + x, y + x * math.tan(math.radians(tilt)) + self.drop

    def half(self, y: float) -> float:
        """Half width of the bare torso at a level of the straight figure."""
        b = self.build
        levels = [(NECK, b.neck), (SHOULDER, b.shoulder), (ARMPIT, b.bust * 1.0), (BUST, b.bust), (WAIST, b.waist),
                  (HIP - 22, b.hip * 0.97), (HIP, b.hip), (CROTCH, b.hip * 0.98), (0, b.hip * 0.98)]  # fmt: skip
        for (y0, w0), (y1, w1) in itertools.pairwise(levels):
            if y <= y1:
                share = min(max((y - y0) / (y1 - y0), 0), 1)
                share = share * share * (3 - 2 * share)
                return w0 + (w1 - w0) * share
        return b.hip

    @property
    def head_base(self) -> Point:
        return self.at(0, NECK - 14)


def _limb(
    start: Point, side: int, angles: tuple[float, float], lengths: tuple[float, float]
) -> tuple[Point, Point, Point]:
    middle = polar(start, side * angles[0], lengths[0])
    return start, middle, polar(middle, side * angles[1], lengths[1])


def stand(build: Build, pose: Pose) -> Figure:
    """Pose a build; the lower foot touches the ground."""
    straight = Figure(build, pose)
    legs, arms = {}, {}
    for index, side in enumerate((-1, 1)):
        hip = straight.at(side * build.hip * 0.5, HIP)
        legs[side] = _limb(hip, side, pose.legs[index], (THIGH, SHIN * pose.shin[index]))
        shoulder = straight.at(side * (build.shoulder - 6), SHOULDER + 14)
        arms[side] = _limb(shoulder, side, pose.arms[index], (UPPER_ARM, FOREARM))
    drop = -34 - max(leg[2][1] for leg in legs.values())

    def lowered(joints: tuple[Point, Point, Point]) -> tuple[Point, Point, Point]:
        a, b, c = ((x, y + drop) for x, y in joints)
        return a, b, c

    return Figure(build, pose, {s: lowered(a) for s, a in arms.items()}, {s: lowered(j) for s, j in legs.items()}, drop)
