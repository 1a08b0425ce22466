"""Fine-tune a whole tagger: heads warm from the frozen backbone's fit, then every layer, the early ones more slowly.

In: cached squares and targets of a snapshot's parts, a recipe. Out: the best epoch's tensors inside the loop. Training
sees random crops at a smaller side than validation does: cheaper, and garments keep their apparent size (Touvron et
al., 2019). An augmented photo and a mixed batch depend on (seed, epoch, place) and (seed, step) alone. The test part is
never read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from train.data import Photos
from train.letterbox import PAD, UInt8
from train.loop import Loop
from train.models.taggers import TagNet
from train.recipe import TaggingRecipe
from train.seeding import derived
from train.tagging_heads import MISSING, Heads, Ints
from train.tagging_scores import mean_average_precision

Mixed = tuple[Tensor, Tensor, float]


class TagPhotos(Photos):
    """Squares varied for training: crop, flip, turn, shift, colour, at the recipe's training side."""

    def __init__(self, photos: UInt8, targets: npt.NDArray[Any], recipe: TaggingRecipe) -> None:
        super().__init__(photos, targets, None, recipe.seed)
        self.pipeline = crops(recipe)


def crops(recipe: TaggingRecipe) -> Any:
    """The albumentations pipeline of a tagging recipe; a place that a move uncovers is padding."""
    import albumentations as A

    vary, side = recipe.augment, recipe.train_side or recipe.side
    change = vary.colour
    moves = bool(vary.scale or vary.rotate or vary.shift)
    cut = A.RandomResizedCrop((side, side), scale=(recipe.crop, 1.0), ratio=(0.8, 1.25))
    return A.Compose([
        A.HorizontalFlip(p=vary.flip),
        cut if recipe.crop < 1 else A.Resize(side, side),
        A.Affine(scale=(1 - vary.scale, 1 + vary.scale), rotate=(-vary.rotate, vary.rotate),
                 translate_percent=(-vary.shift, vary.shift), fill=PAD, p=0.9 if moves else 0.0),
        A.ColorJitter(brightness=change, contrast=change, saturation=change, hue=change / 10, p=0.8 if change else 0.0),
        A.CoarseDropout(num_holes_range=(1, 1), hole_height_range=(0.1, 0.3), hole_width_range=(0.1, 0.3),
                        fill=PAD, p=recipe.erase),
    ])  # fmt: skip


class TaggingLoop(Loop):
    """Loss only where a head has a label. The score is the mean over fields: accuracy, of a multi field mean average
    precision."""

    def __init__(self, net: TagNet, recipe: TaggingRecipe, heads: Heads, targets: Ints) -> None:
        """`targets` are the training part's, which the logit adjustment takes its shares from."""
        super().__init__(net, self._mixed_loss, recipe)  # type: ignore[arg-type]
        self.recipe, self.heads = recipe, heads
        self.shifts = {
            field: torch.from_numpy(recipe.adjust * log_shares(targets, heads, field)) for field in heads.values
        }
        self._found: list[tuple[dict[str, npt.NDArray[Any]], Ints]] = []

    def configure_optimizers(self) -> Any:
        """AdamW; the backbone at its own rate, nothing decayed that is no matrix; one cycle."""
        rate, recipe = self.recipe.learning_rate, self.recipe
        groups: list[dict[str, Any]] = []
        named = list(self.net.named_parameters())
        for prefix, share in (("backbone.", recipe.backbone_rate), ("heads.", 1.0)):
            parameters = [each for name, each in named if name.startswith(prefix)]
            for decayed in (True, False):
                chosen = [each for each in parameters if (each.ndim > 1) == decayed]
                decay = recipe.weight_decay if decayed else 0.0
                groups.append({"params": chosen, "lr": rate * share, "weight_decay": decay})
        groups = [group for group in groups if group["params"]]
        steps = max(int(self.trainer.estimated_stepping_batches), 2)
        optimiser = torch.optim.AdamW(groups)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, [group["lr"] for group in groups], total_steps=steps, pct_start=0.15
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """In training, each photo blended with another (mixup, Zhang et al., 2018) or with a piece of it pasted in
        (CutMix, Yun et al., 2019), and both truths with their share."""
        if not self.trainer.training:
            return batch
        draw = np.random.default_rng(derived(self.recipe.seed, "mix", self.current_epoch, self.global_step))
        photos, truth = batch
        order = torch.from_numpy(draw.permutation(len(photos))).to(photos.device)
        photos, share = mixed(photos.float(), order, self.recipe.mixup, self.recipe.cutmix, draw)
        return photos, (truth, truth[order], share)

    def _mixed_loss(self, logits: dict[str, Tensor], truth: Mixed) -> Tensor:
        mine, other, share = truth
        loss = self.heads_loss(logits, mine)
        return loss if share == 1 else share * loss + (1 - share) * self.heads_loss(logits, other)

    def heads_loss(self, logits: Mapping[str, Tensor], truth: Tensor) -> Tensor:
        """Sum over fields of the mean over what has a label; 0 where nothing has one."""
        total = torch.stack([value.sum() for value in logits.values()]).sum() * 0  # keeps the graph whole
        for field in self.heads.values:
            right = self.heads.truth(truth, field)
            seen = right >= 0
            if bool(seen.any()):
                shifted = logits[field] + self.shifts[field].to(logits[field])
                total = total + self._head_loss(shifted, right, seen, field in self.heads.multi)
        return total

    def _head_loss(self, logits: Tensor, truth: Tensor, seen: Tensor, multi: bool) -> Tensor:
        soft = self.recipe.smoothing
        if multi:
            wanted = truth[seen].float() * (1 - soft) + soft / 2
            return functional.binary_cross_entropy_with_logits(logits[seen], wanted)
        return functional.cross_entropy(logits[seen], truth[seen], label_smoothing=soft)

    def judge(self, logits: Any, truth: Tensor) -> None:
        found = {field: value.float().cpu().numpy() for field, value in logits.items()}
        self._found.append((found, truth.cpu().numpy()))

    def scores(self) -> dict[str, float]:
        found, self._found = self._found, []
        logits = {field: np.concatenate([each[field] for each, _ in found]) for field in self.heads.values}
        return {"score": score_of(logits, np.concatenate([truth for _, truth in found]), self.heads)}


