"""EverShop, as installed from npm: React rendered on the server, its state as JSON in the page, PostgreSQL beneath.

It has a sitemap and OpenGraph but no JSON-LD, shows scaled renditions of each picture, and every size or colour of a
variant group is a product with an address of its own. It knows no price struck through. System packages:
`apt-get install postgresql nodejs npm` (node 20 or later). Installing takes about five minutes, most of it its build.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from shops.goods import goods
from shops.processes import answers, free_port, listens, run, running
from shops.truth import Listed, System, listed_from

VERSION = "2.2.1"
NEEDED = (f"@evershop/evershop@{VERSION}", "concat-stream@2.0.0")  # which it imports and forgets to name
SITES = Path(__file__).parent / "node_sites"
CONFIG = {"shop": {"language": "en", "currency": "EUR", "timezone": "UTC"}}
CLI = "node_modules/@evershop/evershop/dist/bin"


def _prepare(folder: Path) -> None:
    if not (folder / "installed").exists():
        _install(folder)
    if not (folder / "filled").exists():
        shutil.rmtree(folder / "pg", ignore_errors=True)
        goods(folder)
        with _database(folder) as port, _shop(folder, port, free_port(), "http://127.0.0.1"):
            run(["node", SITES / "evershop_fill.mjs"], cwd=folder, env=_env(port, 0, "http://127.0.0.1"))
            _until_addressed(folder, port)
        (folder / "filled").touch()


def _install(folder: Path) -> None:
    for part in ("config", "media", "public", "themes", "extensions"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "config" / "default.json").write_text(json.dumps(CONFIG))
    (folder / "package.json").write_text(json.dumps({"name": "shop", "private": True, "type": "module"}))
    run(["npm", "install", "--no-audit", "--no-fund", *NEEDED], cwd=folder)
    run(["node", f"{CLI}/build/index.js"], cwd=folder, env={"NODE_OPTIONS": "--max-old-space-size=3000"})
    (folder / "installed").touch()


def _postgres(name: str) -> str:
    """A PostgreSQL program, also where Debian keeps it off the PATH."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not (found := shutil.which(name) or (kept and str(kept[-1]))):
        raise SystemExit(f"{name} isn't there. Install it: apt-get install postgresql")
    return found


@contextmanager
def _database(folder: Path) -> Iterator[int]:
    """The shop's own PostgreSQL on a free port. It refuses root, so root lends it to the user postgres."""
    user, data = "postgres" if os.geteuid() == 0 else None, folder / "pg"
    if not data.exists():
        data.mkdir()
        if user:
            shutil.chown(data, user)
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups"] if user else []
        run([*as_user, _postgres("initdb"), "-D", data, "-U", "shop", "-A", "trust", "-E", "UTF8"], cwd=Path("/tmp"))
    port = free_port()
    words: list[str | Path] = [_postgres("postgres"), "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    with running(words, cwd=data, log=folder / "pg.log", up=partial(listens, port), user=user, stop=signal.SIGINT):
        if "shop" not in _sql(folder, port, "SELECT datname FROM pg_database", database="postgres").split():
            _sql(folder, port, "CREATE DATABASE shop", database="postgres")
        yield port


def _sql(folder: Path, port: int, query: str, *, database: str = "shop") -> str:
    words = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "shop", "-d", database, "-At", "-v", "ON_ERROR_STOP=1"]
    return run([*words, "-f", "-"], cwd=folder, feed=query)


def _env(database: int, port: int, url: str) -> dict[str, str]:
    place = {"DB_HOST": "127.0.0.1", "DB_PORT": str(database), "DB_NAME": "shop", "DB_USER": "shop", "DB_PASSWORD": ""}
    return {
        **place, "DB_SSLMODE": "disable", "PORT": str(port), "EVERSHOP_HOME_URL": url, "NODE_ENV": "production",
        "NODE_OPTIONS": f"--require={SITES / 'loopback.cjs'}", "NODE_CONFIG_DIR": "config",
    }  # fmt: skip


@contextmanager
def _shop(folder: Path, database: int, port: int, url: str) -> Iterator[None]:
    for kept in (folder / "public").glob("sitemap*.xml"):  # they name the address of the run before
        kept.unlink()
    words = ["node", f"{CLI}/start/index.js"]
    up = partial(answers, f"http://127.0.0.1:{port}/")
    with running(words, cwd=folder, env=_env(database, port, url), log=folder / "shop.log", up=up):
        yield


def _until_addressed(folder: Path, port: int) -> None:
    """Addresses are given by a process of the shop's own that reads its events: wait until it has read them all."""
    until = time.monotonic() + 180
    while _sql(folder, port, "SELECT count(*) FROM event").strip() != "0":
        if time.monotonic() > until:
            raise SystemExit(f"EverShop has not read all its events; see {folder / 'shop.log'}")
        time.sleep(1)


@contextmanager
def _serve(folder: Path, port: int, url: str) -> Iterator[None]:
    with _database(folder) as database, _shop(folder, database, port, url):
        yield


def _read(folder: Path, port: int) -> list[Listed]:
    rows = json.loads(_sql(folder, port, (SITES / "evershop_listed.sql").read_text()) or "[]")
    return [listed_from({**row, "pictures": [str(folder / file) for file in row["pictures"]]}) for row in rows]


def _listed(folder: Path) -> list[Listed]:
    with _database(folder) as port:
        return _read(folder, port)


EVERSHOP = System("EverShop", VERSION, _prepare, _serve, _listed)
