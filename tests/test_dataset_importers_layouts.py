"""Each layout, drawn small: which rows it gives, whose masks, whose words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchange_drawn import HEIGHT, SIZE, WIDTH, composite, disc, garment, photo, png, skin, truth, write
from typer import Typer
from typer.testing import CliRunner

from dataset.errors import EmptyError, UsageError
from dataset.importers.rle import coco_counts, cvat_runs, label_studio_rle
from dataset.importers.roles import label_map
from dataset.importers.run import READERS, import_data
from dataset.masks import binary_from_png
from dataset.workspace import Workspace

SQUARE = [10, 10, 20, 10, 20, 30, 10, 30]  # x, y corners: columns 10 to 19, rows 10 to 29


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


def said(ws: Workspace) -> list[tuple[str, str | None, str]]:
    rows = ws.tables.read("labels", ["field", "value", "word"]).to_pylist()
    return sorted(((row["field"], row["value"], row["word"]) for row in rows), key=str)


def mask(ws: Workspace, kind: str) -> np.ndarray:
    (row,) = ws.tables.read("masks", where=f"kind = '{kind}'").to_pylist()
    return binary_from_png(ws.blobs.get(row["mask_sha256"]))


def coco(**more: Any) -> str:
    image = {"id": 7, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH}
    categories = [{"id": 1, "name": "dress"}, {"id": 2, "name": "person"}, {"id": 3, "name": "gizmo"}]
    return json.dumps({"annotations": [], "images": [image], "categories": categories} | more)


def test_a_folder_gives_its_class_as_a_word_and_its_part_as_the_split(ws: Workspace, tmp_path: Path):
    for number, name in enumerate(("train/dress/a.jpg", "val/Gown/b.jpg", "val/zorp/c.jpg")):
        write(tmp_path / "in" / name, photo(number))
    result = import_data(ws, "folder", tmp_path / "in", store="closet")
    assert said(ws) == [("type", "dress", "Gown"), ("type", "dress", "dress"), ("type", None, "zorp")]
    assert (result.images, result.unmapped) == (3, {"zorp": 1})
    given = (ws.root / str(result.split)).read_text().splitlines()
    assert sorted(line.split(",")[1] for line in given[1:]) == ["train", "validation", "validation"]
    urls = set(ws.tables.read("fetches")["url"].to_pylist())
    assert "import://closet/val/Gown/b.jpg" in urls


def test_originals_are_kept_byte_for_byte(ws: Workspace, tmp_path: Path):
    data = photo(1, "WEBP")
    write(tmp_path / "in" / "dress" / "a.webp", data)
    import_data(ws, "folder", tmp_path / "in")
    (row,) = ws.tables.read("fetches").to_pylist()
    assert ws.blobs.get(row["sha256"]) == data
    assert (row["source"], row["status"], row["bytes"]) == ("import:folder", "ok", len(data))


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [HEIGHT, WIDTH], "counts": coco_counts(garment())},
        [SQUARE, [0, 0, 5, 0, 5, 5]],
    ],
)
def test_coco_polygons_and_run_lengths_become_masks(ws: Workspace, tmp_path: Path, segmentation: Any):
    annotation = {"id": 1, "image_id": 7, "category_id": 1, "segmentation": segmentation}
    write(tmp_path / "in" / "annotations" / "instances_val2017.json", coco(annotations=[annotation]))
    write(tmp_path / "in" / "val2017" / "a.jpg", photo())
    result = import_data(ws, "coco", tmp_path / "in")
    assert (result.images, result.bad_masks) == (1, 0)
    assert str(result.split).endswith("-split.csv")
    assert said(ws) == [("worn", "dress", "dress")]
    drawn = mask(ws, "garment")
    assert (drawn == garment()).all() if isinstance(segmentation, dict) else drawn.sum() == 20 * 10 + 10


def test_coco_person_and_dress_make_a_composite_and_unknown_words_stay_words(ws: Workspace, tmp_path: Path):
    drawn = [(1, garment()), (2, skin()), (3, disc(50, 30, 3))]
    annotations = [
        {"id": k, "image_id": 7, "category_id": k, "segmentation": {"size": [HEIGHT, WIDTH], "counts": coco_counts(m)}}
        for k, m in drawn
    ]
    write(tmp_path / "in" / "a.jpg", photo())
    write(tmp_path / "in" / "all.json", coco(annotations=annotations))
    import_data(ws, "coco", tmp_path / "in")
    assert said(ws) == [("worn", "dress", "dress"), ("worn", None, "gizmo")]
    (found,) = truth(ws).values()
    assert (found == composite()).all()


def test_captions_beside_the_instances_are_left_alone(ws: Workspace, tmp_path: Path):
    write(tmp_path / "in" / "train" / "a.jpg", photo())
    caption = {"id": 9, "image_id": 7, "caption": "a dress"}
    drawn = {"id": 1, "image_id": 7, "category_id": 1, "segmentation": [SQUARE]}
    write(tmp_path / "in" / "train" / "_annotations.coco.json", coco(annotations=[drawn, caption]))
    result = import_data(ws, "coco", tmp_path / "in")
    assert said(ws) == [("worn", "dress", "dress")]
    assert ",train" in (ws.root / str(result.split)).read_text()


def test_a_box_gives_its_word_and_is_counted(ws: Workspace, tmp_path: Path):
    write(tmp_path / "in" / "a.jpg", photo())
    box = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 1, 5, 5], "segmentation": []}
    write(tmp_path / "in" / "all.json", coco(annotations=[box]))
    result = import_data(ws, "coco", tmp_path / "in")
    assert (result.masks, result.labels, result.notes) == (0, 1, {"boxes": 1})


def test_overlapping_regions_keep_the_smaller_on_top_and_count_what_it_hides(ws: Workspace, tmp_path: Path):
    big, small = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    big[10:50, 5:40], small[20:24, 10:15] = True, True
    annotations = [
        {"id": k, "image_id": 7, "category_id": k, "segmentation": {"size": [HEIGHT, WIDTH], "counts": coco_counts(m)}}
        for k, m in ((3, small), (1, big))
    ]
    write(tmp_path / "in" / "a.jpg", photo())
    write(tmp_path / "in" / "all.json", coco(annotations=annotations))
    import_data(ws, "coco", tmp_path / "in")
    (row,) = ws.tables.read("masks", where="kind = 'labels'").to_pylist()
    assert json.loads(row["method"])["hidden_px"] == 20
    regions = {region.word: region.mask for region in label_map(ws.blobs.get(row["mask_sha256"]), row["method"])}
    assert (regions["gizmo"] == small).all()
    assert (regions["dress"] == (big & ~small)).all()


def test_fashionpedia_keeps_categories_and_attributes(ws: Workspace, tmp_path: Path):
    annotation = {"id": 1, "image_id": 7, "category_id": 1, "segmentation": [SQUARE], "attribute_ids": [4]}
    attributes = [{"id": 4, "name": "maxi (length)"}]
    text = coco(annotations=[annotation], attributes=attributes, categories=[{"id": 1, "name": "shirt, blouse"}])
    write(tmp_path / "in" / "instances_attributes_train2020.json", text)
    write(tmp_path / "in" / "train" / "a.jpg", photo())
    result = import_data(ws, "fashionpedia", tmp_path / "in")
    assert ("attribute", None, "maxi (length)") in said(ws)
    assert ("worn", "shirt, blouse") in {(field, word) for field, _, word in said(ws)}
    assert result.masks >= 1


def test_deepfashion2_keeps_the_pair_as_the_product(ws: Workspace, tmp_path: Path):
    for number in ("000001", "000002"):
        item = {"category_name": "short sleeve dress", "segmentation": [SQUARE], "bounding_box": [10, 10, 20, 30]}
        told = {"source": "shop", "pair_id": 5, "item1": item}
        write(tmp_path / "in" / "train" / "annos" / f"{number}.json", json.dumps(told))
        write(tmp_path / "in" / "train" / "image" / f"{number}.jpg", photo(int(number)))
    result = import_data(ws, "deepfashion2", tmp_path / "in")
    assert (result.images, result.products) == (2, 1)
    assert set(ws.tables.read("fetches")["product_id"].to_pylist()) == {"pair-5"}
    assert {value for _, value, _ in said(ws)} == {"dress"}


def test_yolo_boxes_polygons_and_names(ws: Workspace, tmp_path: Path):
    write(tmp_path / "in" / "images" / "train" / "a.jpg", photo())
    shares = [(x + 0.5) / size for x, size in zip([10, 10, 19, 10, 19, 29, 10, 29], [WIDTH, HEIGHT] * 4, strict=True)]
    lines = ["1 0.5 0.5 0.1 0.1", "0 " + " ".join(f"{share:.6f}" for share in shares)]
    write(tmp_path / "in" / "labels" / "train" / "a.txt", "\n".join(lines))
    write(tmp_path / "in" / "data.yaml", "train: ../../elsewhere\nnames: [dress, boots]\n")
    result = import_data(ws, "yolo", tmp_path / "in")
    assert result.notes == {"boxes": 1}
    assert said(ws) == [("worn", "dress", "dress"), ("worn", "shoes", "boots")]
    expected = np.zeros(SIZE, bool)
    expected[10:30, 10:20] = True
    assert (mask(ws, "garment") == expected).all()


def test_cvat_masks_polygons_and_tags(ws: Workspace, tmp_path: Path):
    runs, left, top, width, height = cvat_runs(garment())
    box = f'left="{left}" top="{top}" width="{width}" height="{height}"'
    shapes = f'<mask label="dress" rle="{", ".join(map(str, runs))}" {box} z_order="0"/>'
    shapes += '<polygon label="person" points="30,30;40,30;40,40;30,40"/><tag label="evening"/>'
    image = f'<image id="0" name="a.jpg" width="{WIDTH}" height="{HEIGHT}" subset="Validation">{shapes}</image>'
    write(tmp_path / "in" / "annotations.xml", f'<?xml version="1.0"?><annotations>{image}</annotations>')
    write(tmp_path / "in" / "images" / "a.jpg", photo())
    result = import_data(ws, "cvat", tmp_path / "in")
    assert result.bad_masks == 0
    assert (mask(ws, "garment") == garment()).all()
    assert ("worn", "dress", "dress") in said(ws)
    assert "evening" in {word for _, _, word in said(ws)}
    assert ",validation" in (ws.root / str(result.split)).read_text()


def task(image: str, **more: Any) -> dict[str, Any]:
    value = {"format": "rle", "rle": label_studio_rle(garment()), "brushlabels": ["dress"]}
    size = {"original_height": HEIGHT, "original_width": WIDTH}
    brush = {"type": "brushlabels", "from_name": "m", "to_name": "image", "value": value, **size}
    choice = {"type": "choices", "from_name": "type", "to_name": "image", "value": {"choices": ["gown"]}}
    cancelled = {"was_cancelled": True, "result": [{**brush, "value": {}}]}
    return {"data": {"image": image}, "annotations": [cancelled, {"result": [brush, choice]}]} | more


@pytest.mark.parametrize("image", ["/data/local-files/?d=images/a.jpg", "/data/upload/3/0123abcd-a.jpg", "a.jpg"])
def test_label_studio_brushes_choices_and_every_kind_of_address(ws: Workspace, tmp_path: Path, image: str):
    write(tmp_path / "in" / "project.json", json.dumps([task(image), task("https://example.com/far.jpg")]))
    write(tmp_path / "in" / "images" / "a.jpg", photo())
    result = import_data(ws, "labelstudio", tmp_path / "in")
    assert (result.images, result.failed, result.notes) == (1, 0, {"remote images or no image": 1})
    assert (mask(ws, "garment") == garment()).all()
    assert said(ws) == [("type", "dress", "gown"), ("worn", "dress", "dress")]


def test_pascal_voc_numbers_names_splits_and_ignores_255(ws: Workspace, tmp_path: Path):
    index = np.where(garment(), 1, np.where(skin(), 2, 0)).astype(np.uint8)
    index[0, 0] = 255
    root = tmp_path / "in"
    write(root / "JPEGImages" / "a.jpg", photo())
    write(root / "SegmentationClass" / "a.png", png(index))
    write(
        root / "labelmap.txt",
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ndress:128,0,0::\nperson:0,128,0::\n",
    )
    write(root / "ImageSets" / "Segmentation" / "val.txt", "a\n")
    thing = "<object><name>dress</name><bndbox><xmin>1</xmin></bndbox></object>"
    write(root / "Annotations" / "a.xml", f"<annotation><filename>a.jpg</filename>{thing}</annotation>")
    result = import_data(ws, "voc", root)
    assert (result.images, result.bad_masks, result.notes) == (1, 0, {"boxes": 1})
    assert (next(iter(truth(ws).values())) == composite()).all()
    assert ",validation" in (ws.root / str(result.split)).read_text()


def test_mask_folders_by_word_and_by_number(ws: Workspace, tmp_path: Path):
    root = tmp_path / "in"
    write(root / "images" / "a.jpg", photo(1))
    for word, drawn in (("person", skin() | garment()), ("dress", garment())):
        write(root / "masks" / word / "a.png", png(drawn.astype(np.uint8) * 255))
    write(root / "images" / "b.jpg", photo(2))
    write(root / "masks" / "b.png", png(np.where(garment(), 4, 0).astype(np.uint8)))
    write(root / "masks" / "lost.png", png(np.zeros(SIZE, np.uint8)))
    write(root / "labels.json", '{"4": "skirt"}')
    result = import_data(ws, "masks", root)
    assert (result.images, result.notes) == (2, {"masks without an image": 1})
    assert said(ws) == [("worn", "dress", "dress"), ("worn", "skirt", "skirt")]
    assert (next(iter(truth(ws).values())) == composite()).all()


@pytest.mark.parametrize("format_", ["folder", "masks"])
def test_importing_again_writes_nothing(ws: Workspace, tmp_path: Path, format_: str):
    write(tmp_path / "in" / "images" / "dress.jpg", photo(1))
    write(tmp_path / "in" / "masks" / "dress.png", png(composite()))
    first = import_data(ws, format_, tmp_path / "in")
    versions = ws.tables.versions()
    again = import_data(ws, format_, tmp_path / "in")
    assert first.new == first.images == again.images
    assert (again.new, again.masks, again.labels) == (0, 0, 0)
    assert ws.tables.versions() == versions


def test_the_same_bytes_under_two_names_keep_the_first_mask_at_every_import(ws: Workspace, tmp_path: Path):
    for name, shift in (("a", 0), ("b", 5)):
        write(tmp_path / "in" / "images" / f"{name}.jpg", photo(1))
        write(tmp_path / "in" / "masks" / f"{name}.png", png(composite(shift)))
    for _ in range(2):
        import_data(ws, "masks", tmp_path / "in")
        assert (next(iter(truth(ws).values())) == composite(0)).all()
    assert ws.tables.read("fetches").num_rows == 2


def test_two_annotators_masks_of_one_image_stand_beside_each_other(ws: Workspace, tmp_path: Path):
    for store, shift in (("ann", 0), ("ben", 5)):
        write(tmp_path / store / "images" / "a.jpg", photo(1))
        write(tmp_path / store / "masks" / "a.png", png(composite(shift)))
        import_data(ws, "masks", tmp_path / store)
    rows = ws.tables.read("masks", where="kind = 'composite'").to_pylist()
    assert {row["source"] for row in rows} == {"import:masks:ann", "import:masks:ben"}


@pytest.mark.parametrize("format_", sorted(READERS))
def test_a_folder_of_another_layout_is_refused_in_words(ws: Workspace, tmp_path: Path, format_: str):
    write(tmp_path / "in" / "notes.md", "nothing here")
    with pytest.raises(Exception, match=r"holds no|can't be read|is not there|not there") as error:
        import_data(ws, format_, tmp_path / "in")
    assert isinstance(error.value, EmptyError) or format_ == "street"
    assert ws.tables.versions() == {}


def test_unknown_formats_paths_and_stores_are_misuse(ws: Workspace, tmp_path: Path):
    with pytest.raises(UsageError, match="no importer 'excel'"):
        import_data(ws, "excel", tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        import_data(ws, "coco", tmp_path / "gone")
    with pytest.raises(UsageError, match="no store's name"):
        import_data(ws, "folder", tmp_path, store="../x")


def test_the_command_line_imports_and_prints_json(ws: Workspace, tmp_path: Path):
    from modiste.cli.imports_data import register_into

    write(tmp_path / "in" / "dress" / "a.jpg", photo(1))
    imports = Typer()
    register_into(imports)
    told = CliRunner().invoke(imports, ["folder", str(tmp_path / "in"), "-w", str(ws.root), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["new"] == 1
