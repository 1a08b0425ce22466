-- What changed in each shop between two crawls: one row per change. $1..$6 are lists, one entry a shop: store, crawl
-- before, crawl after, before was whole, after was whole, when before began. $7 of $8 shards, by product.
WITH pair AS (
  SELECT unnest($1::VARCHAR[]) AS store, unnest($2::VARCHAR[]) AS old_id, unnest($3::VARCHAR[]) AS new_id,
         unnest($4::BOOLEAN[]) AS old_whole, unnest($5::BOOLEAN[]) AS new_whole, unnest($6::TIMESTAMPTZ[]) AS old_at
), sighted AS (
  SELECT p.store, p.product_id, p.crawl_id = pair.new_id AS is_new, p.url, left(p.name, 500) AS name, p.page_sha256,
         nullif(try_cast(p.price AS DOUBLE), 'NaN') AS price, nullif(try_cast(p.list_price AS DOUBLE), 'NaN') AS list_price,
         p.currency, p.availability, p.fetched_at, p.crawl_id,
         left(coalesce(list_last(list_filter(p.categories, lambda c: trim(c) <> '' AND c IS DISTINCT FROM p.name)),
                  'no category'), 200) AS category
  FROM products p JOIN pair ON pair.store = p.store AND p.crawl_id IN (pair.old_id, pair.new_id)
  WHERE hash(p.product_id) % $8::UBIGINT = $7::UBIGINT
  QUALIFY row_number() OVER (PARTITION BY p.store, p.product_id, p.crawl_id ORDER BY p.fetched_at DESC NULLS LAST) = 1
), o AS (FROM sighted WHERE NOT is_new), n AS (FROM sighted WHERE is_new),
-- Products in one crawl alone, with the addresses their page had: the canonical one and the one that was asked.
lost AS (SELECT o.* FROM o ANTI JOIN n ON n.store = o.store AND n.product_id = o.product_id),
come AS (SELECT n.* FROM n ANTI JOIN o ON n.store = o.store AND n.product_id = o.product_id),
alone AS (FROM lost UNION ALL FROM come),
address AS (
  SELECT store, product_id, url FROM alone WHERE url IS NOT NULL
  UNION SELECT a.store, a.product_id, p.url FROM alone a JOIN pages p
    ON p.store = a.store AND p.crawl_id = a.crawl_id AND p.sha256 = a.page_sha256 AND p.found = 'product'
),
-- What the other crawl's request for that page brought: the best answer of all its addresses.
fate AS (
  SELECT a.store, a.product_id, p.crawl_id,
    min_by(CASE WHEN p.status IN ('ok', 'unchanged') THEN 'read' WHEN p.reason IN ('http_404', 'http_410') THEN 'absent'
           ELSE 'unread' END, if(p.status IN ('ok', 'unchanged'), 0, 1)) AS fate,
    min_by(p.reason, if(p.status IN ('ok', 'unchanged'), 0, 1)) AS reason
  FROM address a JOIN pages p ON p.store = a.store AND p.url = a.url GROUP BY ALL
), earlier AS (
  SELECT DISTINCT p.store, p.product_id FROM products p JOIN pair ON pair.store = p.store
  WHERE p.fetched_at < pair.old_at AND p.crawl_id NOT IN (pair.old_id, pair.new_id)
    AND hash(p.product_id) % $8::UBIGINT = $7::UBIGINT
), told AS (
  SELECT lost.*, CASE WHEN fate IN ('read', 'absent') OR (fate IS NULL AND new_whole) THEN 'gone' ELSE 'not_seen' END AS kind,
    CASE WHEN fate = 'read' THEN 'its page was read and no longer shows it'
         WHEN fate = 'absent' THEN 'the shop answers that the page is gone (' || reason || ')'
         WHEN fate = 'unread' THEN 'its page could not be read: ' || coalesce(reason, 'unsaid')
         WHEN new_whole THEN 'no longer listed; all lists were read'
         ELSE 'its page was not asked for, and the crawl did not see the whole shop' END AS evidence,
    NULL AS old, NULL AS new, NULL::DOUBLE AS ratio
  FROM lost JOIN pair USING (store) LEFT JOIN fate ON fate.store = lost.store AND fate.product_id = lost.product_id AND fate.crawl_id = pair.new_id
  UNION ALL
  SELECT come.*, CASE WHEN fate = 'unread' OR (fate IS NULL AND NOT old_whole) THEN 'first_seen'
                      WHEN earlier.store IS NOT NULL THEN 'back' ELSE 'new' END,
    CASE WHEN fate = 'unread' THEN 'its page could not be read in the crawl before: ' || coalesce(reason, 'unsaid')
         WHEN fate IS NULL AND NOT old_whole THEN 'the crawl before did not see the whole shop'
         WHEN earlier.store IS NOT NULL THEN 'seen in an older crawl, absent in the one before'
         ELSE 'absent in the crawl before, which saw the whole shop or its page' END,
    NULL, NULL, NULL
  FROM come JOIN pair USING (store) LEFT JOIN fate ON fate.store = come.store AND fate.product_id = come.product_id AND fate.crawl_id = pair.old_id
    LEFT JOIN earlier ON earlier.store = come.store AND earlier.product_id = come.product_id
), both_seen AS (
  SELECT n.*, o.price AS p0, o.list_price AS l0, o.currency AS c0, o.availability AS a0,
    n.currency IS NOT DISTINCT FROM o.currency AS same_money,
    if(o.list_price > o.price, 1 - o.price / o.list_price, 0) AS off0, if(n.list_price > n.price, 1 - n.price / n.list_price, 0) AS off1
  FROM n JOIN o ON n.store = o.store AND n.product_id = o.product_id
), moved AS (
  SELECT *, if(price > p0, 'price_up', 'price_down') AS kind, '' AS evidence, format('{:.2f}', p0) AS old, format('{:.2f}', price) AS new,
    price / nullif(p0, 0) - 1 AS ratio FROM both_seen WHERE same_money AND price <> p0
  UNION ALL SELECT *, CASE WHEN off0 = 0 THEN 'discount_began' WHEN off1 = 0 THEN 'discount_ended' ELSE 'discount_changed' END, '',
    round(100 * off0)::INT || ' %', round(100 * off1)::INT || ' %', off1 - off0
    FROM both_seen WHERE same_money AND price IS NOT NULL AND p0 IS NOT NULL AND abs(off1 - off0) >= 0.005
  UNION ALL SELECT *, 'availability', '', a0, availability, NULL FROM both_seen WHERE availability <> a0
  UNION ALL SELECT *, 'currency', '', c0, currency, NULL FROM both_seen WHERE c0 <> currency
)
SELECT store, kind, product_id, name, url, category, price, list_price, currency, old, new, ratio, evidence, crawl_id, fetched_at FROM told
UNION ALL SELECT store, kind, product_id, name, url, category, price, list_price, currency, old, new, ratio, evidence, crawl_id, fetched_at FROM moved
ORDER BY store, kind, product_id
