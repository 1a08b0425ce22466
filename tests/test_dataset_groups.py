"""Groups: what is shown by one product, its variants or a near-duplicate stays together."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset.groups import group_ids, group_images
from dataset.workspace import Workspace

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


def shows(ws: Workspace, product: str | None, *names: str, store: str = "shop") -> None:
    rows = [
        {"crawl_id": "1", "store": store, "product_id": product, "url": n, "status": "ok", "sha256": n} for n in names
    ]
    ws.tables.append("fetches", rows)


def alone(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def group_of(ws: Workspace) -> dict[str, str]:
    return {row["sha256"]: row["group_id"] for row in ws.tables.read("groups").to_pylist()}


def test_links_join_through_products_and_the_smallest_sha256_names_the_group():
    links = [("image:c", "product:1"), ("image:b", "product:1"), ("image:d", "image:d")]
    assert group_ids(["b", "c", "d"], links) == {"b": "b", "c": "b", "d": "d"}


def test_images_of_a_product_and_of_its_variants_are_one_group(ws: Workspace):
    shows(ws, "red", B, A)
    shows(ws, "blue", C)
    shows(ws, "other", D)
    ws.tables.append("products", [{"store": "shop", "product_id": p, "variant_group": "v"} for p in ("red", "blue")])
    assert group_images(ws, alone(A, B, C, D)).groups == 2
    assert group_of(ws) == {A: A, B: A, C: A, D: D}


def test_the_same_product_number_in_two_stores_is_two_products(ws: Workspace):
    shows(ws, "1", A, store="x")
    shows(ws, "1", B, store="y")
    assert group_images(ws, alone(A, B)).groups == 2


def test_images_without_a_product_are_not_joined_by_that(ws: Workspace):
    shows(ws, None, A, B)
    assert group_images(ws, alone(A, B)).groups == 2


def test_near_duplicates_join_two_products(ws: Workspace):
    shows(ws, "1", A, B)
    shows(ws, "2", C, D)
    group_images(ws, {A: A, B: B, C: B, D: D})
    assert set(group_of(ws).values()) == {A}


def test_a_grown_group_keeps_its_split_and_gives_it_to_the_new_image(ws: Workspace):
    shows(ws, "1", A)
    shows(ws, "2", B)
    group_images(ws, alone(A, B))
    ws.tables.upsert("groups", [row | {"split": "test"} for row in ws.tables.read("groups").to_pylist()])
    shows(ws, "2", C)
    assert group_images(ws, alone(A, B, C)).changed == 1
    split = {row["sha256"]: row["split"] for row in ws.tables.read("groups").to_pylist()}
    assert split == {A: "test", B: "test", C: "test"}


def test_the_same_again_writes_nothing_and_a_lost_image_leaves(ws: Workspace):
    shows(ws, "1", A, B)
    group_images(ws, alone(A, B))
    version = ws.tables.version("groups")
    assert group_images(ws, alone(A, B)).changed == 0
    assert ws.tables.version("groups") == version
    group_images(ws, alone(A))
    assert group_of(ws) == {A: A}


def test_groups_of_two_parts_that_were_joined_wait_for_the_next_split(ws: Workspace):
    shows(ws, "1", A)
    shows(ws, "2", B)
    group_images(ws, alone(A, B))
    parts = {A: "test", B: "train"}
    ws.tables.upsert("groups", [row | {"split": parts[row["sha256"]]} for row in ws.tables.read("groups").to_pylist()])
    group_images(ws, {A: A, B: A})
    assert [row["split"] for row in ws.tables.read("groups").to_pylist()] == [None, None]
