"""`modiste crawl`."""

from __future__ import annotations

from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def crawl(
    url: Annotated[str, typer.Argument(help="Address of the shop.")],
    store: Annotated[str | None, typer.Option(help="Short name of the shop; by default its host.")] = None,
    max_products: Annotated[int | None, typer.Option(min=1, help="Stop after so many products.")] = None,
    only: Annotated[str | None, typer.Option(help="Only pages whose path holds this, such as /women/.")] = None,
    recrawl: Annotated[bool, typer.Option(help="Ask again for what is known; unchanged images stay.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Collect a shop's products and images: robots.txt obeyed, original bytes kept, every refusal a row.

    Example: modiste crawl https://shop.example -w shop --max-products 200
    """
    from crawlers.run import crawl as step

    ws = open_workspace(workspace)
    perform(
        "crawl",
        lambda progress: step(
            ws, url, store=store, max_products=max_products, only=only, recrawl=recrawl, progress=progress
        ),
        as_json,
    )


def register(app: typer.Typer) -> None:
    app.command()(crawl)
