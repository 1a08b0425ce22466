"""The one door to the libraries that import torchvision: lightning, segmentation_models_pytorch, timm.

A CPU build of torch beside PyPI's CUDA-built torchvision fails on import with 'operator torchvision::nms does not
exist'. Declaring the two schemas first is enough, since nothing here calls them; where torchvision's own ops load,
nothing is declared. Importing one of these libraries past this module brings the failure back.
"""
# ruff: noqa: E402  (the order is the point: schemas first, then what needs them)

from __future__ import annotations

import os
import sys

from torch import library as operators

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare_missing_ops() -> operators.Library | None:
    """The library that holds the schemas (it must stay alive), or None where torchvision imports as it is."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]  # half-imported: a second import would find the half
    else:
        return None
    library = operators.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    return library


_LIBRARY = _declare_missing_ops()
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else importing it asks PyPI for a newer version

import lightning as lightning
import segmentation_models_pytorch as smp
import timm as timm

__all__ = ["lightning", "smp", "timm"]
