"""`modiste flow list | check | show | run | evaluate`: models that ask one question after another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, as_plain, open_workspace, perform

if TYPE_CHECKING:
    from dataset.taxonomy import Taxonomy
    from train.flow import Flow
    from train.flow_models import Models

group = typer.Typer(
    help="Flows: models that ask one question after another, as a YAML file says.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="A flow that ships, or a YAML file.")]
Brought = Annotated[
    list[str] | None, typer.Option("--model", help="Use another model: --model NAME=FILE or NAME=RUN. Repeatable.")
]
Decide = Annotated[str | None, typer.Option(help="argmax or risk, for tasks that don't say it themselves.")]
Segmenting = Annotated[Path | None, typer.Option(help="Weight that finds garments; by default the one that ships.")]


@group.command("list")
def list_(as_json: AsJson = False) -> None:
    """The flows that ship.

    Example: modiste flow list
    """
    from train.flow import load_flow, shipped

    flows = [load_flow(name) for name in shipped()]
    rows = [
        {"name": each.name, "taxonomy": each.taxonomy, "nodes": len(list(each.nodes())),
         "models": list(each.models), "description": each.file.description}
        for each in flows
    ]  # fmt: skip
    told = "\n".join(f"{row['name']}: {row['description']}" for row in rows)
    typer.echo(json.dumps(rows, ensure_ascii=False) if as_json else told)


@group.command()
def check(
    name: Name,
    model: Brought = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Does a flow fit its taxonomy and its models? Every fault with its line; exit 1 where there is an error.

    Models that aren't here are named; what can be checked without them is.

    Example: modiste flow check footwear
    """
    from modiste.flow_rules import RULES
    from train.flow_check import faults_of

    flow, taxonomy, models = _loaded(name, model, workspace)
    faults = faults_of(flow, taxonomy, models.found or None, rules=RULES)
    faults = [each for each in faults if each.node.removeprefix("model ") not in models.missing]
    errors = [each for each in faults if each.level == "error"]
    if as_json:
        typer.echo(json.dumps({"flow": flow.name, "faults": as_plain(faults), "missing": models.missing}))
    else:
        for each in faults:
            typer.echo(each.line_of_text())
        for missing, why in models.missing.items():
            typer.echo(f"missing: model {missing}: {why}")
        typer.echo(
            f"{flow.name}: {len(list(flow.nodes()))} nodes, {len(errors)} errors, "
            f"{len(faults) - len(errors)} warnings, {len(models.found)} of {len(flow.models)} models here"
        )
    if errors:
        raise typer.Exit(1)


@group.command()
def show(
    name: Name,
    svg: Annotated[Path | None, typer.Option(help="Draw it into this .svg file.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print it as a Mermaid flowchart.")] = False,
) -> None:
    """A flow as a tree of text, as a picture, or as Mermaid.

    Example: modiste flow show footwear --svg footwear.svg
    """
    from dataset.blobs import write_atomically
    from dataset.errors import UsageError
    from train.flow import load_flow
    from train.flow_draw import as_text, draw
    from train.flow_draw import mermaid as as_mermaid

    flow = load_flow(name)
    if svg is None:
        typer.echo(as_mermaid(flow) if mermaid else as_text(flow), nl=False)
        return
    if svg.suffix != ".svg":
        raise UsageError(f"--svg {svg}", expected="a name that ends in .svg")
    write_atomically(svg, draw(flow).encode())
    typer.echo(f"drew {flow.name} into {svg}")


