"""A trained generator in use. In: a run folder or its weight file. Out: pictures, each known from (seed, its place).

A file that is cut short, changed, or of another task is refused (TrainingError). Never trains, never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dataset.errors import SettingsError, TrainingError, UsageError
from dataset.settings import parse_settings
from train.generation import build_net
from train.generation_data import Classes
from train.generation_flow import flow_pictures
from train.generation_given import Translator
from train.generation_loop import as_bytes, as_unit, even_labels, noise_pictures
from train.generation_recipe import TASK, GenerationRecipe
from train.letterbox import UInt8
from train.models.generation_flow import Flow
from train.weights import read_weights, weight_path

MOST = 1_000  # pictures of one command


@dataclass(frozen=True)
class Maker:
    """A loaded generator. `facts` is what its file says: run, snapshot, fingerprint, classes, weights."""

    net: nn.Module
    recipe: GenerationRecipe
    classes: Classes
    facts: dict[str, Any]
    device: str = "cpu"

    def labels(self, n: int, label: str | None) -> Tensor:
        """(n,) classes: the one asked for, by any spelling of case, or each in turn. Raises UsageError."""
        if not 1 <= n <= MOST:
            raise UsageError(f"{n} pictures", expected=f"1 to {MOST}", cure="Run the command again with another --seed")
        if label is None:
            return even_labels(n, len(self.classes.names))
        known = {name.lower().replace("-", ""): place for place, name in enumerate(self.classes.names)}
        word = label.strip().lower().replace("-", "")
        if not self.recipe.field or word not in known:
            names = ", ".join(self.classes.names) if self.recipe.field else "none: it was trained without labels"
            raise UsageError(f"label '{label}'", expected=f"one of {names}")
        return torch.full((n,), known[word])

    def drawn(self, n: int, label: str | None = None, seed: int = 0) -> tuple[UInt8, list[str]]:
        """(n, H, W, C) uint8 and what each was asked to be. Raises UsageError, for a translator too: it needs a map."""
        if self.recipe.kind == "pairs":
            raise UsageError(f"{self.recipe.name} makes pictures of maps, not of nothing", expected="a map for each")
        labels = self.labels(n, label)
        words = [self.classes.names[int(each)] for each in labels]
        if isinstance(self.net, Flow):
            return flow_pictures(self.net, self.recipe, labels, seed, self.device), words
        return noise_pictures(self.net, self.recipe, labels, seed, self.device), words

    @torch.no_grad()
    def dressed(self, photo: UInt8, regions: UInt8, garment: UInt8) -> UInt8:
        """(H, W, 3) uint8 at the recipe's size: a person by the map `regions` (H, W), in the (H, W, 4) RGBA `garment`
        that lies in its place already (`train.garment_warp.warped`). Its pixels are kept bit by bit; colours of the
        rest are the photo's."""
        translator = self.translator("garment")
        rgba = torch.cat([as_unit(_planes(garment[..., :3])), _planes(garment[..., 3:]).float() / 255], 1)
        given = translator.given_of(
            as_unit(_planes(photo)), torch.from_numpy(regions.astype(np.int64))[None], garment=rgba
        )
        out = as_bytes(given.composed(translator(given.maps)))[0]
        kept = given.alpha[0, 0].numpy() > 0.5
        out[kept] = garment[..., :3][kept]
        return out

    def translator(self, pairs: str) -> Translator:
        """The network, where it is a translator of that kind. Raises TrainingError."""
        if not isinstance(self.net, Translator) or self.recipe.pairs != pairs:
            raise TrainingError(
                f"is a {self.recipe.name} run", expected=f"one that was trained with pairs: {pairs}",
                cure="modiste train generation -r generation/garment-to-model",
            )  # fmt: skip
        return self.net


def load_maker(path: Path, device: str = "cpu") -> Maker:
    """From a run folder or a weight file. Raises TrainingError (none, cut short, changed, another task's)."""
    file = weight_path(path)
    tensors, facts = read_weights(file, TASK)
    try:
        recipe = parse_settings(GenerationRecipe, facts["recipe"], str(file))
        classes = Classes(tuple(facts["classes"]), tuple(facts["roles"]))
        net = build_net(recipe, classes)
        net.load_state_dict(tensors)
    except (KeyError, RuntimeError, SettingsError) as error:
        raise TrainingError(
            f"doesn't fit this Modiste's generators: {error}", where=str(file), cure="Train it again with this version"
        ) from error
    return Maker(net.eval().to(device), recipe, classes, facts, device)


def _planes(picture: UInt8) -> Tensor:
    """(H, W, C) -> (1, C, H, W)."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
