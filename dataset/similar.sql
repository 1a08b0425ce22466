-- One row per usable image that has a vector and each product that shows it now; $1 is the encoder. Where it says so, items.sql goes in.
-- An address whose newest attempt was refused (an opt-out, robots.txt, a take-down) shows nothing any more.
WITH item AS ({items}
), newest AS (
  SELECT url, status, row_number() OVER (PARTITION BY url ORDER BY fetched_at DESC, crawl_id DESC, page_url) AS place
  FROM fetches WHERE url IS NOT NULL
), refused AS (
  SELECT url FROM newest WHERE place = 1 AND status = 'refused'
), shown AS (
  SELECT sha256, store, product_id, min(url) AS image_url, max_by(crawl_id, (fetched_at, crawl_id)) AS crawl_id
  FROM fetches f WHERE sha256 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.url = f.url)
  GROUP BY sha256, store, product_id
), latest AS (
  SELECT *, row_number() OVER (PARTITION BY store, product_id ORDER BY fetched_at DESC, crawl_id DESC) AS place FROM products
)
SELECT i.sha256, coalesce(s.store, '') AS store, s.product_id, p.name AS title, p.brand,
       TRY_CAST(p.price AS DOUBLE) AS price, p.price AS price_text, p.currency, p.availability, p.colour, p.categories,
       p.variant_group, coalesce(p.url, s.image_url) AS url, s.crawl_id, i.view, i.labels, g.cluster_id, m.colour_grid
FROM item i
SEMI JOIN (SELECT sha256 FROM embeddings WHERE encoder = $1 AND vector IS NOT NULL) v ON v.sha256 = i.sha256
JOIN images m ON m.sha256 = i.sha256
LEFT JOIN shown s ON s.sha256 = i.sha256
LEFT JOIN latest p ON p.store = s.store AND p.product_id = s.product_id AND p.place = 1
LEFT JOIN groups g ON g.sha256 = i.sha256
WHERE (s.sha256 IS NOT NULL OR NOT EXISTS (SELECT 1 FROM fetches f WHERE f.sha256 = i.sha256))
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'url' AND d.value IN (s.image_url, p.url))
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'product' AND d.value = s.store || '|' || s.product_id)
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'brand' AND lower(trim(d.value)) = lower(trim(p.brand)))
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'domain'
                  AND (d.value = lower(s.store) OR ends_with(lower(s.store), '.' || d.value)))
ORDER BY i.sha256, store, s.product_id