@group.command()
def run(
    name: Name,
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of them.")],
    model: Brought = None,
    decide: Decide = None,
    segmenter: Segmenting = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Run a flow over photos: tags, the way each photo went and why. Exit 1 where a photo can't be answered.

    Example: modiste flow run clothing photos/ --json
    """
    from modiste.cutout_sources import find_images
    from modiste.flow_photos import FlowTold, run_on_files

    flow, taxonomy, models = _loaded(name, model, workspace)
    needs = _checked(flow, taxonomy, models, decide, segmenter)
    paths = find_images(photos)
    told: FlowTold = perform(
        "flow run",
        lambda progress: run_on_files(flow, paths, models.found, taxonomy=taxonomy, **needs, progress=progress),
        quiet=True,
    )
    plain = {"results": told.results, "models": told.models}
    typer.echo(json.dumps(plain, ensure_ascii=False) if as_json else told.line())
    if told.failed:
        raise typer.Exit(1)


@group.command()
def evaluate(
    name: Name,
    snapshot: Annotated[str, typer.Option("--snapshot", "-s", help="Name of the snapshot to judge on.")],
    part: Annotated[str, typer.Option(help="Part to judge on: test or validation.")] = "test",
    model: Brought = None,
    decide: Decide = None,
    segmenter: Segmenting = None,
    file: Annotated[Path | None, typer.Option("--json", help="Write the figures into this file, too.")] = None,
    workspace: WorkspacePath = HERE,
) -> None:
    """Judge a flow on held-out photos: nodes, paths, the tree, severity, abstention, models called; 95 % intervals.

    Example: modiste flow evaluate garments.yaml -w shop -s spring --json figures.json
    """
    from dataset.blobs import write_atomically
    from train.flow_evaluate import Evaluated, evaluate_flow

    flow, taxonomy, models = _loaded(name, model, workspace)
    needs = _checked(flow, taxonomy, models, decide, segmenter)
    ws = open_workspace(workspace)
    result: Evaluated = perform(
        "flow evaluate",
        lambda progress: evaluate_flow(
            ws, flow, taxonomy, models.found, snapshot=snapshot, part=part, **needs, progress=progress
        ),
    )
    if file is not None:
        write_atomically(file, (json.dumps(as_plain(result), indent=2, ensure_ascii=False) + "\n").encode())


def _loaded(name: str, brought: list[str] | None, workspace: Path) -> tuple[Flow, Taxonomy, Models]:
    """The flow, its taxonomy as it ships or lies beside the flow, and the models that are here."""
    from dataset.errors import UsageError
    from dataset.taxonomy import load_taxonomy
    from modiste.cutout_model import workspace_if_any
    from train.flow import load_flow
    from train.flow_models import load_models

    pairs = [pair.partition("=") for pair in brought or []]
    if wrong := [first for first, sign, last in pairs if not (sign and first and last)]:
        raise UsageError(f"--model {wrong[0]}", expected="NAME=FILE or NAME=RUN")
    flow, ws = load_flow(name), workspace_if_any(workspace, wanted=workspace != HERE)
    taxonomy = load_taxonomy(_taxonomy_path(flow))
    return flow, taxonomy, load_models(flow, ws, {first: last for first, _, last in pairs})


def _taxonomy_path(flow: Flow) -> str | Path:
    """A shipped name without its version, or a YAML file beside the flow's."""
    word = flow.taxonomy.split("@")[0]
    beside = flow.path.parent / word
    return beside if word.endswith((".yaml", ".yml")) and beside.is_file() else word


def _checked(
    flow: Flow, taxonomy: Taxonomy, models: Models, decide: str | None, segmenter: Path | None
) -> dict[str, Any]:
    """What `run_flow` needs beside the models. Raises for a fault of the flow and for a model that isn't here."""
    from dataset.errors import TrainingError, UsageError
    from modiste.flow_rules import RULES, Eyes
    from train.flow_check import check_flow
    from train.flow_file import PLAIN_RULES, DetectNode, RuleNode

    if decide not in (None, "argmax", "risk"):
        raise UsageError(f"--decide {decide}", expected="argmax or risk")
    if models.missing:
        told = "; ".join(f"model {name}: {why}" for name, why in models.missing.items())
        raise TrainingError(told, where=f"flow {flow.name}")
    check_flow(flow, taxonomy, models.found, rules=RULES)
    nodes = [node for each in flow.flows() for node in each.nodes()]
    looks = [n for n in nodes if isinstance(n, DetectNode) or (isinstance(n, RuleNode) and n.rule not in PLAIN_RULES)]
    if not looks:
        return {"decide": decide}
    from modiste.cutout_model import choose

    eyes = Eyes(choose(None, weights=segmenter)[0])
    return {"decide": decide, "finders": eyes.finders, "rules": eyes.rules}


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="flow")
