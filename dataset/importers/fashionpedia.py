"""Fashionpedia: `instances_attributes_{train,val}2020.json` (COCO with attributes) and the images below it.

Its categories ('shirt, blouse', 'sleeve') become words and a map of labels; attribute names ('maxi (length)') words of
the field `attribute`.
"""

from __future__ import annotations

from dataset.importers import coco
from dataset.importers.layout import Layout
from dataset.importers.root import Root


def read(root: Root) -> Layout:
    return coco.read(root, "**/instances_attributes_*.json")
