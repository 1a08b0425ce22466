"""What the shop lists, read from its database by its own models and price strategy, as JSON on stdout.

A size that can't be bought has a page, but Oscar links it from nowhere: it isn't listed.
"""

import json
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from oscar.apps.partner.strategy import Selector  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

Product = get_model("catalogue", "Product")
strategy = Selector().strategy()


def listed(product):
    info = strategy.fetch_for_parent(product) if product.is_parent else strategy.fetch_for_product(product)
    sold = info.price.exists
    return {
        "path": product.get_absolute_url(),
        "name": product.get_title(),
        "price": str(info.price.excl_tax) if sold else None,
        "currency": info.price.currency if sold else None,
        "availability": ("InStock" if info.availability.is_available_to_buy else "OutOfStock") if sold else None,
        "pictures": [str(Path(settings.MEDIA_ROOT) / image.original.name) for image in product.get_all_images()],
        "variant_of": product.parent.get_absolute_url() if product.is_child else None,
        "sku": product.upc,
    }


public = map(listed, Product.objects.filter(is_public=True).order_by("pk"))
print(json.dumps([row for row in public if not row["variant_of"] or row["availability"] == "InStock"]))
