"""From a snapshot to batches: rows of a part, resized photos and masks cached as memory-mapped arrays, augmentation.

In: a workspace, a snapshot, a size. Out: uint8 RGB (H, W, 3) and class maps (H, W) with 255 where the photo was
padded. A photo is fitted in and padded, never stretched; its faces are blurred where the rows come from `faceless`. An
augmented photo depends on (seed, epoch, place) alone: never on the number of workers, nor on whether the run was cut
off and resumed.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from dataset.errors import DataError, EmptyError
from dataset.face_blur import blur_faces
from dataset.face_boxes import scaled
from dataset.face_count import faces_of
from dataset.faces import detector_name
from dataset.images import decode
from dataset.label_space import LabelSpace
from dataset.masks import IGNORE, from_png, to_index
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot
from dataset.workspace import Workspace
from train import spread
from train.backdrops import Backdrops
from train.letterbox import PAD, UInt8, letterbox, place
from train.packshots import Packshots
from train.recipe import Augment
from train.seeding import derived

Row = dict[str, Any]
FACES = "faces"  # key of a row's boxes of faces, where they are to be blurred


def rows_of(snapshot: Snapshot, part: str) -> list[Row]:
    """Rows of 'train', 'validation' or 'test' by sha256, labels as dicts. Raises EmptyError for an empty part."""
    rows = [row for row in snapshot.rows.to_pylist() if row["split"] == part]
    if not rows:
        counts = {name: snapshot.rows["split"].to_pylist().count(name) for name in ("train", "validation", "test")}
        raise EmptyError(
            f"no images in the {part} part ({counts})",
            where=f"snapshot {snapshot.name}",
            cure="Run `modiste split` with other shares or add images, then take a new snapshot",
        )
    return [
        {**row, "labels": json.loads(row["labels"] or "{}")} for row in sorted(rows, key=lambda row: str(row["sha256"]))
    ]


def masked_rows(snapshot: Snapshot, part: str, sources: Sequence[str], space: LabelSpace) -> list[Row]:
    """Rows of a part whose mask comes from one of `sources` (cutout, review, import:*, grabcut, model:*), and holds the
    words of `space` where that is read from words."""
    kept = "mask_sha256" if space.composite else "words_sha256"
    found = [row for row in rows_of(snapshot, part) if row.get(kept) and _is_from(row["mask_source"], sources)]
    if not found:
        what = "mask" if space.composite else "map of labels"
        cure = "Run `modiste label masks`, or allow more in the recipe's mask_sources"
        if not space.composite:
            cure = f"{space.name} needs an annotated data set: modiste import street, coco, labelstudio, …"
        raise EmptyError(
            f"no image in the {part} part has a {what} from {', '.join(sources)}",
            where=f"snapshot {snapshot.name}",
            cure=cure,
        )
    return found


def _is_from(source: str | None, sources: Sequence[str]) -> bool:
    return (source or "") in sources or (source or "").split(":")[0] in sources


def faceless(ws: Workspace, rows: Sequence[Row], progress: Progress = silent) -> list[Row]:
    """The rows, each with its boxes of faces, which `photo` then blurs; counted now where they never were.

    Raises MissingWeights where the network was not fetched, DataError for an image whose faces can't be counted.
    """
    found = faces_of(ws, (row["sha256"] for row in rows), progress)
    missing = [row["sha256"] for row in rows if row["sha256"] not in found]
    if missing:
        raise DataError(
            f"faces can't be counted in {len(missing)} images", where=missing[0], cure="Crawl or import them again"
        )
    return [{**row, FACES: found[row["sha256"]]} for row in rows]


def are_faceless(rows: Sequence[Row]) -> bool:
    """Whether `photo` blurs these rows' faces. Raises ValueError where it does so for some of them only."""
    told = {FACES in row for row in rows}
    if len(told) > 1:
        raise ValueError("some of the rows have boxes of faces and some don't")
    return True in told


def blur_key(rows: Sequence[Row]) -> str:
    """What a cache's or an encoder's name must add where these rows' faces are blurred; '' where they are not."""
    return f"-faceless-{derived(0, detector_name()):08x}" if are_faceless(rows) else ""


