"""Linear heads on a frozen backbone: features kept in the `embeddings` table, logistic regression on top of them.

In: rows of a snapshot, a network, a recipe. Out: unit vectors, and weight and bias of a head, the strength chosen on
validation. Features are computed once an encoder: its name holds backbone, size and a fingerprint of its weights. The
test part is never read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from train.data import Row, blur_key, photo
from train.letterbox import UInt8, letterbox
from train.models.backbones import channels_last
from train.models.taggers import TagNet, both_flips
from train.recipe import TaggingRecipe
from train.tagging_heads import MISSING, Floats, Heads, Ints
from train.tagging_scores import mean_average_precision
from train.weights import tensor_fingerprint

COMMIT_EVERY = 256  # a kill loses that much at most


def encoder_name(net: TagNet, recipe: TaggingRecipe) -> str:
    """What the embeddings table calls this backbone: name, input and weights."""
    how = f"{recipe.backbone}-{recipe.side}{'-flips' if recipe.flips else ''}"
    return f"{how}#{tensor_fingerprint(net.backbone.state_dict())[:16]}"


def embed_rows(
    ws: Workspace,
    rows: Sequence[Row],
    net: TagNet,
    recipe: TaggingRecipe,
    device: str = "cpu",
    progress: Progress = silent,
) -> Floats:
    """(N, d) float32 unit vectors: from the embeddings table where they are there, else computed and kept."""
    encoder = encoder_name(net, recipe) + blur_key(rows)
    known = _known(ws, encoder)
    missing = [row for row in rows if row["sha256"] not in known]
    net = channels_last(net.to(device)).eval()
    for start in range(0, len(missing), COMMIT_EVERY):
        batch = missing[start : start + COMMIT_EVERY]
        vectors = _embed(ws, batch, net, recipe, device)
        now = datetime.now(UTC)
        ws.tables.upsert(
            "embeddings",
            [
                {"sha256": row["sha256"], "encoder": encoder, "vector": vector.tolist(), "created_at": now}
                for row, vector in zip(batch, vectors, strict=True)
            ],
        )
        known.update({row["sha256"]: vector for row, vector in zip(batch, vectors, strict=True)})
        progress(start + len(batch), len(missing))
    return np.stack([known[row["sha256"]] for row in rows])


def _known(ws: Workspace, encoder: str) -> dict[str, Floats]:
    table = ws.tables.read("embeddings", columns=["sha256", "vector"], where=f"encoder = '{encoder}'")
    vectors = table["vector"].to_pylist()
    return {
        sha: np.asarray(vector, np.float32) for sha, vector in zip(table["sha256"].to_pylist(), vectors, strict=True)
    }


def _embed(ws: Workspace, rows: Sequence[Row], net: TagNet, recipe: TaggingRecipe, device: str) -> Floats:
    out = []
    for start in range(0, len(rows), 16):
        squares = [square(ws, row, recipe.side) for row in rows[start : start + 16]]
        batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float().to(device)
        with torch.inference_mode():
            out.append(both_flips(net, batch, recipe.flips).cpu().numpy())
    return np.concatenate(out).astype(np.float32)


def square(ws: Workspace, row: Row, side: int) -> UInt8:
    return letterbox(photo(ws, row, side), (side, side))


class Fitted(NamedTuple):
    """A head on features as they are: weight (K, d), bias (K,), and each try as (strength, validation score)."""

    weight: Floats
    bias: Floats
    tried: list[tuple[float, float]]


def fit_heads(
    features: tuple[Floats, Floats], targets: dict[str, Ints], heads: Heads, recipe: TaggingRecipe
) -> dict[str, Fitted]:
    """A head a field on (N, d) features of the train and the validation part."""
    found = {}
    for field in heads.values:
        train, validation = (heads.truth(targets[part], field) for part in ("train", "validation"))
        fit = fit_ovr if field in heads.multi else fit_logistic
        found[field] = fit(features[0], train, features[1], validation, recipe.strengths, recipe.seed)
    return found


def put_heads(net: TagNet, fitted: Mapping[str, Fitted]) -> None:
    """Write fitted heads into the network."""
    with torch.no_grad():
        for field, found in fitted.items():
            head = net.head(field)
            head.weight.copy_(torch.from_numpy(found.weight))
            head.bias.copy_(torch.from_numpy(found.bias))


def fit_logistic(
    x: Floats, y: Ints, x_validation: Floats, y_validation: Ints, strengths: Sequence[float], seed: int
) -> Fitted:
    """Multinomial logistic regression on standardised features; C of the best validation accuracy (the smallest of
    equals). y (N,) places; below 0 is left out of training, and counts as a mistake in validation but for -1."""
    from sklearn.linear_model import LogisticRegression

    seen, judged = y >= 0, y_validation != MISSING
    mean, std = _standard(x[seen])
    scaled, checked = (x[seen] - mean) / std, (x_validation[judged] - mean) / std
    best, best_score, tried = None, -1.0, []
    for strength in sorted(strengths):
        model = LogisticRegression(C=strength / len(mean), max_iter=500, random_state=seed).fit(scaled, y[seen])
        score = float(np.mean(model.predict(checked) == y_validation[judged])) if judged.any() else 0.0
        tried.append((strength, score))
        if score > best_score:
            best, best_score = model, score
    return _unscaled(*_per_class(best, int(y[seen].max()) + 1), mean, std, tried)


def fit_ovr(
    x: Floats, y: Ints, x_validation: Floats, y_validation: Ints, strengths: Sequence[float], seed: int
) -> Fitted:
    """A logistic regression a value of a multi field; one C for all, of the best mean average precision in validation.
    y (N, K) ones and zeros; a row below 0 is left out. A value that all rows have, or none, gets its share as bias."""
    seen, judged = (y >= 0).all(1), (y_validation >= 0).all(1)
    mean, std = _standard(x[seen])
    scaled, checked = (x[seen] - mean) / std, (x_validation[judged] - mean) / std
    best, best_score, tried = None, -1.0, []
    for strength in sorted(strengths):
        rows = [_one_value(scaled, column, strength / len(mean), seed) for column in y[seen].T]
        weight, bias = np.stack([row[0] for row in rows]), np.array([row[1] for row in rows])
        score = mean_average_precision(checked @ weight.T + bias, y_validation[judged])
        tried.append((strength, score))
        if score > best_score:
            best, best_score = (weight, bias), score
    assert best is not None
    return _unscaled(*best, mean, std, tried)


def _one_value(x: Floats, y: Ints, strength: float, seed: int) -> tuple[npt.NDArray[Any], float]:
    from sklearn.linear_model import LogisticRegression

    if len(set(y.tolist())) < 2:
        share = (y.sum() + 0.5) / (len(y) + 1)
        return np.zeros(x.shape[1]), float(np.log(share / (1 - share)))
    model = LogisticRegression(C=strength, max_iter=500, random_state=seed).fit(x, y)
    return model.coef_[0], float(model.intercept_[0])


def _standard(x: Floats) -> tuple[Floats, Floats]:
    return x.mean(0), x.std(0) + 1e-6


def _unscaled(
    weight: npt.NDArray[Any], bias: npt.NDArray[Any], mean: Floats, std: Floats, tried: list[tuple[float, float]]
) -> Fitted:
    """The same head on features that are not standardised."""
    weight = weight / std
    return Fitted(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), tried)


def _per_class(model: Any, classes: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Two classes have one row in scikit-learn: the second's logit against the first's 0."""
    if classes == 2:
        return np.concatenate([0 * model.coef_, model.coef_]), np.array([0.0, model.intercept_[0]])
    return model.coef_, model.intercept_
