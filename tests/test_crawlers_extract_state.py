"""Embedded state on invented pages: each system's place and units, frameworks' packing, and what isn't the page's."""

from __future__ import annotations

import html
import json
import time
from typing import Any

import pytest
from parsel import Selector

from crawlers.extract import nodes, state
from crawlers.extract.state_literals import Unreadable, read

URL = "https://shop.example/products/felt-hat"
SHOPIFY = {
    "id": 71, "title": "Felt Hat", "handle": "felt-hat", "vendor": "Nord", "type": "Hats", "options": ["Color", "Size"],
    "images": ["//cdn.shopify.com/s/files/1/hat.jpg?v=1"], "description": "<p>Warm</p>",
    "variants": [
        {"id": 1, "title": "Blue / S", "option1": "Blue", "option2": "S", "sku": "FH-B-S", "available": False,
         "price": 4900, "compare_at_price": 6900, "barcode": "4006381333931", "public_title": "Blue / S"},
        {"id": 2, "title": "Blue / M", "option1": "Blue", "option2": "M", "sku": "FH-B-M", "available": True,
         "price": 4500, "compare_at_price": None, "public_title": "Blue / M"},
    ],
}  # fmt: skip
HAT = {"id": "p-7781", "slug": "felt-hat", "name": "Felt Hat", "brand": {"name": "Nord"}, "sku": "FH",
       "price": {"centAmount": 4900, "currencyCode": "EUR", "fractionDigits": 2},
       "images": [{"url": "https://i.example/1.jpg"}, None]}  # fmt: skip
CAP = {"id": "p-9", "slug": "wool-cap", "name": "Wool Cap", "sku": "WC", "price": 19.5, "images": []}


def _found(body: str, url: str = URL, heading: str = "Felt Hat", head: str = "") -> list[dict[str, Any]]:
    page = Selector(text=f"<html><head>{head}</head><body><h1>{heading}</h1>{body}</body></html>", type="html")
    return state.nodes(page, url)


def _json_script(value: Any, attributes: str = "") -> str:
    return f'<script type="application/json" {attributes}>{json.dumps(value)}</script>'


def _attribute(name: str, value: Any) -> str:
    return f'{name}="{html.escape(json.dumps(value))}"'