def mixed(
    photos: Tensor, order: Tensor, mixup: float, cutmix: float, draw: np.random.Generator
) -> tuple[Tensor, float]:
    """(B, 3, H, W) float and each one's share of its own truth. `mixup` and `cutmix` are the alphas of their Beta
    distributions, 0 for never; where both are given, one is drawn for each batch."""
    ways = [(alpha, paste) for alpha, paste in ((mixup, False), (cutmix, True)) if alpha > 0]
    if not ways:
        return photos, 1.0
    alpha, paste = ways[int(draw.integers(len(ways)))]
    share = float(draw.beta(alpha, alpha))
    if not paste:
        return share * photos + (1 - share) * photos[order], share
    height, width = photos.shape[-2:]
    tall, wide = (int(size * (1 - share) ** 0.5) for size in (height, width))
    top, left = int(draw.integers(height - tall + 1)), int(draw.integers(width - wide + 1))
    out = photos.clone()
    out[..., top : top + tall, left : left + wide] = photos[order][..., top : top + tall, left : left + wide]
    return out, 1 - tall * wide / (height * width)


def log_shares(targets: Ints, heads: Heads, field: str) -> npt.NDArray[np.float32]:
    """(K,) log of each value's share in training, of a multi field its log odds, one count added to each. Added to
    logits in training only, they leave a head that weighs all values alike (Menon et al., 2021)."""
    truth = heads.truth(targets, field)
    if field in heads.multi:
        labelled = truth[(truth >= 0).all(1)]
        share = (labelled.sum(0) + 1) / (len(labelled) + 2)
        return np.asarray(np.log(share / (1 - share)), dtype=np.float32)
    counts = np.bincount(truth[truth >= 0], minlength=len(heads.values[field])) + 1
    return np.asarray(np.log(counts / counts.sum()), dtype=np.float32)


def score_of(logits: Mapping[str, npt.NDArray[Any]], targets: Ints, heads: Heads) -> float:
    """Mean over fields with a label of accuracy, or mean average precision; 0 where nothing has one."""
    found = [field_score(logits[field], heads.truth(targets, field), field in heads.multi) for field in heads.values]
    known = [score for score, n in found if n]
    return float(np.mean(known)) if known else 0.0


def field_score(logits: npt.NDArray[Any], truth: Ints, multi: bool) -> tuple[float, int]:
    """(score, labelled rows) of one field."""
    seen = (truth != MISSING).all(1) if multi else truth != MISSING
    if not seen.any():
        return 0.0, 0
    score = mean_average_precision(logits, truth) if multi else float(np.mean(logits[seen].argmax(1) == truth[seen]))
    return score, int(seen.sum())
