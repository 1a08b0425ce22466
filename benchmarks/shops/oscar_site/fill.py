"""Puts goods.json into an empty shop by Oscar's own models. Run in the shop's environment: `fill.py goods.json`."""

import json
import sys
from decimal import Decimal
from pathlib import Path

import django

django.setup()

from django.contrib.sites.models import Site  # noqa: E402
from django.core.files import File  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from oscar.apps.catalogue.categories import create_from_sequence  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

Product, ProductClass, ProductImage = (get_model("catalogue", m) for m in ("Product", "ProductClass", "ProductImage"))
Partner, StockRecord = get_model("partner", "Partner"), get_model("partner", "StockRecord")


def product_class():
    kind = ProductClass.objects.create(name="Clothing", track_stock=True, requires_shipping=True)
    for name in ("Brand", "Colour", "Size"):
        kind.attributes.create(name=name, code=name.lower(), type="text")
    return kind


def attach(product, **attributes):
    for code, value in attributes.items():
        setattr(product.attr, code, value)
    product.attr.save()


def sell(product, partner, sku, price, good):
    if good["purchasable"]:
        stock = {"price": Decimal(price), "price_currency": "GBP", "num_in_stock": good["stock"]}
        StockRecord.objects.create(product=product, partner=partner, partner_sku=sku, **stock)


def add(good, kind, partner):
    structure = Product.PARENT if good["sizes"] else Product.STANDALONE
    product = Product.objects.create(
        structure=structure, product_class=kind, title=good["name"], slug=good["slug"], upc=good["sku"],
        description=f"<p>{good['description']}</p>",
    )  # fmt: skip
    attach(product, brand=good["brand"], colour=good["colour"])
    product.categories.add(create_from_sequence(list(good["category"]))[-1])
    for place, file in enumerate(good["pictures"]):
        with open(file, "rb") as body:
            name = f"{good['slug']}-{place}.jpg"
            ProductImage.objects.create(product=product, display_order=place, original=File(body, name=name))
    for size, price in good["sizes"].items():
        child = Product.objects.create(
            structure=Product.CHILD, parent=product, title=f"{good['name']} {size}", upc=f"{good['sku']}-{size}"
        )
        attach(child, size=size)
        sell(child, partner, f"{good['sku']}-{size}", price, good)
    if not good["sizes"]:
        sell(product, partner, good["sku"], good["price"], good)


def main():
    call_command("migrate", verbosity=0)
    Site.objects.update_or_create(pk=1, defaults={"domain": "127.0.0.1", "name": "Oscar's Wardrobe"})
    with transaction.atomic():
        kind, partner = product_class(), Partner.objects.create(name="Warehouse")
        for good in json.loads(Path(sys.argv[1]).read_text()):
            add(good, kind, partner)
    call_command("rebuild_index", interactive=False, verbosity=0)


main()
