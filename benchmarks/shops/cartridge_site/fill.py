"""Puts goods.json into an empty Cartridge by its own models. Run in the shop's environment: `fill.py goods.json`.

Every sixth product is on sale: its price is the sale price, the price before it is struck through.
"""

import json
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import django

django.setup()

from cartridge.shop.models import Category, Product, ProductImage, ProductOption  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

KEPT = Path(settings.MEDIA_ROOT) / "product"


def category(names, known):
    parent = None
    for depth in range(1, len(names) + 1):
        key = tuple(names[:depth])
        if key not in known:
            known[key] = Category.objects.create(title=names[depth - 1], parent=parent)
        parent = known[key]
    return parent


def vary(product, good):
    """Variations of a product: one a size, or one alone; the first is what a visitor sees."""
    for size in good["sizes"] or ("One size",):
        ProductOption.objects.get_or_create(type=1, name=size)
    product.variations.create_from_options({"option1": list(good["sizes"]) or ["One size"]})
    product.variations.manage_empty()
    for variation in product.variations.all():
        price = Decimal(good["sizes"].get(variation.option1, good["price"])) if good["purchasable"] else None
        variation.sku = f"{good['sku']}-{variation.option1}" if good["sizes"] else good["sku"]
        variation.unit_price, variation.num_in_stock = price, good["stock"]
        if price and int(good["sku"][3:]) % 6 == 2:
            variation.unit_price, variation.sale_price, variation.sale_id = price * 5 / 4, price, 1
        variation.save()


def picture(product, good):
    for place, file in enumerate(good["pictures"]):
        name = f"{good['slug']}-{place}.jpg"
        shutil.copyfile(file, KEPT / name)
        ProductImage.objects.create(product=product, file=f"product/{name}", description=good["name"])
    product.variations.set_default_images([])


def add(good, known):
    words = {
        "title": good["name"],
        "slug": good["slug"],
        "sku": good["sku"],
        "content": f"<p>{good['description']}</p>",
    }
    product = Product.objects.create(**words, available=good["purchasable"], status=2)
    product.categories.add(category(good["category"], known))
    vary(product, good)
    picture(product, good)
    product.copy_default_variation()
    return product


def main():
    call_command("createdb", interactive=False, nodata=True, verbosity=0)
    KEPT.mkdir(parents=True)
    known, before = {}, None
    for good in json.loads(Path(sys.argv[1]).read_text()):
        product = add(good, known)
        if before:
            product.related_products.add(before)
        before = product


main()
