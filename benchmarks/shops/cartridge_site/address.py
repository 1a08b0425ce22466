"""Tells the shop where it is served, for its sitemap: `address.py HOST:PORT`."""

import sys

import django

django.setup()

from django.contrib.sites.models import Site  # noqa: E402

Site.objects.update_or_create(pk=1, defaults={"domain": sys.argv[1], "name": "Cartridge Cloth"})