def photo(ws: Workspace, row: Row, at_least_px: int | None = None) -> UInt8:
    """(H, W, 3) RGB of the row's image; with `at_least_px` a JPEG may come at a reduced scale."""
    rgb = decode(ws.blobs.get(row["sha256"]), shorter_side_px=at_least_px).rgb
    if FACES in row:
        boxes = scaled(row[FACES], rgb.shape[1] / int(row["width"]), rgb.shape[0] / int(row["height"]))
        rgb = blur_faces(rgb, boxes)
    return np.ascontiguousarray(rgb)


def truth(ws: Workspace, row: Row, space: LabelSpace) -> UInt8:
    """(H, W) class map of the row's mask, the photo's own size; 255 where a word has no class."""
    if space.composite:
        return to_index(from_png(ws.blobs.get(row["mask_sha256"])))
    names = {int(value): str(word) for value, word in json.loads(row["words_names"] or "{}").items()}
    return space.truth(ws.blobs.get(row["words_sha256"]), names)


def cached(
    ws: Workspace, rows: Sequence[Row], key: str, make: Callable[[Row], UInt8], progress: Progress = silent
) -> UInt8:
    """(N, ...) memory-mapped `make(row)` for each row, kept under `key`, which must say all that `make` depends on."""
    path = ws.scratch("train-cache") / f"{key}.npy"
    if not path.is_file():
        _write_cache(path, rows, make, progress)
    found: UInt8 = np.load(path, mmap_mode="r")
    return found


def _write_cache(path: Path, rows: Sequence[Row], make: Callable[[Row], UInt8], progress: Progress) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        out = None
        for number, row in enumerate(rows):
            array = make(row)
            if out is None:
                out = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(rows), *array.shape))
            out[number] = array
            progress(number + 1, len(rows))
        if out is not None:
            out.flush()
        os.replace(part, path)  # last: a file of this name is a whole one
    finally:
        part.unlink(missing_ok=True)


def segmentation_arrays(
    ws: Workspace,
    snapshot: Snapshot,
    part: str,
    rows: Sequence[Row],
    size: tuple[int, int],
    space: LabelSpace,
    progress: Progress = silent,
) -> tuple[UInt8, UInt8]:
    """Photos (N, H, W, 3) and class maps (N, H, W) at `size`, padded."""
    words = derived(0, *(row["sha256"] for row in rows))
    key = f"{snapshot.fingerprint[:16]}-{part}-{words:08x}-{size[0]}x{size[1]}"
    photos = cached(
        ws,
        rows,
        f"{key}{blur_key(rows)}-photos",
        lambda row: letterbox(photo(ws, row, _reach(row, size)), size),
        progress,
    )
    classes = f"{derived(0, repr(space)):08x}"
    masks = cached(ws, rows, f"{key}-{classes}", lambda row: letterbox(truth(ws, row, space), size, IGNORE))
    return photos, masks


def _reach(row: Row, size: tuple[int, int]) -> int:
    """Short side that a reduced decode must keep so that fitting into `size` still shrinks."""
    spot = place(int(row["height"]), int(row["width"]), size)
    return 2 * min(spot.height, spot.width)


@dataclass(frozen=True)
class _Mapped:
    """A memory-mapped .npy file by its name."""

    path: str

    def open(self) -> UInt8:
        return np.asanyarray(np.load(self.path, mmap_mode="r"))


def _by_name(value: Any) -> Any:
    """A `_Mapped` for what `np.load` has mapped whole, anything else as it is."""
    whole = isinstance(value, np.memmap) and isinstance(value.base, mmap.mmap) and value.filename is not None
    return _Mapped(str(value.filename)) if whole else value


