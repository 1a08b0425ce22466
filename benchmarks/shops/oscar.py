"""django-oscar, as installed from PyPI: its own templates and views (benchmarks/shops/oscar_site), SQLite, Waitress.

It lists by category with `?page=`, has neither sitemap nor robots.txt nor structured data, shows thumbnails only, and
gives each parent product one page on which a size is a link. It knows no price struck through. Needs no system package.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from shops.goods import goods
from shops.processes import answers, run, running
from shops.truth import Listed, System, listed_from

VERSION = "4.2.1"
NEEDED = (f"django-oscar=={VERSION}", "sorl-thumbnail==13.4.0", "waitress==3.0.2", "whoosh==2.7.4")
SITE = Path(__file__).parent / "oscar_site"


def _prepare(folder: Path) -> None:
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "venv", "venv"], cwd=folder)
        run([folder / "venv/bin/pip", "install", "-q", *NEEDED], cwd=folder)
        (folder / "installed").touch()
    if not (folder / "filled").exists():
        (folder / "shop.sqlite3").unlink(missing_ok=True)
        shutil.rmtree(folder / "media", ignore_errors=True)
        goods(folder)
        _python(folder, "fill.py", str(folder / "goods.json"))
        (folder / "filled").touch()


def _env(folder: Path) -> dict[str, str]:
    return {"SHOP_FOLDER": str(folder), "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(SITE)}


def _python(folder: Path, *words: str) -> str:
    return run([folder / "venv/bin/python", *words], cwd=SITE, env=_env(folder))


@contextmanager
def _serve(folder: Path, port: int, url: str) -> Iterator[None]:
    """Oscar's addresses follow the Host asked for, so `url` needs no telling."""
    words: list[str | Path] = [folder / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "--threads=4"]
    app = "django.core.wsgi:get_wsgi_application"
    up = partial(answers, f"http://127.0.0.1:{port}/catalogue/")
    with running([*words, "--call", app], cwd=SITE, env=_env(folder), log=folder / "shop.log", up=up):
        yield


def _listed(folder: Path) -> list[Listed]:
    return [listed_from(row) for row in json.loads(_python(folder, "listed.py"))]


OSCAR = System("django-oscar", VERSION, _prepare, _serve, _listed)
