"""Saved views of the data set: what to look at first.

In: the data set. Out: named views, marked as ours by their description. A view of the same name that a person made is
left as it is. Views are queries: they follow the fields without being written again.
"""

from __future__ import annotations

from typing import Any

LAYOUT = 1
OURS = "Kept by modiste curate"


def save_views(fo: Any, dataset: Any, fields: dict[str, str]) -> list[str]:
    """Save ours where they are missing or would be others now; returns the names saved."""
    runs = ",".join(name for name in ("mistakenness",) if dataset.has_sample_field(name))
    made_for = f"{LAYOUT}|{','.join(fields)}|{runs}"
    wanted = set(views(fo, dataset, fields))
    if dataset.info.get("views") == made_for and wanted <= set(dataset.list_saved_views()):
        return []
    known = {found["name"]: found for found in dataset.list_saved_views(info=True)}
    saved = []
    for name, view in views(fo, dataset, fields).items():
        if name in known and not (known[name].get("description") or "").startswith(OURS) and not _of_old(known[name]):
            continue
        dataset.save_view(name, view, description=f"{OURS}: {name}", overwrite=True)
        saved.append(name)
    dataset.info["views"] = made_for
    return saved


def views(fo: Any, dataset: Any, fields: dict[str, str]) -> dict[str, Any]:
    """{name: view}. 'likely mistakes' needs predictions or a Brain run: a label that a run contradicts."""
    at = fo.ViewField
    found = {
        "worst masks": dataset.match(at("mask_quality") != None).sort_by("mask_quality"),  # noqa: E711  # Mongo's own test
        "no mask": dataset.match(at("mask_sha256") == None),  # noqa: E711
        "unreviewed": dataset.match(at("review") == None),  # noqa: E711
        "near-duplicates": dataset.match(at("cluster_size") > 1).sort_by("cluster_id"),
        "disagreements": dataset.match(at("disagreements").length() > 0),
        "opted out": dataset.match(at("opt_out") != None),  # noqa: E711
        "quality issues": dataset.match(at("issues").length() > 0),
        "likely mistakes": _mistakes(fo, dataset, fields),
    }
    if "view" in fields:
        label = fields["view"]
        found |= {f"{kind}s": dataset.match(at(f"{label}.label") == kind) for kind in ("packshot", "scene")}
    return found


def _mistakes(fo: Any, dataset: Any, fields: dict[str, str]) -> Any:
    at = fo.ViewField
    if dataset.has_sample_field("mistakenness"):
        return dataset.match(at("mistakenness") > 0.5).sort_by("mistakenness", reverse=True)
    wrong = [
        (at(f"{label}.label") != None)  # noqa: E711
        & (at(f"predicted_{label}.label") != None)  # noqa: E711
        & (at(f"{label}.label") != at(f"predicted_{label}.label"))
        for label in fields.values()
    ]
    return dataset.match(fo.ViewExpression.any(wrong)) if wrong else dataset.match(at("review") == "reject")


def _of_old(info: dict[str, Any]) -> bool:
    """Views saved before ours were marked have no description."""
    return not info.get("description")
