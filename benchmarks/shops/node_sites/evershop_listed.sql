-- What an EverShop lists: one JSON array of its enabled, visible products, each with the address it is sold at.
SELECT json_agg(row_to_json(listed) ORDER BY listed.sku) FROM (
  SELECT coalesce(r.request_path, '/product/' || p.uuid) AS path, d.name, p.price::numeric(12, 2)::text AS price,
    'EUR' AS currency,
    CASE WHEN NOT i.stock_availability THEN 'OutOfStock' WHEN i.manage_stock AND i.qty < 1 THEN 'OutOfStock' ELSE 'InStock' END AS availability,
    coalesce((SELECT json_agg(replace(m.origin_image, '/assets/', 'media/') ORDER BY m.is_main DESC, m.product_image_id)
              FROM product_image m WHERE m.product_image_product_id = p.product_id), '[]'::json) AS pictures,
    p.sku, NULL AS variant_of
  FROM product p
  JOIN product_description d ON d.product_description_product_id = p.product_id
  JOIN product_inventory i ON i.product_inventory_product_id = p.product_id
  LEFT JOIN url_rewrite r ON r.entity_uuid = p.uuid AND r.entity_type = 'product'
  WHERE p.status AND p.visibility) AS listed
