"""Train a tagger: a frozen backbone with logistic heads ("linear"), or the whole network ("fine-tuned").

In: a snapshot, a recipe, the taxonomy fields. Out: a run folder with `model.safetensors`. Strength, epoch and
temperature are chosen on validation; the test part is never read here. A row without a label in a field is left out
of that field's head only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from dataset.errors import EmptyError
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, load_snapshot
from dataset.workspace import Workspace
from train import record
from train.data import Photos, Row, blur_key, cached, faceless, photo, plain_loader, rows_of, train_loader
from train.letterbox import letterbox
from train.loop import Loop, choose_device, fit
from train.metrics import wilson
from train.models.backbones import channels_last, feature_extractor
from train.models.taggers import TagNet, both_flips
from train.recipe import TaggingRecipe, tagging_recipe
from train.runs import RunResult, check_split, done_before, open_run, result_of
from train.seeding import derived, seed_everything
from train.weights import WEIGHT_FILE, save_weights, tensor_fingerprint

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
MISSING, UNSEEN = -1, -2  # no label: left out; a value that training never saw: counts as a mistake


def train_tagging(
    ws: Workspace,
    *,
    snapshot: str,
    recipe: str = "tagging/linear",
    field: str = "type",
    overrides: dict[str, Any] | None = None,
    device: str = "auto",
    again: bool = False,
    allow_random_split: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Train heads for `field` (several with commas: 'type,colour'). `progress` counts photos (linear) or steps.

    Raises SettingsError (recipe), SnapshotError, EmptyError (a part or field without labels), TrainingError (no CUDA).
    """
    chosen, frozen, device = tagging_recipe(recipe, overrides), load_snapshot(ws, snapshot), choose_device(device)
    fields = [word.strip() for word in field.split(",") if word.strip()]
    check_split(frozen, allow_random_split)
    resolved = {**chosen.model_dump(), "fields": fields}
    if not again and (done := done_before(ws, frozen, resolved)):
        return done
    rows = {part: labelled_rows(frozen, part, fields) for part in ("train", "validation")}
    rows = {part: faceless(ws, found) for part, found in rows.items()} if chosen.blur_faces else rows
    values = {name: _values(rows["train"], name, frozen) for name in fields}
    targets = {part: target_matrix(found, values) for part, found in rows.items()}
    counts = {part: len(found) for part, found in rows.items()}
    run = open_run(ws, frozen, resolved, "tagging", chosen.seed, counts)
    with record.locked(run.folder):
        seed_everything(chosen.seed)
        counts = {name: len(words) for name, words in values.items()}
        net = TagNet(feature_extractor(chosen.backbone, chosen.weights), chosen.backbone, counts)
        train = _train_linear if chosen.method == "linear" else _train_whole
        return train(ws, chosen, run, net, rows, targets, values, device, progress)


def labelled_rows(frozen: Snapshot, part: str, fields: Sequence[str]) -> list[Row]:
    found = [row for row in rows_of(frozen, part) if any(name in row["labels"] for name in fields)]
    if not found:
        raise EmptyError(
            f"no image in the {part} part has a label in {', '.join(fields)}",
            where=f"snapshot {frozen.name}",
            cure="Run `modiste label tags`, then take a new snapshot",
        )
    return found


def _values(rows: Sequence[Row], field: str, frozen: Snapshot) -> list[str]:
    found = sorted({row["labels"][field] for row in rows if field in row["labels"]})
    if len(found) < 2:
        raise EmptyError(
            f"field '{field}' has {len(found)} values in the train part",
            where=f"snapshot {frozen.name}",
            expected="two or more",
        )
    return found


def target_matrix(rows: Sequence[Row], values: dict[str, list[str]]) -> Ints:
    """(N, fields) place of each row's value, MISSING where it has none, UNSEEN where training never saw it."""
    places = {field: {word: place for place, word in enumerate(words)} for field, words in values.items()}

    def target(row: Row, field: str) -> int:
        return places[field].get(row["labels"][field], UNSEEN) if field in row["labels"] else MISSING

    found = [[target(row, field) for field in values] for row in rows]
    return np.array(found, np.int64).reshape(len(rows), len(values))


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
    for start in range(0, len(missing), 256):  # a commit per 256: a kill loses that much at most
        batch = missing[start : start + 256]
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


