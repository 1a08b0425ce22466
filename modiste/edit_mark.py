"""The 'edited' mark: XMP inside the file, and the lineage beside it.

In: finished pixels, the chain, the source's bytes, what the guard measured. Out: bytes of a PNG or lossless WebP with
its XMP, and the lineage as JSON. Terms are the IPTC's (cv.iptc.org/newscodes/digitalsourcetype). Of the photo's own
metadata nothing goes along: no EXIF, no place.
"""

from __future__ import annotations

import hashlib
import io
import json
from importlib import metadata
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from dataset.errors import ImageError
from modiste.edit_background import is_picture
from modiste.edit_chain import Chain
from modiste.edit_learned import is_learned
from modiste.edit_steps import Background

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
FORMATS = ("png", "webp")
WEBP_SIDE_PX = 16_383
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" Iptc4xmpExt:DigitalSourceType="{term}" xmp:CreatorTool="{tool}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def source_type(chain: Chain) -> str:
    """The IPTC's term: a trained network that makes pixels (learned upscale or repair) comes before all else; a new
    backdrop makes a composite, of captures where it is a picture; the rest is a correction by algorithm. The network
    that finds the outline makes no pixel."""
    steps = dict(chain.steps)
    if any(is_learned(step) for step in steps.values()):
        return TERMS + "compositeWithTrainedAlgorithmicMedia"
    ground = steps.get("background")
    if isinstance(ground, Background):
        return TERMS + ("compositeCapture" if is_picture(ground.to) else "composite")
    return TERMS + "algorithmicallyEnhanced"


def marked(rgb: np.ndarray, kind: str, term: str) -> bytes:
    """(H, W, 3) uint8 -> a lossless file with its mark. Raises ImageError 'too_large_for_webp'."""
    if kind == "webp" and max(rgb.shape[:2]) > WEBP_SIDE_PX:
        raise ImageError("too_large_for_webp", f"sides over {WEBP_SIDE_PX} px", cure="Take --format png")
    xmp = _XMP.format(term=term, tool=f"Modiste {version()}").encode()
    buffer = io.BytesIO()
    if kind == "webp":
        Image.fromarray(rgb).save(buffer, "WEBP", lossless=True, quality=40, method=2, exact=True, xmp=xmp)
    else:
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=False)
        Image.fromarray(rgb).save(buffer, "PNG", compress_level=4, pnginfo=text)
    return buffer.getvalue()


def version() -> str:
    try:
        return metadata.version("modiste")
    except metadata.PackageNotFoundError:
        return "unknown"


def lineage(
    name: str, data: bytes, made: bytes, chain: Chain, steps: list[dict[str, Any]], verdict: str, weights: str,
    mask: str,
) -> bytes:  # fmt: skip
    """JSON: from which bytes, by which steps with which parameters, by what software, whose mask ('network' or
    'backdrop'), and the guard's figures."""
    facts = {
        "edited": True,
        "digital_source_type": source_type(chain),
        "source": {"name": name, "sha256": hashlib.sha256(data).hexdigest()},
        "result": {"sha256": hashlib.sha256(made).hexdigest()},
        "chain": {"words": chain.words(), "keep": chain.keep},
        "steps": steps,
        "verdict": verdict,
        "weights": weights,
        "mask": mask,
        "versions": {"modiste": version()} | {
            each: metadata.version(each) for each in ("numpy", "opencv-python-headless", "pillow") if _has(each)
        },
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False, indent=1).encode()


def _has(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False
