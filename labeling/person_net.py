"""The person in a photo by MediaPipe's networks (Apache-2.0), through `labeling.litert`: selfie and pose.

In: (H, W, 3) uint8 RGB of any size. Out: (H, W) float32 in [0, 1], the chance of being a person; all zero where nobody
was found. Pre- and post-processing after MediaPipe's own graphs (pose_detection_cpu, pose_detection_to_roi,
pose_landmark_by_roi, selfie_segmentation_cpu). MediaPipe follows one person; here every detected person is segmented
and the largest chance taken, small bystanders left out. Never trained or fetched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from labeling.litert import network

POSE_SIDE, SIDE = 224, 256  # px, inputs of the detector; of the landmark and selfie networks
LEAST_SCORE = 0.5  # a detection's, MediaPipe's own
OVERLAP = 0.3  # IoU above which two detections are one person, MediaPipe's own
ROOM = 1.25  # the ROI's side over twice the distance from hips to the circle around the body, MediaPipe's own
BYSTANDER = 0.5  # a person whose ROI is smaller than this share of the largest is not what the photo is of
MOST = 6  # people segmented in one photo
POINTS = 33  # landmarks of a body: 0-10 the face, 11-12 shoulders, 15-22 hands, 27-32 feet


@dataclass(frozen=True)
class Roi:
    """A turned square: centre and side in px of the photo, `angle` in radians clockwise, 0 upright; detection score."""

    x: float
    y: float
    side: float
    angle: float
    score: float

    def matrix(self, out: int = SIDE) -> np.ndarray:
        """(2, 3) affine that takes photo px to px of an `out` x `out` crop (pixel centres at +0.5)."""
        scale = out / self.side
        cos, sin = scale * np.cos(-self.angle), scale * np.sin(-self.angle)
        shift = out / 2 - 0.5
        left, top = shift - cos * self.x + sin * self.y, shift - sin * self.x - cos * self.y
        return np.array([[cos, -sin, left], [sin, cos, top]])

    def back(self, points: np.ndarray, side: int = SIDE) -> np.ndarray:
        """(n, 2) points of the crop, (x, y) in px, in px of the photo."""
        turn = self.matrix(side)
        turned: np.ndarray = np.linalg.solve(turn[:, :2], (points - turn[:, 2]).T).T
        return turned


@dataclass(frozen=True)
class Person:
    """One person: `chance` (H, W) float32, `points` (33, 2) landmarks in px of the photo, `seen` (33,) in [0, 1]."""

    chance: np.ndarray
    points: np.ndarray
    seen: np.ndarray


def selfie(rgb: np.ndarray) -> np.ndarray:
    """Everyone in the photo: it is squeezed to 256x256 px as MediaPipe does, so a tall one loses height."""
    small = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    found = network("selfie")(small[None].astype(np.float32) / 255)[0][0, :, :, 0]
    large = cv2.resize(found, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(large, 0, 1).astype(np.float32)


def pose(rgb: np.ndarray) -> list[Person]:
    """People by the detector, then each one's mask and landmarks inside his own turned square; empty for nobody."""
    return [person_in(rgb, roi) for roi in find_people(rgb)]


def person_in(rgb: np.ndarray, roi: Roi) -> Person:
    """The landmark network's answer for one ROI; `chance` is 0 outside of it."""
    crop = warp_in(rgb, roi)
    landmarks, _, mask, *_ = network("pose-full")(crop[None].astype(np.float32) / 255)
    found = landmarks.reshape(-1, 5)[:POINTS]
    chance = warp_out(_sigmoid(mask[0, :, :, 0]), roi, rgb.shape[:2])
    return Person(chance, roi.back(found[:, :2] - 0.5), _sigmoid(found[:, 3]))


def union(people: list[Person], shape: tuple[int, int]) -> np.ndarray:
    """(H, W) chance of anyone: the largest of all, 0 where there is nobody."""
    return np.maximum.reduce([each.chance for each in people]) if people else np.zeros(shape, np.float32)


