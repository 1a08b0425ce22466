"""`modiste serve`, `modiste serve keys`: tags, flows, cutouts, colours and similar products over HTTP."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, tell

if TYPE_CHECKING:
    from modiste.api import Access
    from modiste.api_keys import KeyFile

KEY_FILE = "api-keys.json"
group = typer.Typer(help="Serve over HTTP; make and revoke API keys.", rich_markup_mode=None)
keys_group = typer.Typer(help="API keys: add, list, revoke.", no_args_is_help=True, rich_markup_mode=None)
group.add_typer(keys_group, name="keys")

KeysPath = Annotated[
    Path | None, typer.Option("--keys", help=f"File of API keys; by default {KEY_FILE} in the workspace.")
]


@dataclass(frozen=True)
class KeyMade:
    """`key` can't be seen again."""

    id: str
    key: str
    file: str

    def line(self) -> str:
        return (
            f"{self.key}\nkey {self.id} in {self.file}; it is shown this once. Send it as 'Authorization: Bearer KEY'"
        )


@dataclass(frozen=True)
class KeyList:
    file: str
    keys: list[dict[str, str | None]] = field(default_factory=list)

    def line(self) -> str:
        rows = [
            f"{key['id']}  {key['created_at']}  {'revoked ' + key['revoked_at'] if key['revoked_at'] else 'good':40}"
            f"  {key['name']}"
            for key in self.keys
        ]
        return "\n".join([*rows, f"{len(self.keys)} keys in {self.file}"])


@group.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8000,
    weights: Annotated[Path | None, typer.Option(help="A tagger, instead of the one that ships.")] = None,
    keys: KeysPath = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="Another name of this server. Repeatable.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="A site whose pages may ask. Repeatable.")] = None,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second of one key or address; 0: unbounded.")] = 20.0,
    burst: Annotated[int, typer.Option(min=1, help="Requests at once, before the rate counts.")] = 60,
    queue: Annotated[int, typer.Option(min=1, help="Requests worked on or waiting; more get 503.")] = 128,
    max_images: Annotated[int, typer.Option(min=1, help="Images a request.")] = 16,
    max_mb: Annotated[float, typer.Option(min=0.01, help="Megabytes an image.")] = 20.0,
    max_megapixels: Annotated[float, typer.Option(min=0.01, max=89, help="Megapixels an image.")] = 40.0,
    threads: Annotated[int | None, typer.Option(min=1, help="For the networks; by default one a core.")] = None,
    workspace: WorkspacePath = HERE,
) -> None:
    """Serve tags, flows, cutouts, colours and similar products over HTTP, until Ctrl-C.

    An API key is needed unless it listens on loopback: modiste serve keys add NAME. /openapi.json describes the paths,
    /metrics is for Prometheus.
    Example: modiste serve -w shop --port 8000
    """
    if context.invoked_subcommand:
        return
    from modiste.api import make_app
    from modiste.api_limits import MEGA, Limits
    from modiste.api_load import load_parts
    from modiste.api_server import serve_app
    from modiste.cutout_model import workspace_if_any

    ws = workspace_if_any(workspace, wanted=workspace != HERE)
    access = _access(host, allow_host or [], allow_origin or [], keys, workspace)
    image_bytes = round(max_mb * MEGA)
    limits = Limits(
        image_bytes=image_bytes, body_bytes=max(64 * MEGA, 2 * image_bytes), pixels=round(max_megapixels * MEGA),
        images=max_images, rate=rate, burst=burst, queue=queue,
    )  # fmt: skip
    parts = load_parts(ws, weights, threads)
    for name, why in parts.missing.items():
        typer.echo(f"without {name}: {why}", err=True)
    app = make_app(parts, limits, access, ws)
    shown = f"[{host}]" if ":" in host else host
    serve_app(app, host, port, lambda bound: typer.echo(f"serving on http://{shown}:{bound} (Ctrl-C stops)", err=True))
    typer.echo("stopped")


@keys_group.command()
def add(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    keys: KeysPath = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it once; the file keeps its hash.

    Example: modiste serve keys add "the shop's app" -w shop
    """
    file = _key_file(keys, workspace)
    made = file.add(name)
    tell(KeyMade(made.split("_")[1], made, str(file.path)), as_json)


@keys_group.command("list")
def list_keys(keys: KeysPath = None, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Names, ids and dates; the keys themselves can't be seen again.

    Example: modiste serve keys list -w shop
    """
    file = _key_file(keys, workspace)
    rows = [{name: vars(key)[name] for name in ("id", "name", "created_at", "revoked_at")} for key in file.listed()]
    tell(KeyList(str(file.path), rows), as_json)


@keys_group.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As 'keys list' shows it.")],
    keys: KeysPath = None,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on, also where a server is running.

    Example: modiste serve keys revoke 1f2e3d4c -w shop
    """
    file = _key_file(keys, workspace)
    key = file.revoke(key_id)
    kept = {"id": key.id, "name": key.name, "created_at": key.created_at, "revoked_at": key.revoked_at}
    tell(KeyList(str(file.path), [kept]), as_json)


def _key_file(keys: Path | None, workspace: Path) -> KeyFile:
    from modiste.api_keys import KeyFile

    return KeyFile(keys or workspace / KEY_FILE)


def _access(host: str, names: list[str], origins: list[str], keys: Path | None, workspace: Path) -> Access:
    """Who may ask. Keys are needed off loopback, behind another name (a proxy), and where a file of them is given."""
    from dataset.errors import UsageError
    from modiste.api import Access
    from modiste.api_guard import LOOPBACK_NAMES

    loopback = _is_loopback(host)
    hosts = (*LOOPBACK_NAMES, *(name.lower() for name in names)) if loopback or names else None
    if loopback and not names and keys is None:
        return Access(hosts, origins)
    file = _key_file(keys, workspace)
    if not any(key.revoked_at is None for key in file.listed()):
        where = f" --keys {keys}" if keys else f" -w {workspace}" if os.fspath(workspace) != "." else ""
        raise UsageError(
            f"without API keys it listens on loopback alone, under no other name; {file.path} has none",
            where="serve", cure=f"Make one: modiste serve keys add NAME{where}",
        )  # fmt: skip
    return Access(hosts, origins, file)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="serve")
