"""The tables: every column with its type and, in the field's metadata, what it means.

A table's key is what `upsert` merges on; `fetches` and `reviews` are logs, so they only grow. Times are UTC
microseconds. A sha256 is 64 lower-case hex characters of the original bytes. Scores are float32 in [0, 1], 1 is best,
null is 'not measured'.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
TIME = pa.timestamp("us", tz="UTC")
TEXT, TEXTS, WHOLE, SCORE, YES = pa.string(), pa.list_(pa.string()), pa.int64(), pa.float32(), pa.bool_()


def _table(**columns: tuple[pa.DataType, str]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, metadata={"doc": doc}) for name, (kind, doc) in columns.items()])


SCHEMAS: dict[str, pa.Schema] = {
    "products": _table(
        store=(TEXT, "short name of the shop, by default its host"),
        product_id=(TEXT, "stable inside a store: the SKU if the page has one, else the canonical URL"),
        url=(TEXT, "canonical URL of the page"),
        name=(TEXT, "as shown to a visitor; null if the page has none"),
        brand=(TEXT, "null if the page has none"),
        price=(TEXT, "decimal string, what a visitor pays now"),
        list_price=(TEXT, "decimal string, the price struck through; null if there is none"),
        currency=(TEXT, "ISO 4217"),
        availability=(TEXT, "InStock, OutOfStock, PreOrder, BackOrder, Discontinued (schema.org); null if unsaid"),
        categories=(TEXTS, "breadcrumb from general to special, in the shop's own words"),
        colour=(TEXT, "in the shop's own words"),
        sizes=(TEXTS, "in the shop's own words and order"),
        sku=(TEXT, "the shop's number"),
        gtin=(TEXT, "8 to 14 digits"),
        mpn=(TEXT, "the maker's number"),
        variant_group=(TEXT, "what products that differ in colour or size alone share; null if unsaid"),
        variants=(TEXT, "JSON list of {sku, colour, size, price, availability, image}"),
        description=(TEXT, "plain text"),
        image_urls=(TEXTS, "absolute, largest rendition, in the gallery's order"),
        licence=(TEXT, "licence URL or name given for the images; null if unsaid"),
        source=(TEXT, "JSON {field: [where it came from, confidence]}"),
        extractor=(TEXT, "name and version of what read the page"),
        crawl_id=(TEXT, "which crawl saw it"),
        fetched_at=(TIME, "when the page was fetched"),
        page_sha256=(TEXT, "blob of the page, zlib-compressed bytes; null where the source was an API or an import"),
    ),
    "fetches": _table(
        crawl_id=(TEXT, "which crawl or import"),
        store=(TEXT, "see products"),
        product_id=(TEXT, "see products; null for an image with no product"),
        page_url=(TEXT, "page that named the image"),
        url=(TEXT, "image URL as asked"),
        final_url=(TEXT, "after redirects"),
        position=(WHOLE, "0-based place in the product's gallery"),
        status=(TEXT, "ok, unchanged, failed or refused"),
        reason=(TEXT, "coded; null when ok. See crawlers.policy.REASONS and crawlers.fetcher.REASONS"),
        http_status=(WHOLE, "null where nothing answered"),
        policy=(TEXT, "JSON: the evidence the decision rests on"),
        headers=(TEXT, "JSON of the headers kept (type, length, ETag, Last-Modified, X-Robots-Tag, tdm-*)"),
        sha256=(TEXT, "blob of the original bytes; null unless ok or unchanged"),
        bytes=(WHOLE, "length of the body"),
        elapsed_ms=(WHOLE, "from asking to the last byte"),
        fetched_at=(TIME, "when the attempt ended"),
        source=(TEXT, "crawl, or the importer's name"),
    ),
    "images": _table(
        sha256=(TEXT, "of the original bytes"),
        status=(TEXT, "ok or bad"),
        reason=(TEXT, "coded, from dataset.images.REASONS; null when ok"),
        bytes=(WHOLE, "length of the original"),
        width=(WHOLE, "px, after EXIF orientation"),
        height=(WHOLE, "px, after EXIF orientation"),
        format=(TEXT, "JPEG, PNG, WEBP, …, by content"),
        mode=(TEXT, "Pillow mode of the original"),
        orientation=(WHOLE, "EXIF 1 to 8"),
        has_alpha=(YES, "alpha channel with anything but opaque"),
        frames=(WHOLE, "1 unless animated"),
        phash=(TEXT, "16 hex digits, 64-bit DCT perceptual hash"),
        sharpness=(SCORE, "1 is sharp"),
        exposure=(SCORE, "1 is neither dark nor blown out"),
        contrast=(SCORE, "1 is full range"),
        compression=(SCORE, "1 shows no 8x8 block edges"),
        resolution=(SCORE, "short side over 512 px, at most 1"),
        uniformity=(SCORE, "share of the border that is one colour: near 1 is a packshot's backdrop"),
        aspect=(SCORE, "short side over long side"),
        view=(TEXT, "packshot or scene, by uniformity"),
        checked_at=(TIME, "when measured"),
        checker=(TEXT, "version of the measures"),
    ),
    "groups": _table(
        sha256=(TEXT, "image"),
        store=(TEXT, "of the first product that shows it"),
        product_key=(TEXT, "store and product of the first product that shows it, joined by '|'"),
        cluster_id=(TEXT, "smallest sha256 among its near-duplicates"),
        group_id=(TEXT, "smallest sha256 in product ∪ near-duplicates"),
        split=(TEXT, "train, validation or test; null before `split`"),
        split_rule=(TEXT, "JSON of strategy, shares and seed"),
    ),
    "labels": _table(
        sha256=(TEXT, "image"),
        field=(TEXT, "taxonomy field"),
        value=(TEXT, "taxonomy value id, or null where the word is not mapped"),
        word=(TEXT, "the words it was read from"),
        source=(TEXT, "store, rule, person, model:<run>, or the importer's name"),
        confidence=(SCORE, "of the source"),
        taxonomy=(TEXT, "name@version#hash"),
        created_at=(TIME, "when written"),
    ),
    "masks": _table(
        sha256=(TEXT, "image"),
        kind=(TEXT, "person, garment, composite or labels"),
        source=(TEXT, "cutout, review, model:<run> or grabcut"),
        status=(TEXT, "ok or bad"),
        reason=(TEXT, "coded, from labeling.mask_quality.REASONS; null when ok"),
        mask_sha256=(TEXT, "PNG blob; null when bad"),
        method=(TEXT, "JSON: what was done, with parameters"),
        width=(WHOLE, "px"),
        height=(WHOLE, "px"),
        quality=(SCORE, "smallest of the scores"),
        scores=(TEXT, "JSON {rule: score}"),
        flags=(TEXTS, "rules that failed their threshold"),
        created_at=(TIME, "when written"),
    ),
    "embeddings": _table(
        sha256=(TEXT, "image"),
        encoder=(TEXT, "name#weight fingerprint"),
        vector=(pa.list_(pa.float32()), "unit length"),
        created_at=(TIME, "when written"),
    ),
    "reviews": _table(
        review_id=(TEXT, "hash of the row's content, so pulling twice adds nothing"),
        sha256=(TEXT, "image"),
        verdict=(TEXT, "accept, reject or relabel"),
        field=(TEXT, "what it is about: mask, or a taxonomy field"),
        value=(TEXT, "the new value of a relabel"),
        reviewer=(TEXT, "who"),
        source=(TEXT, "fiftyone, or the annotation tool"),
        created_at=(TIME, "when pulled"),
    ),
    "takedowns": _table(
        kind=(TEXT, "domain, url, brand, sha256 or product"),
        value=(TEXT, "what may never be fetched, kept or trained on again"),
        reason=(TEXT, "as told"),
        created_at=(TIME, "when"),
    ),
}

KEYS: dict[str, list[str]] = {
    "products": ["store", "product_id", "crawl_id"],
    "fetches": ["crawl_id", "url", "page_url"],
    "images": ["sha256"],
    "groups": ["sha256"],
    "labels": ["sha256", "field", "source", "word"],
    "masks": ["sha256", "kind", "source"],
    "embeddings": ["sha256", "encoder"],
    "reviews": ["review_id"],
    "takedowns": ["kind", "value"],
}
