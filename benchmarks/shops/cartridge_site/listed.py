"""What the shop lists, read from its database by its own models, as JSON on stdout.

Cartridge shows no stock: what is sold out is offered until it's put in a cart. So what is offered counts as InStock.
"""

import json
from pathlib import Path

import django

django.setup()

from cartridge.shop.models import Product  # noqa: E402
from django.conf import settings  # noqa: E402


def listed(product):
    shown = product.variations.get(default=True)
    sold = product.available and shown.has_price()
    return {
        "path": product.get_absolute_url(),
        "name": product.title,
        "price": str(shown.price()) if sold else None,
        "list_price": str(shown.unit_price) if sold and shown.on_sale() else None,
        "currency": "GBP" if sold else None,
        "availability": "InStock" if sold else None,
        "pictures": [str(Path(settings.MEDIA_ROOT) / image.file.name) for image in product.images.all()],
        "sku": product.sku,
    }


print(json.dumps([listed(product) for product in Product.objects.published().order_by("pk")]))
