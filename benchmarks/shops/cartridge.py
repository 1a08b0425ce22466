"""Cartridge on Mezzanine, as installed from PyPI: its own project template, templates and views, SQLite, Waitress.

The one with sale prices: `.old-price` beside `.price`, sizes as options of one page with prices in script, pictures
linked at full size behind thumbnails, related products below; a sitemap, no structured data. `localedef` makes the
locale its currency needs. System package: `apt-get install locales` (localedef and its sources).
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

VERSION = "1.3.4"
NEEDED = (f"cartridge=={VERSION}", "mezzanine==6.1.1", "django==4.2.30", "waitress==3.0.2", "setuptools==65.5.0")
SITE = Path(__file__).parent / "cartridge_site"


def _prepare(folder: Path) -> None:
    if not (folder / "installed").exists():
        (folder / "locale").mkdir(parents=True, exist_ok=True)
        run(["localedef", "-i", "en_GB", "-f", "UTF-8", folder / "locale" / "en_GB.UTF-8"], cwd=folder)
        run([sys.executable, "-m", "venv", "venv"], cwd=folder)
        run([folder / "venv/bin/pip", "install", "-q", *NEEDED], cwd=folder)
        (folder / "installed").touch()
    if not (folder / "filled").exists():
        (folder / "shop.sqlite3").unlink(missing_ok=True)
        for made in ("media", "static"):
            shutil.rmtree(folder / made, ignore_errors=True)
        goods(folder)
        _python(folder, "fill.py", str(folder / "goods.json"))
        (folder / "filled").touch()


def _env(folder: Path) -> dict[str, str]:
    shop = {"SHOP_FOLDER": str(folder), "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(SITE)}
    return {**shop, "LOCPATH": str(folder / "locale"), "PYTHONDONTWRITEBYTECODE": "1"}


def _python(folder: Path, *words: str) -> str:
    return run([folder / "venv/bin/python", *words], cwd=SITE, env=_env(folder))


@contextmanager
def _serve(folder: Path, port: int, url: str) -> Iterator[None]:
    _python(folder, "address.py", url.removeprefix("http://"))
    words: list[str | Path] = [folder / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "--threads=4"]
    app = "django.core.wsgi:get_wsgi_application"
    up = partial(answers, f"http://127.0.0.1:{port}/")
    with running([*words, "--call", app], cwd=SITE, env=_env(folder), log=folder / "shop.log", up=up):
        yield


def _listed(folder: Path) -> list[Listed]:
    return [listed_from(row) for row in json.loads(_python(folder, "listed.py"))]


CARTRIDGE = System("Cartridge", VERSION, _prepare, _serve, _listed)