def square(ws: Workspace, row: Row, side: int) -> npt.NDArray[np.uint8]:
    return letterbox(photo(ws, row, side), (side, side))


def _train_linear(
    ws: Workspace, recipe: TaggingRecipe, run: record.Run, net: TagNet, rows: dict[str, list[Row]],
    targets: dict[str, Ints], values: dict[str, list[str]], device: str, progress: Progress,
) -> RunResult:  # fmt: skip
    wall, cpu = time.perf_counter(), time.process_time()
    everything = rows["train"] + rows["validation"]
    features = embed_rows(ws, everything, net, recipe, device, progress) * net.scale
    cut = len(rows["train"])
    history = []
    for column, field in enumerate(values):
        train, validation = targets["train"][:, column], targets["validation"][:, column]
        weight, bias, tried = fit_logistic(
            features[:cut], train, features[cut:], validation, recipe.strengths, recipe.seed
        )
        head = net.heads[column]
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weight))  # type: ignore[operator]
            head.bias.copy_(torch.from_numpy(bias))  # type: ignore[operator]
        history += [{"field": field, "strength": strength, "score": round(score, 6)} for strength, score in tried]
    record.write_csv(run.folder / "metrics.csv", history)
    with torch.inference_mode():
        found = net.cpu().heads_on(torch.from_numpy(features[cut:] / net.scale))
    logits = {field: value.numpy() for field, value in found.items()}
    return _close(run, net, values, logits, targets, wall, cpu, len(recipe.strengths), 0, device)


def fit_logistic(
    x: Floats, y: Ints, x_validation: Floats, y_validation: Ints, strengths: Sequence[float], seed: int
) -> tuple[Floats, Floats, list[tuple[float, float]]]:
    """Multinomial logistic regression; C of the best validation accuracy (the smallest of equals).

    Returns weight (K, d), bias (K,) on the unstandardised x, and (C, accuracy) of each try. y = -1 is left out.
    """
    from sklearn.linear_model import LogisticRegression

    seen, judged = y != MISSING, y_validation != MISSING
    mean, std = x[seen].mean(0), x[seen].std(0) + 1e-6
    best, best_score, tried = None, -1.0, []
    for strength in sorted(strengths):
        model = LogisticRegression(C=strength / len(mean), max_iter=500, random_state=seed)
        model.fit((x[seen] - mean) / std, y[seen])
        score = (
            float(np.mean(model.predict((x_validation[judged] - mean) / std) == y_validation[judged]))
            if judged.any()
            else 0.0
        )
        tried.append((strength, score))
        if score > best_score:
            best, best_score = model, score
    weight, bias = _per_class(best, int(y[seen].max()) + 1)
    weight = weight / std
    return weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), tried


