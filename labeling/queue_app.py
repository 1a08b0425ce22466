"""Show a queue in the FiftyOne App: its images tagged `queue`, and a saved view of them in their order.

In: a `QueueResult` and a data set that `curate` built. Out: how many samples were tagged. The tags of the queue before
are taken away first; every other tag stays as it is.
"""

from __future__ import annotations

from typing import Any

from dataset.workspace import Workspace
from labeling import curation_store as store
from labeling.curation import load
from labeling.queue import QueueResult

TAG, RANK, WHY, VIEW = "queue", "queue_rank", "queue_why", "queue"


def tag_in_app(ws: Workspace, result: QueueResult, *, name: str | None = None) -> int:
    """Raises EmptyError where the data set was not built yet."""
    fo = store.connect(ws)
    dataset = load(fo, ws, name)
    with store.database():
        return _show(fo, dataset, result)


def _show(fo: Any, dataset: Any, result: QueueResult) -> int:
    _forget(dataset)
    ranks = {row["sha256"]: row["rank"] for row in result.images}
    why = {row["sha256"]: f"{row['reason']}: {row['why']}" for row in result.images}
    known = set(dataset.values("sha256"))
    shown = {sha256 for sha256 in ranks if sha256 in known}
    for field_name, kind in ((RANK, fo.IntField), (WHY, fo.StringField)):
        if field_name not in dataset.get_field_schema():
            dataset.add_sample_field(field_name, kind)
    at = fo.ViewField
    dataset.match(at("sha256").is_in(sorted(shown))).tag_samples(TAG)
    for field_name, values in ((RANK, ranks), (WHY, why)):
        found: dict[str, Any] = {sha256: values[sha256] for sha256 in sorted(shown)}
        if found:
            dataset.set_values(field_name, found, key_field="sha256", progress=False)
    dataset.save_view(VIEW, dataset.match_tags(TAG).sort_by(RANK), overwrite=True)
    return len(shown)


def _forget(dataset: Any) -> None:
    dataset.match_tags(TAG).untag_samples(TAG)
    for field_name in (RANK, WHY):
        if field_name in dataset.get_field_schema():
            dataset.clear_sample_field(field_name)