def _offer(found: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
    read = nodes.candidates(found[0])
    return read.get("price"), read.get("list_price"), read.get("currency")


def test_shopify_theme_json_is_in_cents_and_shows_the_variant_of_the_url() -> None:
    currency = '<script>Shopify.currency = {"active":"EUR","rate":"1.0"};</script>'
    found = _found(_json_script(SHOPIFY, "data-product-json"), URL + "?variant=1", head=currency)
    assert _offer(found) == ("49.00", "69.00", "EUR")
    assert (found[0]["@origin"], found[0]["sku"], found[0]["gtin"]) == ("shopify", "FH-B-S", "4006381333931")


def test_shopify_variants_carry_options_and_the_product_is_in_stock_if_one_is() -> None:
    found = _found(_json_script(SHOPIFY))
    read = nodes.candidates(found[0])
    assert read["availability"] == "InStock"
    assert [(v["colour"], v["size"], v["price"]) for v in read["variants"]] == [
        ("Blue", "S", "49.00"), ("Blue", "M", "45.00"),
    ]  # fmt: skip


def test_shopify_decimal_text_is_no_cents() -> None:
    product = {**SHOPIFY, "variants": [{**SHOPIFY["variants"][1], "price": "45.00"}]}  # type: ignore[index]
    assert _offer(_found(_json_script({"product": product})))[0] == "45.00"


def test_shopify_meta_names_the_product_by_its_variants() -> None:
    meta = {"product": {"id": 71, "vendor": "Nord", "variants": [
        {"id": 1, "price": 4900, "name": "Felt Hat - S", "public_title": "S", "sku": "FH-S"}]},
        "page": {"pageType": "product"}}  # fmt: skip
    found = _found(f"<script>var meta = {json.dumps(meta)}; for (var attr in meta) {{}}</script>")
    assert (found[0]["name"], found[0]["sku"], _offer(found)[0]) == ("Felt Hat", "FH-S", "49.00")


def test_a_shopify_product_shown_on_another_page_gives_nothing() -> None:
    assert _found(_json_script(SHOPIFY), "https://shop.example/pages/about", "About us") == []


def test_woocommerce_variations_give_prices_labels_and_full_pictures() -> None:
    rows = [{"attributes": {"attribute_pa_color": "light-blue", "attribute_size": size}, "display_price": price,
             "display_regular_price": 30, "is_in_stock": size == "S", "sku": f"W-{size}",
             "image": {"full_src": f"https://w.example/{size}.jpg", "src": "https://w.example/s-300x300.jpg"}}
            for size, price in (("S", 25), ("M", 27))]  # fmt: skip
    select = '<select name="attribute_pa_color"><option value="light-blue">Light Blue</option></select>'
    code = '<script>var gtm_currency = {"currencyCode":"GBP"};</script>'
    found = _found(f'<form class="cart" {_attribute("data-product_variations", rows)}>{select}</form>{code}')
    assert _offer(found) == ("25", "30", "GBP")
    assert found[0]["hasVariant"][0]["color"] == "Light Blue"
    assert found[0]["hasVariant"][1]["image"] == "https://w.example/M.jpg"


def test_magento_2_gives_final_and_old_price_options_and_the_full_gallery() -> None:
    options = {
        "attributes": {"93": {"code": "color", "label": "Color", "options": [{"id": "49", "label": "Black"}]}},
        "optionPrices": {"12": {"oldPrice": {"amount": 52}, "finalPrice": {"amount": 42}}}, "productId": "10",
        "prices": {"oldPrice": {"amount": 52}, "basePrice": {"amount": 40}, "finalPrice": {"amount": 42}},
        "priceFormat": {"pattern": "%s €"}, "index": {"12": {"93": "49"}},
    }  # fmt: skip
    rows = [{"thumb": "t", "img": "i", "full": "https://m.example/f.jpg", "type": "image"},
            {"thumb": "t", "img": "i", "full": "https://m.example/v.jpg", "type": "video"}]  # fmt: skip
    init = [{"#product_addtocart_form": {"configurable": {"spConfig": options}}},
            {"[data-gallery-role]": {"mage/gallery/gallery": {"data": rows}}}]  # fmt: skip
    scripts = "".join(f'<script type="text/x-magento-init">{json.dumps(i)}</script>' for i in init)
    found = _found(f'<form id="product_addtocart_form"><input name="product" value="10"></form>{scripts}')
    assert _offer(found) == ("42", "52", "EUR")
    assert found[0]["image"] == ["https://m.example/f.jpg"]
    assert found[0]["hasVariant"][0]["color"] == "Black"


def test_magento_1_gives_the_price_of_its_options_price() -> None:
    config = {"productId": "5", "productPrice": 32, "productOldPrice": 40, "priceFormat": {"pattern": "%s\u00a0€"}}
    found = _found(f"<script>var optionsPrice = new Product.OptionsPrice({json.dumps(config)});</script>")
    assert _offer(found) == ("32", "40", "EUR")


def test_prestashop_gives_amounts_identifiers_and_the_largest_pictures() -> None:
    sizes = {"small": {"url": "https://p.example/1-small/h.jpg", "width": "98"},
             "large": {"url": "https://p.example/1-large/h.jpg", "width": "800"}}  # fmt: skip
    product = {"name": "Felt Hat", "reference": "demo_5", "ean13": "4006381333931", "price": "11,90 €",
               "price_amount": 11.9, "regular_price_amount": 14, "seo_availability": "https://schema.org/InStock",
               "category_name": "Hats", "images": [{"bySize": sizes}]}  # fmt: skip
    code = '<script>var prestashop = {"currency":{"id":1,"iso_code":"EUR"}};</script>'
    found = _found(f'<div id="product-details" {_attribute("data-product", product)}></div>{code}')
    assert [n["@origin"] for n in found] == ["prestashop"]
    assert _offer(found) == ("11.90", "14", "EUR")
    assert (found[0]["sku"], found[0]["image"]) == ("demo_5", ["https://p.example/1-large/h.jpg"])


def test_bigcommerce_and_squarespace_carry_their_currency() -> None:
    big = {"product_attributes": {"sku": "BC-1", "instock": False, "price": {
        "without_tax": {"value": 25, "currency": "USD"}, "non_sale_price_without_tax": {"value": 49}}}}  # fmt: skip
    found = _found(f"<script>var BCData = {json.dumps(big)};</script>")
    assert (*_offer(found), found[0]["sku"]) == ("25", "49", "USD", "BC-1")
    rows = [{"attributes": {"Size": "A4"}, "sku": "SQ1", "price": 2500, "onSale": True, "qtyInStock": 3,
             "priceMoney": {"currency": "USD", "value": "25.00"}, "salePriceMoney": {"value": "20.00"}}]  # fmt: skip
    found = _found(f"<div {_attribute('data-variants', rows)}></div>")
    assert (*_offer(found), found[0]["@origin"]) == ("20.00", "25.00", "USD", "squarespace")


def test_next_data_gives_the_product_whose_slug_is_the_urls_and_never_the_related_one() -> None:
    found = _found(_json_script({"props": {"product": HAT, "related": [CAP]}}, 'id="__NEXT_DATA__"'))
    assert [n["name"] for n in found] == ["Felt Hat"]
    assert (found[0]["@origin"], _offer(found), found[0]["image"]) == (
        "next", ("49.00", None, "EUR"), ["https://i.example/1.jpg"],
    )  # fmt: skip


def test_a_list_of_products_on_a_category_page_gives_nothing() -> None:
    listing = {"category": {"name": "Hats", "url": "/hats", "priceRange": {"min": 5}, "products": [HAT, CAP]}}
    assert _found(_json_script(listing, 'id="__NEXT_DATA__"'), "https://shop.example/hats", "Hats") == []


def test_an_article_that_embeds_a_teaser_gives_nothing() -> None:
    body = _json_script({"props": {"teaser": CAP}}, 'id="__NEXT_DATA__"')
    assert _found(body, "https://shop.example/journal/wool", "How we spin wool") == []


def test_nuxt_2_puts_its_arguments_where_the_letters_stand() -> None:
    body = (
        "<script>window.__NUXT__=(function(a,b,c){return {data:[{product:{name:a,price:b,sku:'C1',currency:c,"
        'inStock:!0,images:["https:\\u002F\\u002Fx.example\\u002Fa.jpg"]}}],e:null}}("Felt Hat",19.5,"EUR"));</script>'
    )
    found = _found(body)
    assert _offer(found) == ("19.50", None, "EUR")
    assert found[0]["image"] == ["https://x.example/a.jpg"]


def test_flat_arrays_of_nuxt_3_and_react_router_are_put_together_again() -> None:
    devalue = [["ShallowReactive", 1], {"data": 2}, ["ShallowReactive", 3], {"product": 4},
               {"name": 5, "price": 6, "currency": 7, "sku": 8}, "Felt Hat", 19.5, "EUR", "C1"]  # fmt: skip
    assert _offer(_found(_json_script(devalue, 'id="__NUXT_DATA__"'))) == ("19.50", None, "EUR")
    stream = [{"_1": 2}, "product", {"_3": 4, "_5": 6, "_7": 8}, "title", "Felt Hat", "handle", "felt-hat",
              "priceRange", {"_9": 10, "_11": 12}, "amount", "21.5", "currencyCode", "EUR"]  # fmt: skip
    call = f"window.__reactRouterContext.streamController.enqueue({json.dumps(json.dumps(stream))});"
    assert _offer(_found(f"<script>{call}</script>")) == ("21.50", None, "EUR")


def test_rows_of_the_next_app_router_are_joined_before_they_are_read() -> None:
    rows = f'5:["$","div",null,{json.dumps({"product": HAT})}]\n'
    parts = (rows[:60], rows[60:])
    body = "".join(f"<script>self.__next_f.push([1,{json.dumps(part)}])</script>" for part in parts)
    assert _offer(_found(body)) == ("49.00", None, "EUR")


def test_references_of_an_apollo_cache_are_followed() -> None:
    cache = {"Product:1": {"__typename": "Product", "id": "1", "name": "Felt Hat", "sku": "C1", "slug": "felt-hat",
                           "price": {"__ref": "Price:9"}}, "Price:9": {"value": 19.5, "currency": "EUR"}}  # fmt: skip
    assert _offer(_found(f"<script>window.__APOLLO_STATE__={json.dumps(cache)}</script>")) == ("19.50", None, "EUR")


def test_keys_that_say_cents_and_the_variant_set_apart_are_understood() -> None:
    in_cents = {"itemId": 9, "displayName": "Felt Hat", "priceCents": 6400, "wasPriceCents": 8000, "currency": "USD"}
    assert _offer(_found(f"<script>window.__INITIAL_STATE__={json.dumps({'item': in_cents})};</script>")) == (
        "64.00", "80.00", "USD",
    )  # fmt: skip
    variant = {"sku": "FH-S", "price": {"amount": "84.0", "currencyCode": "USD"}, "availableForSale": True}
    product = {"title": "Felt Hat", "handle": "felt-hat", "selectedVariant": variant}
    found = _found(f"<script>window.__remixContext = {json.dumps({'product': product})};</script>")
    assert (*_offer(found), found[0]["sku"]) == ("84.00", None, "USD", "FH-S")


def test_a_whole_number_is_cents_only_where_the_page_shows_its_hundredth() -> None:
    value = {"name": "Felt Hat", "price": 1950, "currency": "EUR", "sku": "C1"}
    holder = f"<div {_attribute('data-state', value)}></div>"
    assert _offer(_found(holder + "<p>19,50 €</p>"))[0] == "19.50"
    assert _offer(_found(holder + "<p>1.950 €</p>"))[0] == "1950"


def test_trackers_come_last_and_listings_of_theirs_give_nothing() -> None:
    view = "gtag('event','view_item',{currency:'EUR',items:[{item_id:'C1',item_name:'Felt Hat',price:48}]});"
    found = _found(f"<script>{view}</script>" + _json_script(HAT, 'id="__NEXT_DATA__"'))
    assert [(n["@origin"], nodes.candidates(n)["price"]) for n in found] == [("next", "49.00"), ("datalayer", "48")]
    impressions = {"event": "view_item_list", "ecommerce": {"items": [{"item_name": "Felt Hat", "price": "5"}]}}
    assert _found(f"<script>dataLayer.push({json.dumps(impressions)});</script>") == []


def test_a_page_whose_switcher_lists_several_currencies_names_none() -> None:
    value = {"name": "Felt Hat", "price": "19.50", "sku": "C1"}
    switcher = '<script>var c = [{"currencyCode":"EUR"},{"currencyCode":"USD"}];</script>'
    assert _offer(_found(_json_script(value) + switcher)) == ("19.50", None, None)


def test_literals_keep_what_can_be_known_and_lose_only_what_cannot() -> None:
    written = "{a:'x'+'y', b:c?1:2, d:function(){return {e:1}}, f:-1.5, g:`t`, h:new Date(1), 'i':!0, j:[1,2,],} tail"
    value, end = read(written)
    assert value == {"a": "xy", "b": None, "d": None, "f": -1.5, "g": "t", "h": None, "i": True, "j": [1, 2]}
    assert written[end:] == " tail"


@pytest.mark.parametrize("rubbish", ["{a:'x", "{a:/* ", "[" * 5_000, "{a:" * 5_000, "]", ""])
def test_what_never_closes_or_is_nested_too_deep_is_unreadable(rubbish: str) -> None:
    with pytest.raises(Unreadable):
        read(rubbish)


@pytest.mark.parametrize(
    "script",
    [
        "x={price:" * 40_000, 'x={"price":{' * 40_000, "x=[" * 200_000 + "price", "x={price:'" + "\\" * 400_001,
        "x={price:/*" * 60_000, "__NUXT__=(function(price){return " + "{a:" * 90_000, '="price' * 90_000,
    ],
    ids=["open", "json", "arrays", "backslashes", "comments", "function", "quotes"],
)  # fmt: skip
def test_hostile_scripts_cost_a_bounded_time_and_give_nothing(script: str) -> None:
    started = time.process_time()
    assert _found(f"<script>{script}</script>") == []
    assert time.process_time() - started < 5


def test_graphs_that_turn_in_circles_or_double_at_every_step_end() -> None:
    cycle = [{"a": 1, "price": 2}, [1, 1, 0, 0], 3]
    names = ("name", "price", "prices", "image", "images", "sku", "stock", "brand", "category")
    doubling = [dict.fromkeys(names, n + 1) for n in range(60)] + ["price"]
    links = {f"P:{n}": {f"price{k}": {"__ref": f"P:{n + 1}"} for k in range(50)} for n in range(50)}
    cache = {"Product:1": {"name": "Felt Hat", "sku": "C1", "price": {"__ref": "P:0"}}, **links}
    started = time.process_time()
    for value in (cycle, doubling, cache):
        assert _found(_json_script(value, 'id="__NUXT_DATA__"')) == []
    assert time.process_time() - started < 10


def test_a_thousand_levels_of_nesting_give_nothing() -> None:
    deep = '{"name":"Felt Hat","price":1,"sku":' + '{"value":' * 900 + "1" + "}" * 901
    assert [n.get("sku") for n in _found(f'<script type="application/json">{deep}</script>')] in ([None], [])
