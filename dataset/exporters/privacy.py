"""Faces in an export: blurred where that is asked for, and said in the card whether or not.

In: what was gathered, and the workspace's counts of faces. Out: items that know their faces, bytes without them, and
the statement that `export.json` and the data card hold. Never lets an image through that could not be counted when
blurring was asked for, and never changes a mask: a blur moves no pixel.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from dataset.exporters.items import Gathered
from dataset.exporters.metadata import Clean, clean
from dataset.face_blur import blur_faces
from dataset.face_boxes import Box
from dataset.face_count import faces_of
from dataset.faces import WEIGHT
from dataset.images import decode
from dataset.package_files import PACKAGE_FILES
from dataset.progress import Progress, silent
from dataset.workspace import Workspace

UNCOUNTED = "faces can't be counted"
JPEG_QUALITY = 95
METADATA = "EXIF but its orientation, XMP, IPTC, maker notes, comments and trailing data are never exported"
_COUNTED = """
SELECT sha256, faces, face_detector FROM images
WHERE faces IS NOT NULL AND sha256 IN (SELECT unnest(?::VARCHAR[]))
"""


def with_faces(ws: Workspace, gathered: Gathered, progress: Progress = silent) -> Gathered:
    """Every item with its boxes, counted now where it never was; what can't be counted is left out.

    Raises MissingWeights where something must be counted and the network was not fetched.
    """
    found = faces_of(ws, (item.sha256 for item in gathered.items), progress)
    items = [replace(item, faces=tuple(found[item.sha256])) for item in gathered.items if item.sha256 in found]
    missing = Counter({UNCOUNTED: len(gathered.items) - len(items)})
    return replace(gathered, items=items, left_out=+(gathered.left_out + missing), blurs_faces=True)


def faceless(data: bytes, boxes: Sequence[Box]) -> Clean:
    """Encoded bytes without metadata and without these faces; a JPEG stays one, all else becomes PNG with its alpha.

    An animation gives its first frame alone, whether or not that shows a face: the others were never looked at. An
    image of one frame without faces leaves as `clean` gives it. Raises ImageError for what is no image.
    """
    image = decode(data)
    if not boxes and image.frames == 1:
        return clean(data)
    rgb = blur_faces(image.rgb, boxes)
    buffer = io.BytesIO()
    if image.format in ("JPEG", "MPO"):
        Image.fromarray(rgb).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return Clean(buffer.getvalue(), ".jpg", "faces blurred")
    whole = rgb if image.alpha is None else np.dstack([rgb, image.alpha])
    Image.fromarray(whole).save(buffer, "PNG")
    return Clean(buffer.getvalue(), ".png", "faces blurred" if boxes else "first frame alone")


def statement(ws: Workspace, exported: Sequence[str], *, blurs_faces: bool) -> dict[str, Any]:
    """What was done for the people in the images `exported` (sha256s): metadata, faces counted, blurred or not."""
    rows = ws.tables.query(_COUNTED, parameters=[list(exported)]).to_pylist()
    file = PACKAGE_FILES[WEIGHT]
    return {
        "metadata": METADATA,
        "faces_blurred": blurs_faces,
        "images_counted": len(rows),
        "images_not_counted": len(exported) - len(rows),
        "images_with_faces": sum(row["faces"] > 0 for row in rows),
        "faces": sum(row["faces"] for row in rows),
        "detectors": sorted({row["face_detector"] for row in rows}),
        "network": f"{WEIGHT} of {file.requirement}, licence {file.licence}",
        "caution": "A detector misses some faces, and a person may be known by more than a face.",
    }


def blurs_faces(meta: dict[str, Any]) -> bool:
    """Whether an export's own description says so; older ones told of metadata only, in one sentence."""
    told = meta.get("privacy")
    return bool(told.get("faces_blurred")) if isinstance(told, dict) else False


def sentence(told: dict[str, Any]) -> str:
    """The statement as a card's paragraph."""
    counted = (
        f"{told['faces']} faces were found in {told['images_with_faces']} of {told['images_counted']} images that were "
        f"counted ({told['network']})"
    )
    left = f"; {told['images_not_counted']} images were never counted" if told["images_not_counted"] else ""
    done = "They are blurred beyond recovery" if told["faces_blurred"] else "They are NOT blurred"
    return f"{told['metadata']}. {counted}{left}. {done}. {told['caution']}"
