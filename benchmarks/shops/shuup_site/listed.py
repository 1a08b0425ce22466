"""What the shop lists, read from its database by its own catalogue and pricing modules, as JSON on stdout.

Shuup links only what can be bought, so what is sold out isn't listed; a parent costs what its cheapest size does.
"""

import json

import django

django.setup()

from django.urls import reverse  # noqa: E402
from django.utils import translation  # noqa: E402
from shuup.core.catalog import ProductCatalog, ProductCatalogContext  # noqa: E402
from shuup.core.models import AnonymousContact, ProductMediaKind, Shop, ShopProductVisibility  # noqa: E402
from shuup.core.pricing import get_pricing_module  # noqa: E402

translation.activate("en")
shop = Shop.objects.get()
pricing = get_pricing_module().get_context_from_data(shop, AnonymousContact())


def listed(product):
    children = list(product.variation_children.all())
    cheapest = min((one.get_price_info(pricing) for one in children or [product]), key=lambda info: info.price.value)
    media = product.media.filter(kind=ProductMediaKind.IMAGE).order_by("ordering")
    return {
        "path": reverse("shuup:product", kwargs={"pk": product.pk, "slug": product.slug}),
        "name": product.name,
        "price": f"{cheapest.price.value:.2f}",
        "list_price": f"{cheapest.base_price.value:.2f}" if cheapest.is_discounted else None,
        "currency": shop.currency,
        "availability": "InStock",
        "pictures": [one.file.path for one in media],
        "sku": product.sku,
    }


seen = ShopProductVisibility.LISTED
context = ProductCatalogContext(shop=shop, contact=AnonymousContact(), purchasable_only=True, visibility=seen)
products = ProductCatalog(context).get_products_queryset().filter(variation_parent=None).distinct().order_by("pk")
print(json.dumps([listed(product) for product in products]))
