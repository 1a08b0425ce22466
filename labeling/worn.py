"""What of a person is garment, without a cutout and without a trained model: a weak guess by body and skin colour.

In: (H, W, 3) uint8 RGB, the person (H, W) bool, and the people pose found in it or a face. Out: (H, W) bool garment,
inside the person. Taken away: the head above the chin, skin of the colour this very face has, and the feet below the
ankles. Hair below the chin, bags and tall boots stay in: they are unknown. Never called truth.
"""

from __future__ import annotations

import cv2
import numpy as np

from labeling.cutouts import tidy
from labeling.grabcut import Face, skin_colour
from labeling.person_net import Person

EYES, MOUTH, NOSE = (2, 5), (9, 10), 0  # MediaPipe's landmarks
FEET = ((27, 29, 31), (28, 30, 32))  # ankle, heel, toe
SHOULDERS, HIPS = (11, 12), (23, 24)
TRUNK = ((11, 12, 24, 23),)
THIGHS, LEGS = ((23, 25), (24, 26)), ((23, 25), (25, 27), (24, 26), (26, 28))
HANDS = ((15, 17, 19, 21), (16, 18, 20, 22))
CLOTH = 0.5  # share of a trunk or thigh of the face's colour from which it is cloth of that colour
SEEN = 0.5  # visibility from which a landmark is used
NEAR_SKIN = 2.5  # Mahalanobis distance in chroma within which a pixel is skin of this face
LIGHTNESS = 1.2  # how much of that distance a difference of 60 in lightness adds


def garment_by_body(rgb: np.ndarray, person: np.ndarray, people: list[Person]) -> np.ndarray:
    """Garments of everyone in `people`; with nobody in it, everything but skin colour."""
    taken = np.zeros(person.shape, bool)
    for each in people:
        taken |= _head(person.shape, each) | _feet(person.shape, each) | _bare(rgb, person, each)
    if not people:
        taken = skin_colour(rgb)
    return _tidied(person & ~tidy(taken, speck_share=3e-4)[0], person)


def garment_by_face(rgb: np.ndarray, person: np.ndarray, face: Face | None) -> np.ndarray:
    """Where there is no pose: everything below the chin that has no skin colour."""
    garment = person & ~tidy(skin_colour(rgb), speck_share=5e-4)[0]
    if face is not None:
        garment[: round(face[1] + 1.05 * face[3])] = False  # face and hair; above the chin there is no garment
    return _tidied(garment, person)


def _tidied(garment: np.ndarray, person: np.ndarray) -> np.ndarray:
    tidied: np.ndarray = tidy(garment, speck_share=1e-3)[0] & person
    return tidied


def _middle(person: Person, points: tuple[int, int]) -> np.ndarray:
    middle: np.ndarray = person.points[list(points)].mean(axis=0)
    return middle


def _head(shape: tuple[int, int], person: Person) -> np.ndarray:
    """A disc from the crown to the chin: the chin is as far below the mouth as 0.9 of the way from eyes to mouth."""
    eyes, mouth = _middle(person, EYES), _middle(person, MOUTH)
    down = mouth - eyes
    reach = max(2.0, float(np.hypot(*down)))
    chin = mouth + 0.9 * down
    rows, columns = np.ogrid[0 : shape[0], 0 : shape[1]]
    along = ((columns - chin[0]) * down[0] + (rows - chin[1]) * down[1]) / reach
    across = np.hypot(columns - eyes[0], rows - eyes[1])
    return (along < 0) & (across < 5.5 * reach)


