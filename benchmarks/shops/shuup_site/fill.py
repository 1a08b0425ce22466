"""Puts goods.json into an empty shop through Shuup's own models. Run in the shop's environment: `fill.py goods.json`.

Sizes are variations of one page; stock is kept by Shuup's simple supplier; every sixth product has a discount.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import django

django.setup()

from django.core.files import File  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import translation  # noqa: E402
from filer.models import Image  # noqa: E402
from shuup.core import models as core  # noqa: E402
from shuup.discounts.models import Discount  # noqa: E402
from shuup.xtheme import set_current_theme  # noqa: E402


class Filler:
    def __init__(self):
        core.Currency.objects.get_or_create(code="GBP", defaults={"decimal_places": 2})
        words = {"name": "Shuup Threads", "public_name": "Shuup Threads", "identifier": "default"}
        status = core.ShopStatus.ENABLED
        self.shop = core.Shop.objects.create(**words, status=status, currency="GBP", prices_include_tax=True)
        set_current_theme("shuup.themes.classic_gray", self.shop)
        self.supplier = core.Supplier.objects.create(name="Warehouse", identifier="default", stock_managed=True)
        module = core.SupplierModule.objects.get_or_create(module_identifier="simple_supplier")[0]
        self.supplier.supplier_modules.add(module)
        self.supplier.shops.add(self.shop)
        self.kind = {
            "type": core.ProductType.objects.create(name="Clothing", identifier="default"),
            "tax_class": core.TaxClass.objects.create(name="None", identifier="default"),
            "sales_unit": core.SalesUnit.objects.create(name="Pieces", symbol="pcs", identifier="default"),
        }
        self.brands, self.categories = {}, {}

    def category(self, names):
        parent = None
        for depth in range(1, len(names) + 1):
            key = tuple(names[:depth])
            if key not in self.categories:
                made = core.Category.objects.create(name=names[depth - 1], parent=parent)
                made.shops.add(self.shop)
                self.categories[key] = made
            parent = self.categories[key]
        return parent

    def product(self, good, sku, name, price):
        brand = self.brands.get(good["brand"]) or core.Manufacturer.objects.create(name=good["brand"])
        self.brands[good["brand"]] = brand
        about = {"name": name, "description": f"<p>{good['description']}</p>", "manufacturer": brand}
        product = core.Product.objects.create(sku=sku, **about, **self.kind)
        sold = {"purchasable": good["purchasable"], "default_price_value": Decimal(price)}
        sold["visibility"] = core.ShopProductVisibility.ALWAYS_VISIBLE
        offered = core.ShopProduct.objects.create(product=product, shop=self.shop, **sold)
        offered.suppliers.add(self.supplier)
        offered.primary_category = self.category(good["category"])
        offered.save()
        offered.categories.add(offered.primary_category)
        self.supplier.adjust_stock(product.pk, good["stock"])
        return product

    def pictures(self, product, good):
        for place, file in enumerate(good["pictures"]):
            with open(file, "rb") as body:
                image = Image.objects.create(file=File(body, name=f"{good['slug']}-{place}.jpg"))
            kind = {"kind": core.ProductMediaKind.IMAGE, "enabled": True, "public": True, "ordering": place}
            media = core.ProductMedia.objects.create(product=product, file=image, **kind)
            media.shops.add(self.shop)
            if place == 0:
                product.primary_image = media
                product.save()

    def add(self, good):
        product = self.product(good, good["sku"], good["name"], good["price"])
        self.pictures(product, good)
        for size, price in good["sizes"].items():
            child = self.product(good, f"{good['sku']}-{size}", f"{good['name']} {size}", price)
            child.link_to_parent(product, variables={"size": size})
        if int(good["sku"][3:]) % 6 == 2 and not good["sizes"]:
            off = Discount.objects.create(
                shop=self.shop, product=product, discount_percentage=Decimal("0.2"), active=True
            )
            off.save()


def main():
    call_command("migrate", verbosity=0)
    translation.activate("en")
    filler = Filler()
    for good in json.loads(Path(sys.argv[1]).read_text()):
        filler.add(good)
    core.Category.objects.rebuild()
    call_command("reindex_product_catalog")


main()
