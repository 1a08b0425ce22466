from __future__ import annotations

import pytest
from test_dataset_groups import A, B, C, D, alone

from dataset.groups import group_images
from dataset.shoots import camera_number, links_of, shoot_links
from dataset.workspace import Workspace


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/media/IMG_0412.jpg", ("/media", "IMG", 412)),
        ("https://a.example/dsc01234-large.jpg?w=9", ("/", "DSC", 1234)),
        ("https://a.example/%5FMG_0007.webp", ("/", "_MG", 7)),
        ("https://a.example/SKU-0412.jpg", None),
        ("https://a.example/IMGRED12.jpg", None),
        ("https://a.example/images/12345.jpg", None),
    ],
)
def test_only_a_cameras_own_names_are_read(url: str, expected: tuple[str, str, int] | None) -> None:
    assert camera_number(url) == expected


def test_a_run_breaks_at_a_gap_a_folder_and_a_store() -> None:
    shown = [(f"i{n}", "shop", f"https://s.example/a/IMG_{n:04d}.jpg") for n in (1, 3, 4, 9)]
    shown += [
        ("elsewhere", "shop", "https://s.example/b/IMG_0002.jpg"),
        ("other", "rival", "https://s.example/a/IMG_0005.jpg"),
    ]
    links = shoot_links(shown, largest_gap=2)
    assert [image for image, _ in links] == ["image:i1", "image:i3", "image:i4"]
    assert len({shoot for _, shoot in links}) == 1


def test_pictures_of_one_shoot_share_a_group_when_asked(tmp_path: object) -> None:
    ws = Workspace.init(tmp_path)  # type: ignore[arg-type]
    rows = [
        {"sha256": sha256, "store": "s", "product_id": sha256[0], "page_url": sha256, "url": f"https://s.example/IMG_{n}.jpg",
         "status": "ok", "crawl_id": "c", "position": 0}
        for sha256, n in ((A, 100), (B, 101), (C, 150), (D, 300))
    ]  # fmt: skip
    ws.tables.append("fetches", rows)
    assert group_images(ws, alone(A, B, C, D)).groups == 4
    assert group_images(ws, alone(A, B, C, D), links_of(ws, 3, (A, B, C, D))).groups == 3
