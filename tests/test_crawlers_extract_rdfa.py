"""RDFa on invented pages: what shops write, and what must not be taken for a product."""

from __future__ import annotations

from parsel import Selector

from crawlers.extract import nodes, rdfa

URL = "https://shop.example/mugs/blue"


def _nodes(body: str, attributes: str = "") -> list[dict[str, object]]:
    return rdfa.nodes(Selector(text=f"<html><body {attributes}>{body}</body></html>", type="html"), URL)


def test_rdfa_lite_gives_a_product_with_its_offer() -> None:
    found = _nodes(
        '<div vocab="https://schema.org/" typeof="Product"><h1 property="name">Blue  mug</h1>'
        '<img property="image" src="/i/blue.jpg"><div property="offers" typeof="Offer">'
        '<span property="price" content="12.50">12,50</span><meta property="priceCurrency" content="EUR">'
        '<link property="availability" href="https://schema.org/InStock"></div></div>'
    )
    read = nodes.candidates(found[0])
    assert (read["name"], read["price"], read["currency"], read["availability"]) == (
        "Blue mug", "12.50", "EUR", "InStock",
    )  # fmt: skip
    assert found[0]["image"] == "https://shop.example/i/blue.jpg"


def test_prefixes_and_rel_are_read_as_full_rdfa_has_them() -> None:
    found = _nodes(
        '<div typeof="s:Product" about="/mugs/blue"><b property="s:name">Mug</b>'
        '<div rel="s:offers"><i typeof="s:Offer"><u property="s:price">9</u></i></div></div>',
        'prefix="s: http://schema.org/"',
    )
    assert found[0]["@id"] == URL
    assert found[0]["name"] == "Mug"


def test_an_offer_without_property_inside_a_product_is_its_offer() -> None:
    found = _nodes(
        '<div vocab="http://schema.org/" typeof="Product"><b property="name">Mug</b>'
        '<div typeof="Offer"><b property="price">7.00</b></div></div>'
    )
    assert len(found) == 1
    assert nodes.candidates(found[0])["price"] == "7.00"


def test_several_values_of_one_property_are_a_list_in_order() -> None:
    images = '<img property="image" src="/1.jpg"><img property="image" src="/2.jpg"><img property="image" src="/3.jpg">'
    found = _nodes(f'<div vocab="https://schema.org/" typeof="Product">{images}</div>')
    assert found[0]["image"] == [f"https://shop.example/{n}.jpg" for n in (1, 2, 3)]


def test_recommended_products_and_other_vocabularies_give_nothing() -> None:
    tile = '<div vocab="https://schema.org/" typeof="Product"><b property="name">Other</b></div>'
    assert _nodes(f'<div class="related-products">{tile}</div>') == []
    assert _nodes('<div vocab="http://xmlns.com/foaf/0.1/" typeof="Person"><b property="name">Ada</b></div>') == []


def test_a_page_without_rdfa_gives_nothing() -> None:
    assert _nodes('<p property="og:title">x</p>') == []
