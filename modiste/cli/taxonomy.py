"""`modiste taxonomy check | show | diff | map`: look after the fields, values and words that labels are made of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, tell

if TYPE_CHECKING:
    from dataset.taxonomy_map import Unmapped
    from dataset.taxonomy_report import Checked
    from dataset.workspace import Workspace

group = typer.Typer(
    help="Taxonomies: check, show, compare, and map the shop words nobody has mapped yet.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str | None, typer.Argument(help="Shipped name or YAML file; by default the workspace's.")]


@group.command()
def check(
    taxonomy: Name = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Every fault of a taxonomy: circles, ids twice, dangling parents and mappings, words with two meanings, languages
    without words. Exit 1 where there is an error.

    Example: modiste taxonomy check clothing
    """
    from dataset.taxonomy_report import checked

    result = checked(taxonomy, None if taxonomy else open_workspace(workspace))
    typer.echo(_json(result) if as_json else result.line())
    if result.errors or (strict and result.warnings):
        raise typer.Exit(1)


@group.command()
def show(
    taxonomy: Name = None,
    field: Annotated[str | None, typer.Option(help="One field only.")] = None,
    words: Annotated[bool, typer.Option("--words", help="Synonyms too.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """A taxonomy as a tree: fields, when they are asked, values below their parents.

    Example: modiste taxonomy show footwear --field heel --words
    """
    from dataset.taxonomy import load_taxonomy, taxonomy_of
    from dataset.taxonomy_report import as_tree, tree_text

    found = load_taxonomy(taxonomy) if taxonomy else taxonomy_of(open_workspace(workspace))
    tree = as_tree(found, field)
    typer.echo(json.dumps(tree, ensure_ascii=False) if as_json else tree_text(tree, words=words))


@group.command()
def diff(
    old: Annotated[str, typer.Argument(help="Shipped name, YAML file, or a snapshot's name (needs -w).")],
    new: Annotated[
        str | None, typer.Argument(help="As OLD; by default the workspace's taxonomy, as it is now.")
    ] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """What was added, removed, moved or renamed between two taxonomies, and how many labels it touches.

    Of a snapshot the values that its labels hold are compared with the taxonomy as it is now.

    Example: modiste taxonomy diff before.yaml clothing -w shop
    """
    from dataset.taxonomy_diff import difference

    tell(difference(old, new, _workspace_or_none(workspace)), as_json)


@group.command("map")
def map_words(
    word: Annotated[
        str | None, typer.Option(help="The shop's word to map; without it unmapped words are listed.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="field=value, or 'nothing' for a word that says nothing.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Words listed at most.")] = 40,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Shop words that no label came of, by images and store, with the nearest values (never applied by themselves);
    with --word and --to one is written into the workspace's own taxonomy-words.yaml.

    Example: modiste taxonomy map -w shop --word Zibbelwear --to type=dress
    """
    from dataset.errors import UsageError
    from dataset.taxonomy_map import add_word, unmapped

    ws = open_workspace(workspace)
    if (word is None) != (to is None):
        raise UsageError("--word and --to go together", expected="--word 'W' --to field=value")
    if word is not None and to is not None:
        tell(add_word(ws, word, to), as_json)
        return
    result = unmapped(ws, most)
    typer.echo(_json(result) if as_json else result.table())


def _json(result: Checked | Unmapped) -> str:
    return json.dumps(dataclasses.asdict(result), ensure_ascii=False)


def _workspace_or_none(path: Path) -> Workspace | None:
    """A comparison of two files needs no workspace."""
    from dataset.errors import WorkspaceError

    try:
        return open_workspace(path)
    except WorkspaceError:
        return None


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="taxonomy")