class Photos(Dataset[tuple[Tensor, ...]]):
    """Items (3, H, W) uint8 and their target; an index is epoch x N + place, as `EpochSampler` gives them."""

    def __init__(
        self,
        photos: UInt8,
        targets: npt.NDArray[Any],
        augment: Augment | None = None,
        seed: int = 0,
        packshots: Packshots | None = None,
        backdrops: Backdrops | None = None,
    ) -> None:
        self.photos, self.targets, self.seed = photos, targets, seed
        self.packshots, self.backdrops = packshots, backdrops
        self.pipeline = None if augment is None else pipeline(augment)

    def __len__(self) -> int:
        return len(self.photos)

    def __getstate__(self) -> dict[str, Any]:
        """Another process opens the cache's files again instead of being sent what they hold."""
        return {name: _by_name(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= {name: value.open() if isinstance(value, _Mapped) else value for name, value in state.items()}

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        rgb, target = np.array(self.photos[index % len(self)]), np.array(self.targets[index % len(self)])
        if self.packshots is not None:
            rgb, target = self.packshots(rgb, target, derived(self.seed, "packshot", index))
        if self.backdrops is not None:
            draw = np.random.default_rng(derived(self.seed, "backdrop", index))
            rgb, target = self.backdrops(rgb, target, self.photos[draw.integers(len(self))], draw)
        if self.pipeline is not None:
            rgb, target = self._vary(rgb, target, derived(self.seed, "augment", index))
        return torch.from_numpy(rgb).permute(2, 0, 1), torch.from_numpy(target.astype(np.int64))

    def _vary(self, rgb: UInt8, target: npt.NDArray[Any], seed: int) -> tuple[UInt8, npt.NDArray[Any]]:
        assert self.pipeline is not None
        self.pipeline.set_random_seed(seed)
        if target.ndim == 2:  # a class map moves with its photo
            out = self.pipeline(image=rgb, mask=target)
            return np.ascontiguousarray(out["image"]), np.ascontiguousarray(out["mask"])
        return np.ascontiguousarray(self.pipeline(image=rgb)["image"]), target


def pipeline(augment: Augment) -> Any:
    """The albumentations pipeline of a recipe's `augment`; places that a move uncovers are padding (255 in a mask)."""
    import albumentations as A

    change = augment.colour
    steps = [
        A.HorizontalFlip(p=augment.flip),
        A.Affine(
            scale=(1 - augment.scale, 1 + augment.scale),
            rotate=(-augment.rotate, augment.rotate),
            translate_percent=(-augment.shift, augment.shift),
            fill=PAD,
            fill_mask=IGNORE,
            p=0.9 if augment.scale or augment.rotate or augment.shift else 0.0,
        ),
        A.ColorJitter(brightness=change, contrast=change, saturation=change, hue=change / 10, p=0.8 if change else 0.0),
    ]
    return A.Compose(
        steps + _worse(augment)
    )  # in this order, what a recipe leaves at 0 not at all: draws stay as they were


def _worse(augment: Augment) -> list[Any]:
    """Steps that take detail away: an image seen small, out of focus, or as a poor JPEG."""
    import albumentations as A

    resizing = {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}
    aside = {"x": (-0.15, 0.15), "y": (-0.4, 0.4)}  # a head alone, a skirt alone
    known = {
        "close": A.Affine((1.2, 2.2), aside, fill=PAD, fill_mask=IGNORE, p=augment.close),
        "small": A.Downscale((0.2, 0.8), resizing, p=augment.small),
        "blur": A.GaussianBlur(blur_limit=0, sigma_limit=(0.5, 2.0), p=augment.blur),
        "jpeg": A.ImageCompression("jpeg", (30, 90), p=augment.jpeg),
    }
    return [step for name, step in known.items() if getattr(augment, name)]


class EpochSampler(Sampler[int]):
    """A new order each epoch, known from (seed, epoch) alone; the index carries the epoch to the augmentation. Of
    several processes that train together each takes its share, all of the same length."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self.epoch = n, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n // spread.world()

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.n)
        mine = order[spread.rank() :: spread.world()][: len(self)]
        return (int(place) + self.epoch * self.n for place in mine)


class ShareSampler(Sampler[int]):
    """Each photo once, in order; of several processes each takes its share, none of them twice."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return len(range(spread.rank(), self.n, spread.world()))

    def __iter__(self) -> Iterator[int]:
        return iter(range(spread.rank(), self.n, spread.world()))


def train_loader(photos: Photos, batch: int, workers: int, seed: int, devices: int = 1) -> DataLoader[Any]:
    """Shuffled; a last batch that is smaller is left out, for batch norm's sake, unless it is the only one. `batch` is
    that of all devices together; workers live as long as the loader."""
    share = max(1, batch // devices)
    return DataLoader(
        photos,
        batch_size=share,
        sampler=EpochSampler(len(photos), seed),
        num_workers=workers,
        drop_last=len(photos) // devices > share,
        worker_init_fn=_one_thread if workers else None,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def plain_loader(photos: Photos, batch: int) -> DataLoader[Any]:
    """Each photo once, as it is."""
    return DataLoader(photos, batch_size=batch, sampler=ShareSampler(len(photos)), pin_memory=torch.cuda.is_available())


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
