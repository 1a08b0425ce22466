"""Shuup 3.1, as installed from PyPI: its workbench settings and classic theme, Jinja templates, SQLite, Waitress.

Lists by category with script behind the paging; sizes are variations of one page, stock and discounts its own modules.
It was written for Python 3.8, so newer releases of four of its libraries are pinned below. No system package.
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

VERSION = "3.1.0"
NEEDED = (f"shuup=={VERSION}", "setuptools==65.5.0", "waitress==3.0.2")
NEWER = (
    "jinja2==2.11.3", "markupsafe==2.0.1", "pillow==9.5.0", "easy-thumbnails==2.7.1", "babel==2.9.1", "bleach==3.3.1",
    "django-enumfields2==3.0.2", "setuptools==65.5.0",
)  # fmt: skip
SITE = Path(__file__).parent / "shuup_site"


def _prepare(folder: Path) -> None:
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "venv", "venv"], cwd=folder)
        run([folder / "venv/bin/pip", "install", "-q", *NEEDED], cwd=folder)
        run([folder / "venv/bin/pip", "uninstall", "-q", "-y", "django-enumfields"], cwd=folder)
        run([folder / "venv/bin/pip", "install", "-q", "--no-deps", *NEWER], cwd=folder)
        (folder / "installed").touch()
    if not (folder / "filled").exists():
        for made in ("data", ".sqlite"):
            shutil.rmtree(folder / made, ignore_errors=True)
            (folder / made).mkdir()
        goods(folder)
        _python(folder, "fill.py", str(folder / "goods.json"))
        (folder / "filled").touch()


def _env(folder: Path) -> dict[str, str]:
    shop = {"SHOP_FOLDER": str(folder), "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(SITE)}
    return {**shop, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}


def _python(folder: Path, *words: str) -> str:
    return run([folder / "venv/bin/python", *words], cwd=SITE, env=_env(folder))


@contextmanager
def _serve(folder: Path, port: int, url: str) -> Iterator[None]:
    """Shuup's addresses follow the Host asked for, so `url` needs no telling."""
    words: list[str | Path] = [folder / "venv/bin/waitress-serve", f"--listen=127.0.0.1:{port}", "--threads=4"]
    app = "django.core.wsgi:get_wsgi_application"
    up = partial(answers, f"http://127.0.0.1:{port}/")
    with running([*words, "--call", app], cwd=SITE, env=_env(folder), log=folder / "shop.log", up=up):
        yield


def _listed(folder: Path) -> list[Listed]:
    return [listed_from(row) for row in json.loads(_python(folder, "listed.py").splitlines()[-1])]


SHUUP = System("Shuup", VERSION, _prepare, _serve, _listed)
