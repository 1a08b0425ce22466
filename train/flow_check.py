"""Does a flow fit its taxonomy and its models? Every fault at once, before anything runs.

In: a `Flow`, its `Taxonomy`, and the predictors (or None: against the taxonomy alone). Out: `Fault`s with file, line
and node. Errors make the flow unusable (`check_flow` raises them together): labels outside the taxonomy or the model,
branches that can't be reached, cases that overlap, fields answered twice, unknown or missing models, changed weights,
taxonomies that differ. Warnings don't: answers without a case and no `otherwise` (the path ends there, and says so),
questions the taxonomy doesn't ask there, models nobody asks. Runs no model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from dataset.errors import SettingsError
from dataset.taxonomy import Taxonomy, load_taxonomy
from train.answers import Predictor
from train.flow import Flow
from train.flow_faults import Fault
from train.flow_file import FlowNode
from train.flow_models import as_pinned
from train.flow_walk import Walker

TOLD = 8


def check_flow(
    flow: Flow,
    taxonomy: Taxonomy,
    predictors: Mapping[str, Predictor] | None = None,
    *,
    rules: Collection[str] | None = None,
) -> list[Fault]:
    """The warnings. Raises SettingsError with every error, each with file, line and node. `rules` are the names of the
    functions that will be handed in; None doesn't look at them."""
    faults = faults_of(flow, taxonomy, predictors, rules=rules)
    errors = [fault for fault in faults if fault.level == "error"]
    if errors:
        more = f"; and {len(errors) - TOLD} more" if len(errors) > TOLD else ""
        raise SettingsError("; ".join(fault.told() for fault in errors[:TOLD]) + more, where=f"flow {flow.name}")
    return faults


def faults_of(
    flow: Flow,
    taxonomy: Taxonomy,
    predictors: Mapping[str, Predictor] | None = None,
    *,
    rules: Collection[str] | None = None,
) -> list[Fault]:
    """Errors first. Raises SettingsError only where a taxonomy can't be had at all."""
    words = taxonomies_of(flow, taxonomy)
    pins = flow.models
    known = {name: as_pinned(pins[name], each) for name, each in (predictors or {}).items() if name in pins}
    faults = [fault for each, under in words.values() for fault in _models(each, under, predictors)]
    walker = Walker({path: under for path, (_, under) in words.items()}, known, rules)
    walker.flow(flow)
    unique = dict.fromkeys([*faults, *walker.faults])
    return sorted(unique, key=lambda fault: (fault.level != "error", fault.file, fault.line))


def taxonomies_of(flow: Flow, taxonomy: Taxonomy) -> dict[Path, tuple[Flow, Taxonomy]]:
    """path of each flow -> the flow and the taxonomy it is read under: the one given, or for a nested flow of another
    taxonomy (said by the node that calls it) the one that ships. Raises SettingsError where they don't fit."""
    found: dict[Path, tuple[Flow, Taxonomy]] = {}
    _add(flow, taxonomy, found)
    return found


def _add(flow: Flow, taxonomy: Taxonomy, found: dict[Path, tuple[Flow, Taxonomy]]) -> None:
    if not _is(flow.taxonomy, taxonomy):
        raise SettingsError(
            f"is a flow of taxonomy {flow.taxonomy}, and {taxonomy.reference} is given",
            where=flow.path.name,
            cure="Check its labels against this one, then write its reference into `taxonomy`",
        )
    found[flow.path] = flow, taxonomy
    for node in flow.nodes():
        if isinstance(node, FlowNode) and flow.inner[node.flow].path not in found:
            inner = flow.inner[node.flow]
            _add(inner, taxonomy if _is(inner.taxonomy, taxonomy) else _other(flow, node, inner), found)


def _other(flow: Flow, node: FlowNode, inner: Flow) -> Taxonomy:
    where = f"{flow.path.name}, line {node.line}, {node.id}"
    if node.taxonomy is None:
        raise SettingsError(
            f"{inner.name} is a flow of another taxonomy, {inner.taxonomy}", where=where,
            cure=f"Say that you mean it: {{flow: {node.flow}, taxonomy: {inner.taxonomy}}}",
        )  # fmt: skip
    if node.taxonomy != inner.taxonomy:
        raise SettingsError(f"says taxonomy {node.taxonomy}", where=where, expected=inner.taxonomy)
    return load_taxonomy(inner.taxonomy.split("@")[0])


def _is(wanted: str, taxonomy: Taxonomy) -> bool:
    """Whether 'name', 'name@version' or 'name@version#hash' (or a path of a YAML file) means this taxonomy."""
    if wanted.endswith((".yaml", ".yml")):
        return wanted.rsplit("/", 1)[-1] == taxonomy.where
    name, _, rest = wanted.partition("@")
    version, _, digest = rest.partition("#")
    same = name == taxonomy.name and (not version or version == str(taxonomy.version))
    return same and taxonomy.hash.startswith(digest)


def _models(flow: Flow, taxonomy: Taxonomy, predictors: Mapping[str, Predictor] | None) -> list[Fault]:
    """What is wrong with the models of one flow, and between them."""
    faults: list[Fault] = []

    def fault(level: str, name: str, what: str) -> None:
        pin = flow.file.models[name]
        faults.append(
            Fault("error" if level == "error" else "warning", flow.path.name, pin.line, f"model {name}", what)
        )

    for name, pin in flow.file.models.items():
        if not flow.fields_of(name):
            fault("warning", name, "is asked by no task")
        for field, words in pin.map.items():
            for word in words.values():
                if field not in taxonomy.fields or word not in taxonomy.values(field):
                    fault("error", name, f"its map leads to {field} {word}, which {taxonomy.reference} doesn't have")
        if predictors is None:
            continue
        if name not in predictors:
            what = f": bring {pin.bring}" if pin.bring else ""
            fault("error", name, f"is missing{what}")
            continue
        found = predictors[name]
        if pin.fingerprint and not found.fingerprint.startswith(pin.fingerprint):
            fault("error", name, f"its weights were changed: {found.fingerprint[:12]}, pinned {pin.fingerprint[:12]}")
        wanted = [taxonomy.reference, *([pin.trained_under] if pin.trained_under else [])]
        told = f"was trained under {found.taxonomy or 'no taxonomy'}, the flow is read under {' or '.join(wanted)}"
        if _meaning(found.taxonomy) not in map(_meaning, wanted):
            fault("error", name, f"{told}: train it again, or accept it by trained_under (and map)")
        elif found.taxonomy not in wanted:
            fault("warning", name, f"{told}: the same version with other words")
    return faults


def _meaning(reference: str) -> str:
    """'name@version': a change of meaning raises the version, a change of words the hash alone."""
    return reference.split("#")[0]