def _feet(shape: tuple[int, int], person: Person) -> np.ndarray:
    """What lies below each ankle, near the foot."""
    out = np.zeros(shape, np.uint8)
    for foot in FEET:
        if person.seen[list(foot)].min() < SEEN:
            continue
        ankle, heel, toe = person.points[list(foot)]
        length = max(4.0, float(np.hypot(*(toe - heel))), 0.8 * float(np.hypot(*(heel - ankle))))
        hull = cv2.convexHull(np.array([ankle, heel, toe], np.float32))
        cv2.fillConvexPoly(out, hull.astype(np.int32), 1)
        thick = max(3, round(0.7 * length))
        for end in (heel, toe):
            cv2.line(out, _px(ankle), _px(end), 1, thick)
        cv2.line(out, _px(heel), _px(toe), 1, thick)
    return out > 0


def _bare(rgb: np.ndarray, person: np.ndarray, body: Person) -> np.ndarray:
    """Skin of this face's colour, where colour can tell: not the trunk, nor limbs of cloth that has that colour.

    Cloth is where the trunk, or a thigh just below the hip, has the face's colour for the most part: then that colour
    says nothing about the arms, or the legs, and only hands are taken for bare.
    """
    skin = _skin_like(rgb, person, body)
    trunk, legs = _drawn(skin.shape, body, TRUNK), _drawn(skin.shape, body, LEGS)
    below = _below_hips(skin.shape, body)
    if _share(skin, _drawn(skin.shape, body, THIGHS, upper=0.35)) > CLOTH:
        skin &= ~(legs | below)
    if _share(skin, trunk & ~_head(skin.shape, body)) > CLOTH:
        skin &= below | _drawn(skin.shape, body, HANDS)
    bare: np.ndarray = skin & ~trunk
    return bare


def _share(mask: np.ndarray, region: np.ndarray) -> float:
    return float(mask[region].mean()) if region.any() else 0.0


def _drawn(shape: tuple[int, int], body: Person, parts: tuple[tuple[int, ...], ...], upper: float = 1.0) -> np.ndarray:
    """Polygons through landmarks, or of two of them a thick line; of a line only its first `upper` share."""
    out = np.zeros(shape, np.uint8)
    size = float(np.hypot(*(_middle(body, HIPS) - _middle(body, SHOULDERS))))
    for part in parts:
        points = body.points[list(part)].astype(np.float32)
        if len(part) > 2:
            cv2.fillConvexPoly(out, cv2.convexHull(points).astype(np.int32), 1)
        else:
            cv2.line(
                out, _px(points[0]), _px(points[0] + upper * (points[1] - points[0])), 1, max(2, round(0.2 * size))
            )
    return out > 0


def _below_hips(shape: tuple[int, int], body: Person) -> np.ndarray:
    rows = np.arange(shape[0])[:, None]
    return np.broadcast_to(rows > _middle(body, HIPS)[1], shape)


def _px(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _skin_like(rgb: np.ndarray, person: np.ndarray, body: Person) -> np.ndarray:
    """Pixels as near to this face's colour as its own are, by chroma and, less strictly, lightness (CIELAB)."""
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 1.5), cv2.COLOR_RGB2LAB).astype(np.float32)
    sample = _face_pixels(lab, body)
    if len(sample) < 20:
        return skin_colour(rgb)
    middle = np.median(sample, axis=0)
    spread = np.cov((sample[:, 1:] - middle[1:]).T) + 6.0 * np.eye(2)
    chroma = lab[..., 1:] - middle[1:]
    distance = np.einsum("hwi,ij,hwj->hw", chroma, np.linalg.inv(spread), chroma)
    distance += (LIGHTNESS * (lab[..., 0] - middle[0]) / 60) ** 2
    return person & (distance < NEAR_SKIN**2)


def _face_pixels(lab: np.ndarray, body: Person) -> np.ndarray:
    """(n, 3) colours between eyes and mouth: cheeks and nose, where neither hair nor glasses are."""
    eyes, mouth = _middle(body, EYES), _middle(body, MOUTH)
    reach = float(np.hypot(*(mouth - eyes)))
    disc = np.zeros(lab.shape[:2], np.uint8)
    cv2.circle(disc, _px(eyes + 0.65 * (mouth - eyes)), max(2, round(0.6 * reach)), 1, -1)
    return lab[disc > 0]
