-- One row per usable image: the product that shows it first, its best mask (review, then cutout, model, GrabCut; of equals
-- the newest) and the surest label of each field (a person's word first), of fields in `several` all values of that label's
-- source. Every ORDER BY ends in a unique key: the same tables give the same rows.
WITH shown AS (
  SELECT f.sha256, f.store, f.product_id, f.url, f.crawl_id,
         row_number() OVER (
           PARTITION BY f.sha256 ORDER BY f.fetched_at, f.crawl_id, f.page_url, f.url, f.position, f.product_id
         ) AS place
  FROM fetches f WHERE f.sha256 IS NOT NULL
), latest AS (
  SELECT *, row_number() OVER (PARTITION BY store, product_id ORDER BY fetched_at DESC, crawl_id DESC) AS place FROM products
), verdicts AS (
  SELECT sha256, field, verdict, created_at,
         row_number() OVER (PARTITION BY sha256, field ORDER BY created_at DESC, review_id) AS place
  FROM reviews WHERE verdict IN ('accept', 'reject', 'relabel')
), rejected AS (
  SELECT DISTINCT sha256, field, created_at FROM verdicts WHERE place = 1 AND verdict = 'reject'
), ranks AS (  -- dataset/mask_sources.py, RANKS
  SELECT ['review', 'cutout', 'import', 'model', 'grabcut:backdrop', 'grabcut:combined', 'grabcut:pose',
          'grabcut:selfie', 'grabcut:skin', 'grabcut:rectangle', 'grabcut'] AS names
), ranked AS (
  SELECT sha256, source, kind, mask_sha256, quality, method, created_at,
         coalesce(list_position(names, source), list_position(names, split_part(source, ':', 1)), 99) AS rank
  FROM masks, ranks WHERE status = 'ok'
), composites AS (
  SELECT sha256, source, mask_sha256, quality,
         row_number() OVER (PARTITION BY sha256 ORDER BY rank, created_at DESC NULLS LAST, source) AS place
  FROM ranked r WHERE kind = 'composite'
    AND (source = 'review' OR NOT EXISTS (SELECT 1 FROM rejected x WHERE x.sha256 = r.sha256 AND x.field = 'mask'))
), chosen AS (
  SELECT c.sha256, c.source AS mask_source, c.mask_sha256, c.quality AS mask_quality,
         p.mask_sha256 AS person_sha256, g.mask_sha256 AS garment_sha256,
         w.mask_sha256 AS words_sha256, w.method AS words_method
  FROM composites c
  LEFT JOIN ranked p ON p.sha256 = c.sha256 AND p.source = c.source AND p.kind = 'person'
  LEFT JOIN ranked g ON g.sha256 = c.sha256 AND g.source = c.source AND g.kind = 'garment'
  LEFT JOIN ranked w ON w.sha256 = c.sha256 AND w.source = c.source AND w.kind = 'labels'
  WHERE c.place = 1
), several AS (
  SELECT unnest([]::VARCHAR[]) AS field  -- fields that may have several values, written in by dataset/snapshot.py
), surest AS (
  SELECT sha256, field, value, source, created_at, row_number() OVER by_trust AS place,
         first_value(source) OVER by_trust AS best, first_value(created_at) OVER by_trust AS sitting
  FROM labels l WHERE value IS NOT NULL AND field <> 'worn'  -- words of regions: many to a photo, none of them its label
    -- A field that was rejected last has no label, but one that a person gave since.
    AND NOT EXISTS (SELECT 1 FROM rejected x WHERE x.sha256 = l.sha256 AND x.field = l.field
                    AND NOT (l.source = 'person' AND coalesce(l.created_at > x.created_at, TRUE)))
  WINDOW by_trust AS (PARTITION BY sha256, field
                      ORDER BY source = 'person' DESC, confidence DESC, source, created_at DESC, value)
), told AS (  -- of a person's words those of one sitting
  SELECT sha256, field, list_sort(list_distinct(list(value))) AS said FROM surest
  WHERE place = 1 OR (field IN (FROM several) AND source IS NOT DISTINCT FROM best
                      AND (source <> 'person' OR created_at IS NOT DISTINCT FROM sitting))
  GROUP BY sha256, field
), tags AS (
  SELECT sha256, '{' || string_agg(to_json(field) || ': ' || if(len(said) = 1, to_json(said[1]), to_json(said)), ', '
                                   ORDER BY field) || '}' AS labels
  FROM told GROUP BY sha256
)
SELECT i.sha256, coalesce(s.store, '') AS store, s.product_id, p.name AS product_name, s.url, i.view, i.width, i.height,
       g.group_id, g.split, c.person_sha256, c.garment_sha256, c.mask_sha256, c.mask_source, c.mask_quality,
       c.words_sha256, CAST(json_extract(c.words_method, '$.names') AS VARCHAR) AS words_names,
       coalesce(t.labels, '{}') AS labels,
       p.brand, p.price, p.currency, p.availability, p.colour, p.licence,
       i.format, i.bytes, i.sharpness, i.exposure, i.contrast, i.compression, i.resolution, i.uniformity, i.aspect
FROM images i
LEFT JOIN shown s ON s.sha256 = i.sha256 AND s.place = 1
LEFT JOIN latest p ON p.store = s.store AND p.product_id = s.product_id AND p.place = 1
LEFT JOIN groups g ON g.sha256 = i.sha256
LEFT JOIN chosen c ON c.sha256 = i.sha256
LEFT JOIN tags t ON t.sha256 = i.sha256
WHERE i.status = 'ok'
  -- One condition a kind: joined on equality each, where one OR over all kinds would compare every image with every row.
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'sha256' AND d.value = i.sha256)
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'url' AND d.value = s.url)
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'product' AND d.value = s.store || '|' || s.product_id)
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'brand' AND lower(trim(regexp_replace(d.value, '\s+', ' ', 'g')))
                  = lower(trim(regexp_replace(p.brand, '\s+', ' ', 'g'))))
  AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'domain' AND (d.value = lower(s.store) OR ends_with(lower(s.store), '.' || d.value)
                  OR ends_with('.' || lower(regexp_extract(s.url, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)', 1)), '.' || d.value)))
  AND NOT EXISTS (SELECT 1 FROM rejected x WHERE x.sha256 = i.sha256 AND x.field = 'image')
