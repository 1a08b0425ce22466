"""One image's masks, made inside a worker process: bytes in, PNG bytes and facts out.

In: a `Job` (the photo's bytes and its cutouts' bytes, or a model's probabilities). Out: an `Outcome` with person,
garment and composite PNGs and scores, or a coded reason. Plain values only, so it can cross a process boundary; never
touches tables, blobs or files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from dataset.blobs import sha256_of
from dataset.errors import ImageError, MaskError
from dataset.images import decode
from dataset.masks import binary_png, from_png, to_png
from labeling.composite import composite_and_report
from labeling.cutouts import CutoutError, binarise, read_cutout
from labeling.grabcut import guess_packshot
from labeling.mask_quality import flags, measure
from labeling.scene import guess_scene, working_copy

Probabilities = Callable[[np.ndarray], np.ndarray]  # (H, W, 3) uint8 RGB -> background, skin, garment, sum 1


@dataclass(frozen=True)
class Job:
    """`source` is cutout, grabcut:<prior> or model:<run>, `view` packshot or scene; `person` and `garment` are cutout
    files' bytes, `model` a run's probabilities as `packed` makes them; `prior` is used where there is neither. `other`
    is another method's composite (PNG bytes) to compare with."""

    sha256: str
    source: str
    view: str
    photo: bytes
    person: bytes | None = None
    garment: bytes | None = None
    prior: str = "rectangle"
    model: bytes | None = None
    other: bytes | None = None


@dataclass(frozen=True)
class Outcome:
    """`pngs` maps person, garment and composite to PNG bytes; empty where `reason` says why there are none."""

    sha256: str
    source: str
    method: dict[str, Any]
    reason: str | None = None
    width: int | None = None
    height: int | None = None
    scores: dict[str, float] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    pngs: dict[str, bytes] = field(default_factory=dict)


def cut(job: Job) -> Outcome:
    """Masks of one image; a file that can't be used becomes an outcome with its reason, never an exception."""
    cv2.setNumThreads(1)
    files = {kind: sha256_of(data) for kind, data in (("person", job.person), ("garment", job.garment)) if data}
    try:
        photo = np.ascontiguousarray(decode(job.photo).rgb)
        person, garment, method = _masks(job, photo)
        composite, repair = composite_and_report(person, garment)
    except CutoutError as error:
        return Outcome(job.sha256, job.source, {"files": files, "error": str(error)}, error.code)
    except ImageError as error:
        return Outcome(job.sha256, job.source, {"files": files, "error": str(error)}, "unreadable")
    scores = measure(composite, person=person, garment=garment, other=_other(job, photo.shape))
    raised = flags(scores) + (["weak"] if method.get("weak") else [])
    pngs = {"person": binary_png(person | garment), "garment": binary_png(garment), "composite": to_png(composite)}
    method |= {"files": files, "repair": repair.as_dict()}
    height, width = photo.shape[:2]
    return Outcome(job.sha256, job.source, method, None, width, height, scores, raised, pngs)


def _other(job: Job, shape: tuple[int, ...]) -> np.ndarray | None:
    """The composite to compare with, None where there is none of the photo's size."""
    try:
        composite = from_png(job.other) if job.other else None
    except (ImageError, MaskError):
        return None
    return composite if composite is not None and composite.shape == shape else None


def _masks(job: Job, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    if job.source != "cutout":
        return _guess(job, photo)
    if job.garment is None:
        raise CutoutError("missing_garment", "a person cutout without its garment cutout", where=job.sha256,
                          cure="Add garment/<name>.png")  # fmt: skip
    garment, how = binarise(read_cutout(job.garment, where="garment"), photo, where="garment")
    if job.person is None:
        return garment, garment, {"kind": "cutout", "garment": how, "person": "the garment: a packshot"}
    person, how_person = binarise(read_cutout(job.person, where="person"), photo, where="person")
    return person, garment, {"kind": "cutout", "garment": how, "person": how_person}


def _guess(job: Job, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    if job.model is not None:
        person, garment, method = guess_scene(photo, job.sha256, model=unpacked(job.model))
    elif job.view == "packshot":
        garment, method = guess_packshot(photo, job.sha256)
        person = garment
    else:
        person, garment, method = guess_scene(photo, job.sha256, job.prior)
    if not person.any() or not garment.any():
        whom = "nobody was found" if not person.any() else "a person was found, but no garment"
        raise CutoutError("nothing_found", f"{whom} (prior: {method['prior']})", where=job.sha256, cure="Give a cutout")
    return person, garment, method


def packed(photo: bytes, probabilities: Probabilities) -> bytes | None:
    """A model's answer on a photo as PNG bytes, 8 bits a class, at working size; None where the photo is unreadable."""
    try:
        rgb = np.ascontiguousarray(working_copy(decode(photo).rgb))
    except ImageError:
        return None
    said = np.rint(np.clip(probabilities(rgb), 0, 1) * 255).astype(np.uint8)
    return bytes(cv2.imencode(".png", said[..., ::-1])[1])


def unpacked(png: bytes) -> np.ndarray:
    """(h, w, 3) float32 that sum to 1, from what `packed` made."""
    values = decode(png).rgb.astype(np.float32)
    return values / np.maximum(values.sum(axis=2, keepdims=True), 1)