def warp_in(rgb: np.ndarray, roi: Roi, side: int = SIDE) -> np.ndarray:
    """The ROI as (side, side, 3), black beyond the photo; reduced by area first, so nothing aliases."""
    shrink = min(1.0, 2 * side / roi.side)
    if shrink < 1:
        size = (max(1, round(rgb.shape[1] * shrink)), max(1, round(rgb.shape[0] * shrink)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        roi = Roi(roi.x * shrink, roi.y * shrink, roi.side * shrink, roi.angle, roi.score)
    return cv2.warpAffine(rgb, roi.matrix(side), (side, side), flags=cv2.INTER_LINEAR)


def warp_out(values: np.ndarray, roi: Roi, shape: tuple[int, int]) -> np.ndarray:
    """(side, side) values of a ROI back to the photo's (H, W), 0 outside."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(values.astype(np.float32), roi.matrix(len(values)), shape[::-1], flags=flags)


def find_people(rgb: np.ndarray) -> list[Roi]:
    """ROIs of the people, the largest first; one smaller than `BYSTANDER` of it is left out."""
    height, width = rgb.shape[:2]
    side = max(height, width)
    whole = Roi(width / 2 - 0.5, height / 2 - 0.5, side, 0.0, 1.0)
    crop = warp_in(rgb, whole, POSE_SIDE)
    raw, scores = network("pose-detection")(crop[None].astype(np.float32) / 127.5 - 1)
    found = _suppressed(*_decoded(raw[0], scores[0, :, 0]))
    scale, left, top = side, width / 2 - side / 2, height / 2 - side / 2
    rois = sorted((_roi(points, score, scale, left, top) for points, score in found), key=lambda roi: -roi.side)
    return [roi for roi in rois if roi.side >= BYSTANDER * rois[0].side][:MOST]


def _roi(points: np.ndarray, score: float, scale: float, left: float, top: float) -> Roi:
    """`points` (2, 2): hips and a point on the circle around the body, (x, y) in [0, 1] of the padded square."""
    (x, y), (x_out, y_out) = points * scale + (left, top)
    reach = float(np.hypot(x_out - x, y_out - y))
    angle = np.pi / 2 - np.arctan2(-(y_out - y), x_out - x)
    return Roi(x - 0.5, y - 0.5, max(1.0, 2 * reach * ROOM), float(angle), score)


@lru_cache(maxsize=1)
def _anchors() -> np.ndarray:
    """(2254, 2) centres (x, y) of the detector's SSD anchors: strides 8, 16, 32 px with 2, 2, 6 at each cell."""
    layers = []
    for stride, count in ((8, 2), (16, 2), (32, 6)):
        cells = POSE_SIDE // stride
        rows, columns = np.mgrid[0:cells, 0:cells]
        centres = np.stack([columns, rows], axis=-1).reshape(-1, 2)
        layers.append(np.repeat((centres + 0.5) / cells, count, axis=0))
    return np.concatenate(layers)


def _decoded(raw: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, 4) x0 y0 x1 y1, the two points (n, 2, 2) and scores (n,) of what scores enough, in [0, 1]."""
    scores = _sigmoid(logits)
    keep = scores >= LEAST_SCORE
    values, anchors = raw[keep] / POSE_SIDE, _anchors()[keep]
    centre, half = values[:, :2] + anchors, values[:, 2:4] / 2
    points = values[:, 4:8].reshape(-1, 2, 2) + anchors[:, None]
    return np.concatenate([centre - half, centre + half], axis=1), points, scores[keep]


def _suppressed(boxes: np.ndarray, points: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """One detection a person: overlapping ones are averaged by score, as MediaPipe's weighted suppression does."""
    found = []
    left = np.argsort(-scores)
    while left.size:
        best = left[0]
        same = _iou(boxes[best], boxes[left]) > OVERLAP
        same[0] = True
        weights = scores[left[same]]
        found.append((np.average(points[left[same]], axis=0, weights=weights), float(scores[best])))
        left = left[~same]
    return found


def _iou(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - both
    return both / np.maximum(areas, 1e-9)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    chance: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return chance
