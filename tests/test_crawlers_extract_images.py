"""Pictures of invented pages: which, in which order, in which rendition."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from parsel import Selector

from crawlers.extract import image_urls, images

URL = "https://shop.example/coats/red-coat"
TITLE = "<h1>Red Coat</h1>"


def _page(body: str, head: str = "") -> Selector:
    return Selector(text=f"<html><head>{head}</head><body>{body}</body></html>", type="html")


def _gathered(body: str, named: Any = (), head: str = "", **options: Any) -> list[str]:
    return images.gather(_page(TITLE + body, head), named, URL, **options)


def test_the_gallerys_order_holds_where_it_has_what_markup_names() -> None:
    gallery = '<div class="product-gallery"><img src="/i/a.jpg"><img src="/i/b.jpg"><img src="/i/c.jpg"></div>'
    assert _gathered(gallery, ["/i/c.jpg", None, {"url": "/i/b.jpg"}]) == [
        f"https://shop.example/i/{n}.jpg" for n in "abc"
    ]


def test_the_largest_of_srcset_picture_link_and_data_attributes_wins() -> None:
    body = """<div class="gallery">
      <img src="/a-300.jpg" srcset="/a-300.jpg 300w, /a-1200.jpg 1200w, /a-600.jpg 600w">
      <a href="/b-big.jpg"><img src="/b-little.jpg"></a>
      <picture><source srcset="/c-400.webp 400w, /c-1600.webp 1600w"><img src="/c-400.jpg"></picture>
      <img src="data:image/gif;base64,R0lGOD" data-src="/d.jpg" data-zoom-image="/d-zoomed.jpg">
    </div>"""
    found = [u.removeprefix("https://shop.example/") for u in _gathered(body)]
    assert found == ["a-1200.jpg", "b-big.jpg", "c-1600.webp", "d-zoomed.jpg"]


def test_a_thumbnail_in_markup_gives_way_to_the_large_one_in_a_srcset_elsewhere() -> None:
    body = '<div><img srcset="/red-coat-300x300.jpg 300w, /red-coat-1800x1800.jpg 1800w"></div>'
    assert _gathered(body, ["/red-coat-150x150.jpg"]) == ["https://shop.example/red-coat-1800x1800.jpg"]


def test_the_wordpress_original_is_taken_only_where_the_page_names_it() -> None:
    small = '<div class="gallery"><img src="/up/coat-300x300.jpg"></div>'
    linked = '<div class="gallery"><a href="/up/coat.jpg"><img src="/up/coat-300x300.jpg"></a></div>'
    assert _gathered(small) == ["https://shop.example/up/coat-300x300.jpg"]
    assert _gathered(linked) == ["https://shop.example/up/coat.jpg"]


def test_one_picture_as_jpeg_and_webp_is_one_in_the_format_it_was_uploaded_in() -> None:
    body = '<div class="gallery"><picture><source srcset="/a.webp"><img src="/a.jpg"></picture><img src="/a.jpg.webp">'
    assert _gathered(body + "</div>") == ["https://shop.example/a.jpg"]


@pytest.mark.parametrize(
    ("written", "original"),
    [
        ("https://cdn.shopify.com/s/f/a_800x600_crop_center@2x.jpg?v=12&width=300", "https://cdn.shopify.com/s/f/a.jpg?v=12"),
        ("https://x.example/cdn/shop/files/a_{width}x.jpg?v=1", "https://x.example/cdn/shop/files/a.jpg?v=1"),
        ("https://x.imgix.net/a.jpg?w=300&auto=format", "https://x.imgix.net/a.jpg"),
        ("https://x.imgix.net/a.jpg?w=300&s=abc", "https://x.imgix.net/a.jpg?w=300&s=abc"),
        ("https://res.cloudinary.com/d/image/upload/w_300,c_fill/q_auto/v1/a.jpg",
         "https://res.cloudinary.com/d/image/upload/v1/a.jpg"),
        ("https://res.cloudinary.com/d/image/upload/s--x--/w_300/v1/a.jpg",
         "https://res.cloudinary.com/d/image/upload/s--x--/w_300/v1/a.jpg"),
        ("https://x.example/dw/image/v2/A/on/demandware.static/a.jpg?sw=300&sh=300",
         "https://x.example/dw/image/v2/A/on/demandware.static/a.jpg"),
        ("https://static.wixstatic.com/media/1~mv2.jpg/v1/fill/w_300/f.jpg", "https://static.wixstatic.com/media/1~mv2.jpg"),
        ("https://x.example/_next/image?url=%2Fimg%2Fa.jpg&w=640&q=75", "https://x.example/img/a.jpg"),
        ("https://x.example/cdn-cgi/image/width=300/img/a.jpg", "https://x.example/img/a.jpg"),
        ("https://x.example/up/a-300x300.jpg", "https://x.example/up/a-300x300.jpg"),
        ("https://s7.scene7.com/is/image/B/1?wid=300", "https://s7.scene7.com/is/image/B/1?wid=300"),
    ],
)  # fmt: skip
def test_only_documented_parameters_are_left_out(written: str, original: str) -> None:
    assert image_urls.original(written) == original


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://p.example/12-home_default/m.jpg", "https://p.example/12-large_default/m.jpg"),
        ("https://m.media-amazon.com/images/I/71a._AC_SX300_.jpg", "https://m.media-amazon.com/images/I/71a._AC_SL1500_.jpg"),
        ("https://o.example/image/cache/catalog/a-80x80.jpg", "https://o.example/image/cache/catalog/a-500x500.jpg"),
        ("https://s7.scene7.com/is/image/B/1?wid=80&$p$", "https://s7.scene7.com/is/image/B/1?wid=1200"),
        ("https://q.squarespace-cdn.com/a.jpg?format=100w", "https://q.squarespace-cdn.com/a.jpg?format=1500w"),
        ("https://z.example/a/b.jpg?imwidth=156", "https://z.example/a/b.jpg?imwidth=1800"),
        ("https://m.example/media/catalog/product/cache/1/thumbnail/75x/9df78eab33525d08d6e5fb8d27136e95/a/b/ab.jpg",
         "https://m.example/media/catalog/product/a/b/ab.jpg"),
    ],
)  # fmt: skip
def test_renditions_of_one_picture_share_an_identity_and_are_ordered_by_width(one: str, other: str) -> None:
    assert image_urls.identity(one) == image_urls.identity(other)
    assert image_urls.stated_width(one) < image_urls.stated_width(other)
    assert _gathered("", [one, other]) == [other]


def test_different_pictures_of_one_folder_stay_apart() -> None:
    named = ["/i/coat-1.jpg", "/i/coat-2.jpg", "/i/coat.php?id=3", "/i/coat.php?id=4"]
    assert len(_gathered("", named)) == 4


def test_logos_icons_swatches_reviews_and_tiles_stay_out() -> None:
    body = """<header class="site-header"><img src="/photo-of-shop.jpg" width="400"></header>
      <div class="product-gallery"><img src="/i/a.jpg"><img src="/img/spacer.gif"><img src="/img/zoom-logo.png"></div>
      <ul class="color-swatches"><li><img src="/i/red.jpg"></li></ul>
      <div class="payment-icons"><img src="/visa.jpg"></div>
      <div class="reviews"><div class="gallery"><img src="/i/worn.jpg"></div></div>
      <div class="related-products"><a href="/hat"><img class="product-image" src="/i/hat.jpg"></a></div>
      <div class="grid"><a href="/scarf"><img class="product-image" src="/i/scarf.jpg"></a></div>"""
    assert _gathered(body) == ["https://shop.example/i/a.jpg"]


def test_a_photograph_whose_subject_is_a_logo_or_an_icon_stays() -> None:
    named = ["/i/logo-hoodie-front.jpg", "/i/iconic-dress.jpg", "/i/flagship-coat.jpg", "/img/shop-logo.png"]
    assert [u.rsplit("/", 1)[-1] for u in _gathered("", named)] == [
        "logo-hoodie-front.jpg", "iconic-dress.jpg", "flagship-coat.jpg",
    ]  # fmt: skip


def test_a_gallery_without_a_known_name_is_found_beside_the_heading() -> None:
    body = '<div class="x1"><div class="x2"><img src="/p/1.jpg" width="600"><img src="/p/2.jpg" width="600"></div>'
    page = _page(f'{body}{TITLE}</div><div class="x3"><a href="/hat"><img src="/p/hat.jpg" width="300"></a></div>')
    assert images.gather(page, [], URL) == ["https://shop.example/p/1.jpg", "https://shop.example/p/2.jpg"]


def test_unnamed_pictures_join_markups_only_from_its_folder_or_by_their_text() -> None:
    body = '<img src="/p/2.jpg" width="600"><img src="/q/3.jpg" alt="Red coat, back">'
    body += '<img src="/ads/4.jpg" width="600">'
    assert _gathered(body, ["/p/1.jpg"]) == [f"https://shop.example/{n}.jpg" for n in ("p/1", "p/2", "q/3")]


def test_a_block_bounds_the_gallery() -> None:
    page = _page(f'<div id="own">{TITLE}<div class="gallery"><img src="/a.jpg"></div></div>'
                 '<div class="gallery"><img src="/b.jpg"></div>')  # fmt: skip
    assert images.gather(page, [], URL, block=page.css("#own")[0]) == ["https://shop.example/a.jpg"]


def test_a_strip_of_thumbnails_under_other_names_and_a_sliders_clones_are_not_more_pictures() -> None:
    body = """<div class="product_gallery"><div class="slick-cloned"><img src="/c/2.jpg"></div><img src="/c/1.jpg">
      <img src="/c/2.jpg"><ol class="carousel-indicators"><img src="/c/8.jpg"><img src="/c/9.jpg"></ol>
      </div>"""
    assert _gathered(body) == ["https://shop.example/c/1.jpg", "https://shop.example/c/2.jpg"]


def test_the_noscript_fallback_of_a_lazy_picture_is_the_same_picture() -> None:
    lazy = '<img src="/blank.gif" data-src="/a.jpg?w=400"><noscript><img src="/a.jpg"></noscript>'
    assert _gathered(f'<div class="gallery">{lazy}</div>') == ["https://shop.example/a.jpg"]


def test_magentos_gallery_json_gives_the_full_pictures() -> None:
    rows = [{"thumb": "/t1.jpg", "img": "/m1.jpg", "full": "https://m.example/f1.jpg", "type": "image"}]
    init = {"[data-gallery-role]": {"mage/gallery/gallery": {"data": rows}}}
    assert _gathered(f'<script type="text/x-magento-init">{json.dumps(init)}</script>') == ["https://m.example/f1.jpg"]


def test_urls_are_made_whole_from_base_protocol_spaces_letters_and_entities() -> None:
    named = [
        "//cdn.example/a.jpg",
        "b c.jpg",
        "/ü.jpg",
        "/d.php?id=1&amp;p=2",
        "",
        "data:image/png;base64,x",
        "{{src}}",
    ]
    assert _gathered("", named, head='<base href="https://base.example/shop/">') == [
        "https://cdn.example/a.jpg", "https://base.example/shop/b%20c.jpg", "https://base.example/%C3%BC.jpg",
        "https://base.example/d.php?id=1&p=2",
    ]  # fmt: skip


def test_a_selector_of_a_site_file_bounds_the_gallery() -> None:
    body = '<div class="gallery"><img src="/a.jpg"></div><p class="mine"><img src="/b.jpg"></p>'
    assert _gathered(body, selector=".mine img") == ["https://shop.example/b.jpg"]


def test_a_srcset_with_commas_in_its_urls_and_densities_is_read() -> None:
    written = "https://x.example/w_300,c_fill/a.jpg 300w, https://x.example/w_900,c_fill/a.jpg 900w"
    assert image_urls.srcset(written)[1] == ("https://x.example/w_900,c_fill/a.jpg", 900)
    assert image_urls.srcset("/a.jpg, /a@2x.jpg 2x") == [("/a@2x.jpg", 0)]


@pytest.mark.parametrize("written", ["a" * 20_000, ",a" * 10_000, "a," * 10_000, "1 " * 10_000])
def test_a_hostile_srcset_costs_no_more_than_its_length(written: str) -> None:
    started = time.process_time()
    image_urls.srcset(written)
    assert time.process_time() - started < 5  # trying every split would take minutes


@pytest.mark.parametrize(
    ("rendition", "source"),
    [
        ("https://s.example/images?src=%2Fassets%2Fcoat.jpg&w=640&q=75", "https://s.example/assets/coat.jpg"),
        ("https://s.example/images?src=https%3A%2F%2Fs.example%2Fassets%2Fcoat.jpg&w=1200&h=675&f=png",
         "https://s.example/assets/coat.jpg"),
        ("https://s.example/media/filer_public_thumbnails/filer_public/ab/cd/u-1/coat.jpg__300x300_q85_crop-smart.jpg",
         "https://s.example/media/filer_public/ab/cd/u-1/coat.jpg"),
        ("https://s.example/media/coat.jpg.120x80_q85.jpg", "https://s.example/media/coat.jpg"),
    ],
)  # fmt: skip
def test_what_a_resizer_was_asked_for_is_the_same_picture_and_larger(rendition: str, source: str) -> None:
    assert image_urls.identity(rendition) == image_urls.identity(source)
    assert image_urls.stated_width(rendition) < image_urls.stated_width(source)
