"""Settings of a shop on Cartridge: its own project template, SQLite, and data where SHOP_FOLDER says."""

import os
from pathlib import Path

from cartridge.project_template.project_name.settings import *  # noqa: F403

FOLDER = Path(os.environ["SHOP_FOLDER"])
SECRET_KEY = NEVERCACHE_KEY = "of a shop that only loopback sees"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "shop.sqlite3")}}
MEDIA_ROOT, STATIC_ROOT, ROOT_URLCONF = str(FOLDER / "media"), str(FOLDER / "static"), "urls"
SHOP_CURRENCY_LOCALE = "en_GB.UTF-8"
SHOP_PER_PAGE_CATEGORY = 10
SHOP_OPTION_TYPE_CHOICES = ((1, "Size"), (2, "Colour"))
SITE_TITLE = "Cartridge Cloth"