def _per_class(model: Any, classes: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Two classes have one row in scikit-learn: the second's logit against the first's 0."""
    if classes == 2:
        return np.concatenate([0 * model.coef_, model.coef_]), np.array([0.0, model.intercept_[0]])
    return model.coef_, model.intercept_


def temperature_of(logits: Floats, truth: Ints) -> float:
    """The T in [0.05, 20] with the least negative log likelihood of softmax(logits / T) (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar

    seen = truth >= 0
    if not seen.any():
        return 1.0
    z, t = torch.from_numpy(logits[seen]).double(), torch.from_numpy(truth[seen])
    found = minimize_scalar(
        lambda log_t: float(functional.cross_entropy(z / np.exp(log_t), t)), bounds=(-3.0, 3.0), method="bounded"
    )
    return float(np.exp(found.x))


class TaggingLoop(Loop):
    """The whole network; loss only where a head has a label. The score is mean accuracy over fields."""

    def __init__(self, net: TagNet, recipe: TaggingRecipe, fields: Sequence[str]) -> None:
        self.fields, self.smoothing = list(fields), recipe.smoothing
        super().__init__(net, self._heads_loss, recipe)  # type: ignore[arg-type]
        self._right: list[Ints] = []

    def _heads_loss(self, logits: dict[str, Tensor], truth: Tensor) -> Tensor:
        losses = []
        for column, field in enumerate(self.fields):
            if bool((truth[:, column] != MISSING).any()):
                losses.append(functional.cross_entropy(
                    logits[field], truth[:, column], ignore_index=MISSING, label_smoothing=self.smoothing))  # fmt: skip
        nothing = torch.stack([value.sum() for value in logits.values()]).sum() * 0  # keeps the graph whole
        return torch.stack(losses).sum() if losses else nothing

    def judge(self, logits: Any, truth: Tensor) -> None:
        said = torch.stack([logits[field].argmax(1) for field in self.fields], dim=1)
        self._right.append(torch.where(truth == MISSING, MISSING, (said == truth).long()).cpu().numpy())

    def scores(self) -> dict[str, float]:
        found, self._right = np.concatenate(self._right), []
        each = [float(np.mean(column[column != MISSING] == 1)) for column in found.T if (column != MISSING).any()]
        return {"score": float(np.mean(each)) if each else 0.0}


def _train_whole(
    ws: Workspace, recipe: TaggingRecipe, run: record.Run, net: TagNet, rows: dict[str, list[Row]],
    targets: dict[str, Ints], values: dict[str, list[str]], device: str, progress: Progress,
) -> RunResult:  # fmt: skip
    wall, cpu = time.perf_counter(), time.process_time()
    arrays = {}
    for part, found in rows.items():
        words = derived(0, *(row["sha256"] for row in found))
        key = f"{run.data['fingerprint'][:16]}-{part}-{words:08x}-square{recipe.side}{blur_key(found)}"
        arrays[part] = cached(ws, found, key, lambda row: square(ws, row, recipe.side))
    loop = TaggingLoop(net, recipe, list(values))
    training = Photos(arrays["train"], targets["train"], recipe.augment, recipe.seed)
    validation = plain_loader(Photos(arrays["validation"], targets["validation"]), recipe.batch)
    try:
        fit(
            loop,
            train_loader(training, recipe.batch, recipe.workers, recipe.seed),
            validation,
            run.folder,
            device,
            progress,
        )
    except BaseException:
        record.add_time(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu)
        raise
    net.load_state_dict(loop.best)
    logits = _flipped_logits(net.to(device).eval(), validation, recipe, device)
    return _close(run, net, values, logits, targets, wall, cpu, len(loop.history), loop.best_epoch, device)


def _flipped_logits(net: TagNet, loader: Any, recipe: TaggingRecipe, device: str) -> dict[str, Floats]:
    with torch.inference_mode():
        found = [net.heads_on(both_flips(net, photos.float().to(device), recipe.flips)) for photos, _ in loader]
    return {field: torch.cat([each[field] for each in found]).float().cpu().numpy() for field in found[0]}


def _close(
    run: record.Run, net: nn.Module, values: dict[str, list[str]], logits: dict[str, Floats], targets: dict[str, Ints],
    wall: float, cpu: float, tries: int, best: int, device: str,
) -> RunResult:  # fmt: skip
    """Calibrate on validation, write the weights with their facts, then 'done'."""
    truth = targets["validation"]
    temperature = {field: temperature_of(logits[field], truth[:, column]) for column, field in enumerate(values)}
    seen = [truth[:, column] != MISSING for column in range(len(values))]
    right = [
        np.mean(logits[field].argmax(1)[seen[c]] == truth[seen[c], c])
        for c, field in enumerate(values)
        if seen[c].any()
    ]
    score = float(np.mean(right)) if right else 0.0
    known = {key: run.data[key] for key in ("task", "snapshot", "fingerprint", "taxonomy")}
    recipe = {key: value for key, value in run.data["recipe"].items() if key != "fields"}
    n = int(sum(each.sum() for each in seen))
    low, high = wilson(round(score * n), n)
    often = [np.bincount(column[column != MISSING]).argmax() for column in targets["train"].T]
    always = [np.mean(truth[seen[c], c] == often[c]) for c in range(len(often)) if seen[c].any()]
    facts = {
        **known,
        "recipe": recipe,
        "run": run.id,
        "record": record.compact(run),
        "values": values,
        "temperature": temperature,
        "input": [recipe["side"]] * 2,
    }
    weights = save_weights(run.folder / WEIGHT_FILE, net.state_dict(), facts)
    results = {
        "score_name": "validation accuracy", "score": score, "best_epoch": best, "epochs": tries,
        "n": n, "low": low, "high": high,
        "baseline_name": "majority", "baseline": float(np.mean(always)) if always else 0.0,
        "weights": weights, "device": device, "temperature": temperature,
    }  # fmt: skip
    run = record.finish(run, wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, results=results)
    return result_of(run)
