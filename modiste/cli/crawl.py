"""`modiste crawl`, `modiste extract`, `modiste import urls`: from the web into a workspace, or from a page to JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli import imports_data
from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform


def crawl(
    url: Annotated[str, typer.Argument(help="Address of the shop.")],
    store: Annotated[str | None, typer.Option(help="Short name of the shop; by default its host.")] = None,
    max_products: Annotated[int | None, typer.Option(min=1, help="Stop after so many products.")] = None,
    only: Annotated[
        str | None,
        typer.Option(help="Only pages whose path begins so, such as /women/, and the products they link to."),
    ] = None,
    recrawl: Annotated[bool, typer.Option(help="Ask again for what is known; unchanged images stay.")] = False,
    browser: Annotated[
        bool, typer.Option(help="Run the scripts of pages that are nothing without (Chromium).")
    ] = False,
    frontier: Annotated[
        str | None, typer.Option(help="redis:// address of a queue that several workers share.")
    ] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Collect a shop's products and images: robots.txt obeyed, original bytes kept, every refusal a row.

    Example: modiste crawl https://shop.example -w shop --max-products 200
    """
    from crawlers.policy import contact_warning
    from crawlers.run import crawl as step

    ws = open_workspace(workspace)
    if said := contact_warning(ws.settings.contact, url if "://" in url else f"https://{url}"):
        typer.echo(said, err=True)
    perform(
        "crawl",
        lambda progress: step(
            ws,
            url,
            store=store,
            max_products=max_products,
            only=only,
            recrawl=recrawl,
            browser=browser,
            frontier=frontier,
            progress=progress,
        ),
        as_json,
    )


def extract(
    page: Annotated[Path, typer.Argument(help="A saved page; '-' reads standard input.")],
    url: Annotated[str, typer.Option(help="The address it came from: makes its links absolute.")],
    site: Annotated[Path | None, typer.Option(help="A site file with selectors for this store.")] = None,
) -> None:
    """Print what a page says about its product as JSON, with where each field was read and how sure that is.

    Example: modiste extract page.html --url https://shop.example/dress
    """
    import json
    import sys

    from crawlers.extract.page import extract as read
    from crawlers.site_config import load_site
    from dataset.errors import UsageError

    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}", expected="the page's whole address, https://…")
    if str(page) != "-" and not page.is_file():
        raise UsageError("there is no such page", where=str(page), expected="a saved HTML file, or '-'")
    body = sys.stdin.buffer.read() if str(page) == "-" else page.read_bytes()
    found = read(body, url, site=load_site(site) if site else None)
    products = [product.as_json() for product in found.products]
    typer.echo(json.dumps({"kind": found.kind, "url": found.url, "products": products}, ensure_ascii=False, indent=2))


def urls(
    file: Annotated[Path, typer.Argument(help="Text, CSV, Parquet or JSONL with any of url, product, label, licence.")],
    store: Annotated[str | None, typer.Option(help="Name of the rows' store; by default the file's.")] = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Fetch the images of a list, such as an export of an image search, by the same rules as a crawl.

    Example: modiste import urls found.csv -w shop --store search
    """
    from crawlers.url_list import import_urls as step

    ws = open_workspace(workspace)
    perform("import", lambda progress: step(ws, file, store=store, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.command()(crawl)
    app.command()(extract)
    imports = typer.Typer(help="Bring in images, masks and labels from elsewhere.", no_args_is_help=True)
    imports.command()(urls)
    imports_data.register_into(imports)
    app.add_typer(imports, name="import")
